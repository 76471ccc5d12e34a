// npm run test:package: the npm package as a new user has it: installed into an empty project, with what
// README.md says and nothing else, on Node and Bun, type-checked, and bundled for a browser by esbuild
// and by Vite.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import process from "node:process";
import { run } from "../../tools/child.mjs";
import { nodePath, ROOT, runtimes } from "../../tools/runtimes.mjs";
import { openBrowser } from "../browser/browser.mjs";

/** Versions of what users have beside it. */
const TOOLS = ["typescript@7.0.2", "esbuild@0.28.2", "vite@8.3.8"];
/** Blocks of README.md by what is in them, with what they print. */
const BLOCKS = [
  [
    "packets",
    'new Date("2036-02-07T06:28:17Z")',
    /^48 GPS\n4294967296n\n2036-02-07T06:28:17\.0+Z\n$/,
  ],
  ["memory", "new MemoryNetwork(", /^GPS timeout\n$/],
  ["ntpv5", "new NTPv5Responder(", /^version 5: the clock is off by -?[\d.e-]+ s\n$/],
];
/** A reply of a server on GPS. */
const REPLY = "240106ec00000000000000004750530" + "0".repeat(65);

let passed = 0, failed = 0;

/** @param {string} what @param {() => unknown} body */
async function check(what, body) {
  try {
    const note = await body();
    passed++;
    console.log(`ok      ${what}${note ? `: ${note}` : ""}`);
  } catch (error) {
    failed++;
    console.log(`FAILED  ${what}: ${error instanceof Error ? error.message : error}`);
  }
}

/** @param {string} mark @returns {string} the block of code that has it */
function block(mark) {
  const text = readFileSync(join(ROOT, "README.md"), "utf8");
  const found = [...text.matchAll(/^```ts\n([^]*?)^```$/gm)].find(([, code]) =>
    code.includes(mark)
  );
  if (!found) throw new Error(`README.md has no block with ${mark}`);
  return found[1];
}

/**
 * Serves a folder to the browser, and tells what the page there says.
 *
 * @param {import("playwright-core").Browser} browser
 * @param {string} folder
 */
async function pageIn(browser, folder) {
  const types = { ".html": "text/html", ".js": "text/javascript" };
  const server = createServer((request, response) => {
    const path = request.url === "/" ? "/index.html" : String(request.url);
    try {
      const body = readFileSync(join(folder, path));
      response.setHeader("content-type", types[extname(path)] ?? "application/octet-stream");
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const page = await browser.newPage();
  const errors = /** @type {string[]} */ ([]);
  page.on("pageerror", (error) => errors.push(String(error)));
  try {
    await page.goto(`http://127.0.0.1:${/** @type {any} */ (server.address()).port}/`);
    await page.waitForFunction(() => document.body.textContent?.trim() !== "", null, {
      timeout: 10_000,
    })
      .catch(() => {});
    if (errors.length > 0) throw new Error(errors.join("; "));
    return (await page.textContent("body"))?.trim();
  } finally {
    await page.close();
    server.close();
    server.closeAllConnections();
  }
}

async function main() {
  const { bun, node } = await runtimes(["bun", "node"]);
  const oldest = await nodePath();
  const folder = mkdtempSync(join(tmpdir(), "ntps-user-"));
  /** @param {string} command @param {string[]} args */
  const inFolder = async (command, ...args) => {
    const env = { NO_COLOR: "1", npm_config_loglevel: "error" };
    const { code, stdout, output } = await run(command, args, {
      cwd: folder,
      env,
      timeoutMs: 180_000,
    });
    if (code !== 0) {
      throw new Error(`${command} ${args.join(" ")} (${code}): ${output.slice(-3000)}`);
    }
    return stdout;
  };
  const write = (/** @type {string} */ name, /** @type {string} */ text) =>
    writeFileSync(join(folder, name), text);
  let browser;
  try {
    const packing = ["pack", "--pack-destination", folder, "--loglevel=error"];
    const { code, output } = await run("npm", packing, { cwd: ROOT });
    const packed = readdirSync(folder).find((name) => name.endsWith(".tgz"));
    if (code !== 0 || !packed) throw new Error(`npm pack: ${output}`);
    write("package.json", '{ "type": "module", "private": true }\n');
    await check("npm install into an empty project", async () => {
      await inFolder("npm", "install", "--no-audit", "--no-fund", `./${packed}`, ...TOOLS);
      return packed;
    });

    for (const [name, mark] of BLOCKS) write(`${name}.ts`, block(/** @type {string} */ (mark)));
    const bin = (/** @type {string} */ name) => join(folder, "node_modules", ".bin", name);
    await check("its types are found by tsc", () =>
      inFolder(
        ...[bin("tsc"), "--strict", "--module", "nodenext", "--target", "es2023", "--outDir", "js"],
        ...BLOCKS.map(([name]) => `${name}.ts`),
      ).then(() => ""));
    for (const [name, , expected] of BLOCKS) {
      /** @type {[string, string, string[]][]} */
      const ways = [
        ["the oldest Node", oldest, [`js/${name}.js`]],
        [`Node ${node.version}`, node.path, [`js/${name}.js`]],
        [`Bun ${bun.version}`, bun.path, ["run", `${name}.ts`]],
      ];
      for (const [where, path, args] of ways) {
        await check(`README.md, ${name}, on ${where}`, async () => {
          const told = await inFolder(path, ...args);
          if (!/** @type {RegExp} */ (expected).test(told)) throw new Error(`it printed ${told}`);
        });
      }
    }
    await check("the command ntps", async () => {
      const told = await inFolder(bin("ntps"), "decode", REPLY);
      if (!/GPS/.test(told)) throw new Error(told);
    });

    write(
      "page.js",
      `import { NTPPacket } from "@ntps/ntps/packet";
const bytes = Uint8Array.from("${REPLY}".match(/../g), (hex) => parseInt(hex, 16));
const { stratum, referenceText } = NTPPacket.decode(bytes);
document.body.textContent = \`stratum \${stratum}, \${referenceText}\`;
`,
    );
    write(
      "index.html",
      '<!DOCTYPE html><title>packet</title><body></body><script type="module" src="/page.js"></script>\n',
    );
    browser = await openBrowser();
    /** @type {[string, string, () => Promise<string>][]} */
    const bundlers = [
      [
        "esbuild",
        "with-esbuild",
        () =>
          inFolder(
            bin("esbuild"),
            "page.js",
            "--bundle",
            "--minify",
            "--format=esm",
            "--outfile=with-esbuild/page.js",
          ),
      ],
      ["Vite", "with-vite", () => inFolder(bin("vite"), "build", "--outDir", "with-vite")],
    ];
    for (const [name, out, build] of bundlers) {
      await check(`./packet by ${name}, in the browser`, async () => {
        await build();
        if (name === "esbuild") {
          mkdirSync(join(folder, out), { recursive: true });
          writeFileSync(join(folder, out, "index.html"), readFileSync(join(folder, "index.html")));
        }
        const told = await pageIn(/** @type {any} */ (browser), join(folder, out));
        if (told !== "stratum 1, GPS") throw new Error(`the page says ${told}`);
        const bytes = readdirSync(join(folder, out), { recursive: true, withFileTypes: true })
          .filter((one) => one.name.endsWith(".js"))
          .reduce((sum, one) => sum + readFileSync(join(one.parentPath, one.name)).length, 0);
        if (bytes > 30_000) throw new Error(`${bytes} bytes`);
        return `${bytes} bytes`;
      });
    }
  } finally {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

process.exit(await main());
