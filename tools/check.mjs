// npm run check: everything that is checked without running the test suite. Every step runs, also
// behind one that failed; `npm run check -- types docs` runs some.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./child.mjs";
import { checkPackage } from "./check_package.mjs";
import { buildSite } from "./build_site.mjs";
import { checkPublish } from "./check_publish.mjs";
import { nodePath, ROOT, runtimes } from "./runtimes.mjs";
import { describeStd, IMPORT_MAP, reachesJsr } from "./std_source.mjs";

const CODE = ["mod.ts", "src", "tests", "examples", "bench", "tools"];
const TSC = join(ROOT, "node_modules", "typescript", "bin", "tsc");

const present = (paths) => paths.filter((path) => existsSync(join(ROOT, path)));

const { deno, bun, node } = await runtimes(undefined, console.log);
const fromJsr = await reachesJsr(deno.path);
console.log(describeStd(fromJsr));
const map = fromJsr ? [] : ["--import-map", IMPORT_MAP];
const env = { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" };

async function command(path, ...args) {
  const { code, output } = await run(path, args, { cwd: ROOT, env });
  // What Deno says for every module that it takes in hand hides what it says of the faults.
  const said = output.replace(/^(Check|Download|Initialize) \S+\n/gm, "").trim();
  if (code !== 0) throw new Error(said || `ended with ${code}`);
  return said;
}

function entries() {
  const { exports } = JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8"));
  return Object.values(exports);
}

/** The examples in docstrings; that none was found is an error too. */
async function examples() {
  const flags = ["-A", "--unstable-net", "--doc", ...map];
  const output = await command(deno.path, "test", ...flags, ...present(["mod.ts", "src"]));
  const count = /ok \| (\d+) passed/.exec(output)?.[1];
  if (!(Number(count) > 0)) throw new Error(`no example ran\n${output}`);
  return `${count} ran`;
}

const STEPS = {
  format: () => command(deno.path, "fmt", "--check", "--permit-no-files"),
  lint: () => command(deno.path, "lint"),
  types: () => command(deno.path, "check", "--doc", ...map, ...present(CODE)),
  docs: () => command(deno.path, "doc", "--lint", ...map, ...entries()),
  examples,
  site: () => buildSite(join(ROOT, ".cache", "site")),
  publish: () => checkPublish({ deno, fromJsr, env }),
  tsc: async () => command(await nodePath(), TSC, "-p", "."),
  package: () => checkPackage({ bun, node, env }),
};

const chosen = process.argv.slice(2);
const unknown = chosen.find((name) => !(name in STEPS));
if (unknown !== undefined) {
  console.error(`no step is called "${unknown}"; there are ${Object.keys(STEPS).join(", ")}`);
  process.exit(2);
}

const failed = [];
for (const [name, step] of Object.entries(STEPS)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue;
  const started = performance.now();
  let note = "";
  let fault;
  try {
    const said = await step();
    // Steps may say in one line what they did; what the tools print is of interest in failures only.
    if (said && !said.includes("\n")) note = `, ${said}`;
  } catch (error) {
    fault = error.message;
    failed.push(name);
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${name.padEnd(8)}  ${fault ? "FAILED" : "ok"}  ${seconds} s${note}`);
  if (fault) console.log(`${fault}\n`);
}
if (failed.length > 0) console.log(`failed: ${failed.join(", ")}`);
process.exitCode = failed.length > 0 ? 1 : 0;
