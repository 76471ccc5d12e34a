// Whether the npm package is what it says: built, packed, unpacked as a dependency of an empty
// project, then imported by this Node, the newest one and Bun, type-checked by a user without any
// types installed, and bundled for a browser.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./child.mjs";
import { ROOT } from "./runtimes.mjs";

const TSC = join(ROOT, "node_modules", "typescript", "bin", "tsc");

/** Throws with what went wrong; returns a line about the package. */
export async function checkPackage({ bun, node, env }) {
  const folder = mkdtempSync(join(tmpdir(), "ntps-package-"));
  const inFolder = async (what, path, ...args) => {
    const { code, output } = await run(path, args, { cwd: folder, env });
    if (code !== 0) throw new Error(`${what} failed\n${output.trim()}`);
    return output;
  };
  try {
    const packed = await pack(folder, env);
    const { name, bin, exports } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    const home = join(folder, "node_modules", ...name.split("/"));
    mkdirSync(home, { recursive: true });
    await inFolder("tar", "tar", "-xzf", packed, "-C", home, "--strip-components=1");

    const names = Object.keys(exports)
      .filter((path) => path !== "./package.json" && path !== "./cli")
      .map((path) => name + path.slice(1));
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    writeFileSync(join(folder, "all.mjs"), allImports(names));
    for (
      const [runtime, path] of [["node", process.execPath], ["node", node.path], ["bun", bun.path]]
    ) {
      await inFolder(`importing all on ${runtime}`, path, "all.mjs");
    }
    const [command] = Object.values(bin);
    await inFolder("the command", process.execPath, join(home, command), "--help");

    writeFileSync(join(folder, "user.ts"), userModule(names));
    const strict = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2022"];
    await inFolder(
      "type-checking a user",
      process.execPath,
      TSC,
      ...strict,
      "--types",
      "",
      "user.ts",
    );
    await bundle(inFolder, bun, name, folder);
    return `${files(home).length} files, imported on Node ${process.versions.node}, ` +
      `Node ${node.version}, Bun ${bun.version}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function pack(folder, env) {
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const args = ["pack", "--pack-destination", folder, "--loglevel=error"];
  const { code, output } = await run(npm, args, { cwd: ROOT, env });
  const packed = readdirSync(folder).find((file) => file.endsWith(".tgz"));
  if (code !== 0 || !packed) throw new Error(`npm pack failed\n${output.trim()}`);
  return join(folder, packed);
}

function allImports(names) {
  return names.map((name) =>
    `if (Object.keys(await import(${JSON.stringify(name)})).length === 0) throw new Error(${
      JSON.stringify(`${name} exports nothing`)
    });`
  ).join("\n");
}

function userModule(names) {
  return names.map((name, at) =>
    `import * as all${at} from ${JSON.stringify(name)};\nexport { all${at} };`
  ).join("\n");
}

/** A page has no sockets: neither the packets nor the whole may bring Node's modules in. */
async function bundle(inFolder, bun, name, folder) {
  for (const entry of ["", "/packet"]) {
    writeFileSync(
      join(folder, "page.js"),
      `import * as all from "${name}${entry}";\nconsole.log(all);`,
    );
    const args = ["build", "--target=browser", "--outfile=page.out.js", "page.js"];
    await inFolder(`bundling ${name}${entry} for a browser`, bun.path, ...args);
    const text = readFileSync(join(folder, "page.out.js"), "utf8");
    const found = /["']node:[a-z/_]+["']/.exec(text);
    if (found) throw new Error(`the bundle of ${name}${entry} for a browser holds ${found[0]}`);
  }
}

function files(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) =>
    one.isFile()
  );
}
