// npm run fuzz: mutated packets through decoder, responder and client on the three runtimes. Exit code
// 0: nothing found; 1: something found; 2: wrong command line.
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, resolve } from "node:path";
import process from "node:process";
import { decodeHex } from "@std/encoding/hex";
import { describeMachine } from "../../bench/lib/machine.mjs";
import { ROOT, RUNTIMES, runtimes } from "../../tools/runtimes.mjs";
import { replay, TARGETS } from "./fuzz.ts";
import { type Found, type Job, work } from "./job.ts";
import { type Options, readOptions, USAGE, UsageError } from "./options.ts";
import { type Result, toJson, toTable } from "./report.ts";

const PROGRESS_MS = 5000;

async function plan({ targets, runtimes: names, count, seed }: Options): Promise<Job[]> {
  const at = await runtimes([...names], console.error);
  const share = Math.ceil(count / (targets.length * names.length));
  return names.flatMap((runtime) =>
    targets.map((target) => ({
      target,
      runtime,
      path: at[runtime]!.path,
      // Other packets on each runtime, the same ones whether or not the others take part.
      seed: (seed + RUNTIMES.indexOf(runtime)) >>> 0,
      count: share,
      done: 0,
    }))
  );
}

async function fuzzAll(options: Options): Promise<Found[]> {
  console.error(`seed ${options.seed}`);
  const jobs = await plan(options);
  const total = jobs.reduce((sum, { count }) => sum + count, 0);
  const found: Found[] = [];
  const results = new Map<Job, Result>();
  const started = performance.now();
  const progress = () => {
    const done = jobs.reduce((sum, job) => sum + job.done, 0);
    const seconds = (performance.now() - started) / 1000;
    const rate = Math.round(done / seconds / 1000);
    console.error(
      `${(done / 1e6).toFixed(1)} of ${(total / 1e6).toFixed(1)} million packets in ` +
        `${seconds.toFixed(0)} s (${rate},000/s), ${found.length} findings`,
    );
  };
  const ticker = setInterval(progress, PROGRESS_MS);
  const queue = [...jobs];
  await Promise.all(Array.from({ length: availableParallelism() }, async () => {
    for (let job; (job = queue.shift());) {
      const result = await work(job);
      found.push(...result.found);
      const { packets = 0, passed = 0, seconds = 0 } = result.outcome ?? {};
      const { target, runtime } = job, findings = result.found.length;
      results.set(job, { target, runtime, packets, passed, seconds, findings });
    }
  }));
  clearInterval(ticker);
  progress();
  const machine = describeMachine({ seed: options.seed });
  const ordered = jobs.map((job) => results.get(job)!);
  console.log(options.json ? toJson(ordered, machine) : toTable(ordered));
  return found;
}

/** Tells of findings, and keeps them. */
function save(found: readonly Found[], path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(found, null, 2)}\n`);
  for (const { target, runtime, seed, count, what, hex } of found) {
    console.error(`\n${target} on ${runtime}: ${what}\n${hex}`);
    const again = `--runtime ${runtime} tests/fuzz/worker.ts ${target} ${seed} ${count}`;
    console.error(`again: npm run fuzz -- --replay HEX, or node tools/run.mjs ${again}`);
  }
  console.error(`\n${found.length} findings, saved in ${path}`);
}

/** Exit code of the command. */
async function main(args: string[]): Promise<number> {
  const options = readOptions(args, { targets: Object.keys(TARGETS), runtimes: RUNTIMES });
  if (options === undefined) {
    console.log(USAGE);
    return 0;
  }
  if (options.replay !== undefined) {
    const findings = replay(decodeHex(options.replay));
    for (const { target, what } of findings) console.log(`${target}: ${what}`);
    if (findings.length === 0) console.log("all holds");
    return findings.length === 0 ? 0 : 1;
  }
  const found = await fuzzAll(options);
  if (found.length === 0) return 0;
  save(found, resolve(ROOT, options.findings));
  return 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\n${USAGE}`);
  process.exitCode = 2;
}
