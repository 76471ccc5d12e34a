// The runtime that runs the tests, for what they start.
import process from "node:process";
import { fileURLToPath } from "node:url";
import { run } from "../../tools/child.mjs";
import { runArguments } from "../../tools/launch.mjs";

/** The repository, with a slash at the end. */
export const ROOT: string = fileURLToPath(new URL("../../", import.meta.url));

/** Name of the runtime. */
export const RUNTIME: "deno" | "bun" | "node" = process.versions["deno"]
  ? "deno"
  : process.versions["bun"]
  ? "bun"
  : "node";

/** How long what is started may take, on a machine that has other work too. */
const TIMEOUT_MS = 90_000;

/** What a process did. */
export interface Ended {
  readonly code: number;
  /** Standard output alone. */
  readonly stdout: string;
  /** Standard output and standard error. */
  readonly output: string;
}

/** Runs a TypeScript file on this runtime, with `@ntps/ntps` meaning these sources. */
export function runFile(file: string): Promise<Ended> {
  return start(runArguments(RUNTIME, file, [], false));
}

/** Runs this runtime with some arguments. */
export function start(args: string[]): Promise<Ended> {
  return run(process.execPath, args, {
    cwd: ROOT,
    timeoutMs: TIMEOUT_MS,
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
  });
}
