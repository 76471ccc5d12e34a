// node tools/run.mjs [--runtime deno|bun|node] FILE [ARGUMENT…]: runs a TypeScript file of this
// repository, on Node 26 unless told otherwise, whatever runs this script.
import { existsSync } from "node:fs";
import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { runArguments } from "./launch.mjs";
import { ROOT, RUNTIMES, runtimes } from "./runtimes.mjs";
import { reachesJsr } from "./std_source.mjs";

const args = process.argv.slice(2);
const name = args[0] === "--runtime" ? args.splice(0, 2)[1] : "node";
const file = args.shift();

if (!file || !RUNTIMES.includes(name)) {
  console.error("usage: node tools/run.mjs [--runtime deno|bun|node] FILE [ARGUMENT…]");
  process.exit(2);
}
if (!existsSync(resolve(ROOT, file))) {
  console.error(`${file} is not in this repository`);
  process.exit(2);
}

try {
  const runtime = (await runtimes([name]))[name];
  const fromJsr = name === "deno" && await reachesJsr(runtime.path);
  const child = spawn(runtime.path, runArguments(name, resolve(ROOT, file), args, fromJsr), {
    cwd: ROOT,
    stdio: "inherit",
  });
  // The terminal sends Ctrl+C to both; what else ends us must end the child.
  process.removeAllListeners("SIGINT").on("SIGINT", () => {});
  process.removeAllListeners("SIGTERM").on("SIGTERM", () => child.kill("SIGTERM"));
  child.on("exit", (code, signal) => process.exit(code ?? (signal ? 143 : 1)));
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exit(1);
}
