// Our side: the programs of programs/, each run as a process of its own by Deno, Bun or Node.

import { fileURLToPath } from "node:url";
import { runArguments } from "../../tools/launch.mjs";
import { Child } from "./children.mjs";

/** @typedef {{ name: string, path: string, version: string }} Runtime */

/**
 * @param {Runtime} runtime
 * @param {Pick<import("./namespaces.mjs").Namespace, "command">} namespace
 * @param {string} program a file of programs/
 * @param {unknown} argument handed to it as JSON
 * @param {{ seconds?: number }} [options]
 * @returns {Child}
 */
export function start(runtime, namespace, program, argument, options) {
  const file = fileURLToPath(new URL(`programs/${program}`, import.meta.url));
  // The programs import nothing that comes from elsewhere, so neither does the runtime.
  const args = runArguments(runtime.name, file, [JSON.stringify(argument)], false);
  return new Child(
    `${program} on ${runtime.name}`,
    namespace.command([runtime.path, ...args]),
    options,
  );
}

/**
 * Our server, listening.
 *
 * @param {Runtime} runtime
 * @param {Pick<import("./namespaces.mjs").Namespace, "command">} namespace
 * @param {{ hostname: string | string[], port: number, stratum: number, refid: string, keys?: string, interleaved?: boolean, ntpv5?: boolean }} options
 * @returns {Promise<{ child: Child, stop(): Promise<ServerStatistics> }>}
 *
 * @typedef {{ received: number, answered: number, cryptoNaks: number, dropped: Record<string, number>, decisions: Record<string, number>, errors: number }} ServerStatistics
 */
export async function startServer(runtime, namespace, options) {
  const child = start(runtime, namespace, "server.ts", options, { seconds: 240 });
  try {
    await child.wrote(/"ready"/, 20);
  } catch (error) {
    await child.stop();
    throw failed(error, child);
  }
  return {
    child,
    async stop() {
      try {
        child.closeInput();
        const [, statistics] = await child.wrote(/^(\{"statistics".*\})$/m, 10);
        return JSON.parse(statistics).statistics;
      } finally {
        await child.stop();
      }
    },
  };
}

/**
 * Runs a program of ours to its end.
 *
 * @param {Runtime} runtime
 * @param {Pick<import("./namespaces.mjs").Namespace, "command">} namespace
 * @param {string} program
 * @param {unknown} argument
 * @returns {Promise<any[]>} the JSON lines it wrote
 */
export async function run(runtime, namespace, program, argument) {
  const child = start(runtime, namespace, program, argument, { seconds: 60 });
  child.closeInput();
  await child.ended;
  if (child.status !== 0) throw failed(new Error(`${child.name}: status ${child.status}`), child);
  return child.stdout.split("\n").filter((line) => line.startsWith("{")).map((line) =>
    JSON.parse(line)
  );
}

/**
 * @param {unknown} error
 * @param {Child} child
 */
function failed(error, child) {
  const message = error instanceof Error ? error.message : String(error);
  return new Error(`${message}\n--- ${child.name}\n${child.output.slice(-4000)}`);
}
