// Runs a file of cases on a runtime: it prints one JSON object that has `figures`.

import { run } from "../../tools/child.mjs";
import { runArguments } from "../../tools/launch.mjs";
import { allowedCores } from "./machine.mjs";

/** Heaps so large that nothing is collected unless it is asked for. */
const V8_HEAP = ["--expose-gc", "--min-semi-space-size=256", "--max-semi-space-size=256"];
const BUN_HEAP = Object.fromEntries(
  ["small", "medium", "large"].map((size) => [`BUN_JSC_${size}HeapSize`, String(2 ** 30)]),
);

/**
 * @param {{ name: string, path: string }} runtime
 * @param {string} file
 * @param {string[]} args of the file
 * @param {{ bigHeap: boolean }} options `bigHeap`: memory is measured
 * @returns {Promise<any>} the figures
 */
export async function runCases({ name, path }, file, args, { bigHeap }) {
  let command = [path, ...runArguments(name, file, args, true)];
  let env = {};
  if (bigHeap) {
    if (name === "bun") env = BUN_HEAP;
    else if (name === "deno") {
      command = [path, "run", `--v8-flags=${V8_HEAP.join(",")}`, ...command.slice(2)];
    } else command = [path, ...V8_HEAP, ...command.slice(1)];
  }
  const cores = allowedCores();
  if (process.platform === "linux" && cores.length > 1) {
    // Compilers and collectors run on the other cores, as in a server that is not pinned.
    command = ["taskset", "-c", cores.slice(-2).join(","), ...command];
  }
  const result = await run(command[0], command.slice(1), { env, timeoutMs: 300_000 });
  if (result.code !== 0) {
    throw new Error(`${name} ended with status ${result.code}: ${result.output.trim()}`);
  }
  return JSON.parse(result.stdout).figures;
}
