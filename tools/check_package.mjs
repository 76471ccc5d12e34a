// Whether the npm package is what it says: built, packed, unpacked as a dependency of an empty
// project, then imported by this Node, the newest one and Bun, type-checked by a user without any
// types installed, and bundled for a browser.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./child.mjs";
import { nodePath, ROOT } from "./runtimes.mjs";

const ADAPTERS = ["deno", "bun", "node"].map((name) => `dist/src/transport/${name}.js`);
const TSC = join(ROOT, "node_modules", "typescript", "bin", "tsc");

/** Throws with what went wrong; returns a line about the package. */
export async function checkPackage({ bun, node, env }) {
  // The package supports older versions of Node than the tests run on.
  const oldest = await nodePath();
  const folder = mkdtempSync(join(tmpdir(), "ntps-package-"));
  const inFolder = async (what, path, ...args) => {
    const { code, output } = await run(path, args, { cwd: folder, env });
    if (code !== 0) throw new Error(`${what} failed\n${output.trim()}`);
    return output;
  };
  try {
    const packed = await pack(folder, env);
    const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    const { name, bin, exports } = manifest;
    const home = join(folder, "node_modules", ...name.split("/"));
    mkdirSync(home, { recursive: true });
    await inFolder("tar", "tar", "-xzf", packed, "-C", home, "--strip-components=1");

    const names = Object.keys(exports)
      .filter((path) => path !== "./package.json" && path !== "./cli")
      .map((path) => name + path.slice(1));
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    writeFileSync(join(folder, "all.mjs"), allImports(names));
    for (const path of [oldest, node.path, bun.path]) {
      await inFolder(`importing all with ${path}`, path, "all.mjs");
    }
    const [command] = Object.values(bin);
    await inFolder("the command", oldest, join(home, command), "--help");

    writeFileSync(join(folder, "user.ts"), userModule(names));
    const strict = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2022"];
    await inFolder("type-checking a user", oldest, TSC, ...strict, "--types", "", "user.ts");
    await bundle(inFolder, bun, manifest, folder);
    const version = (await inFolder("node", oldest, "--version")).trim();
    return `${
      files(home).length
    } files, imported on Node ${version}, Node v${node.version}, Bun ${bun.version}`;
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

/** A page has no sockets: the adapters stay out, and bundlers are told that Node's modules are none. */
async function bundle(inFolder, bun, { name, browser }, folder) {
  for (const entry of ["", "/packet"]) {
    const subject = `the bundle of ${name}${entry} for a browser`;
    writeFileSync(
      join(folder, "page.js"),
      `import * as all from "${name}${entry}";\nconsole.log(all);`,
    );
    const args = ["build", "--target=browser", "--outfile=page.out.js", "page.js"];
    await inFolder(subject, bun.path, ...args);
    const text = readFileSync(join(folder, "page.out.js"), "utf8");
    // Bun heads each module with its path.
    if (!text.includes(`${name}/dist/src/packet/`)) {
      throw new Error(`${subject} holds no packet code`);
    }
    const adapter = ADAPTERS.find((path) => text.includes(`${name}/${path}`));
    if (adapter) throw new Error(`${subject} holds ${adapter}`);
    // Imports only: process.getBuiltinModule() is a question at run time.
    const modules = text.matchAll(
      /(?:\bfrom|\bimport|\b(?:import|require)\()\s*["'](node:[a-z_/]+)["']/g,
    );
    const unmapped = [...modules].map(([, one]) => one).find((one) => browser[one] !== false);
    if (unmapped) {
      throw new Error(
        `${subject} imports ${unmapped}, which package.json's "browser" does not map to false`,
      );
    }
  }
}

function files(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) =>
    one.isFile()
  );
}
