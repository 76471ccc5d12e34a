import { fileURLToPath } from "node:url";
import { run } from "../../tools/child.mjs";
import { runArguments } from "../../tools/launch.mjs";
import { ROOT } from "../../tools/runtimes.mjs";
import type { Finding, Outcome } from "./fuzz.ts";

const WORKER = fileURLToPath(new URL("worker.ts", import.meta.url));
/** A run that passes in fewer packets than this has met one that never returns. */
const LEAST_PER_SECOND = 5000;

/** A part of the work: one target on one runtime. */
export interface Job {
  /** Name of the target. */
  readonly target: string;
  /** Name of the runtime. */
  readonly runtime: string;
  /** The runtime's program. */
  readonly path: string;
  /** 32 bits. */
  readonly seed: number;
  /** Packets to pass in. */
  readonly count: number;
  /** How many have been, as far as is known. */
  done: number;
}

/** A finding, with what it takes to have it again. */
export interface Found extends Finding {
  readonly runtime: string;
  readonly seed: number;
  readonly count: number;
}

/**
 * Does a job in a process of its own. That the process fails, or does not end, is a finding.
 *
 * @param job what to do; `done` is kept up to date
 * @param worker program that does it
 */
export async function work(
  job: Job,
  worker: string = WORKER,
): Promise<{ outcome?: Outcome; found: Found[] }> {
  const { target, runtime, seed, count } = job;
  const seconds = 60 + Math.ceil(count / LEAST_PER_SECOND);
  const args = runArguments(runtime, worker, [target, String(seed), String(count)], false);
  let pending = "";
  const result = await run(job.path, args, {
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    timeoutMs: seconds * 1000,
    onOutput(text: string) {
      const lines = (pending + text).split("\n");
      pending = lines.pop()!;
      for (const line of lines) if (/^\d+$/.test(line)) job.done = Number(line);
    },
  });
  const found = (what: string, hex = ""): Found => ({ target, runtime, seed, count, what, hex });
  if (result.timedOut) return { found: [found(`did not end within ${seconds} s`)] };
  const last = result.stdout.trimEnd().split("\n").at(-1)!;
  if (result.code !== 0 || !last.startsWith("{")) {
    return { found: [found(`ended with code ${result.code}: ${result.output.slice(-2000)}`)] };
  }
  const outcome = JSON.parse(last) as Outcome;
  job.done = count;
  return { outcome, found: outcome.findings.map(({ what, hex }) => found(what, hex)) };
}
