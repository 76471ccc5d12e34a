// The interop tests: our server and client with real NTP daemons and tools.
//
//     npm run test:interop [SUITE…] [-- --runtime deno,bun,node]
//
// Runs on any Node from 20 on, as root. A suite is a file of suites/ that exports `peers`, the names
// of those it needs, and `run(world)`; it is found by being there.

import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { RUNTIMES, runtimes as findRuntimes } from "../../tools/runtimes.mjs";
import { clockStep, watchClock } from "./clock_watch.mjs";
import { clockStub, fetchPeers } from "./peers.mjs";
import { Report } from "./report.mjs";

/**
 * @typedef {object} World what a suite works with
 * @property {Map<string, import("./peers.mjs").Peer>} peers
 * @property {import("./ours.mjs").Runtime[]} runtimes
 * @property {Report} report
 */

/** So many failures of a suite may be the doing of a busy machine: they are tried again, once. */
const MOST_AGAIN = 2;

const known = readdirSync(new URL("suites/", import.meta.url))
  .filter((file) => file.endsWith(".mjs"))
  .map((file) => file.slice(0, -".mjs".length))
  .sort();

/** @returns {{ suites: string[], names: string[] }} */
function readArguments() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { runtime: { type: "string" } },
  });
  for (const suite of positionals) {
    if (!known.includes(suite)) {
      throw new Error(`there is no suite "${suite}": the suites are ${known.join(", ")}`);
    }
  }
  return {
    suites: positionals.length > 0 ? positionals : known,
    names: values.runtime?.split(",") ?? RUNTIMES,
  };
}

async function main() {
  const started = performance.now();
  const seconds = () => ((performance.now() - started) / 1000).toFixed(0);
  const { suites: names, names: runtimeNames } = readArguments();
  const suites = await Promise.all(names.map(async (name) => ({
    name,
    ...await import(new URL(`suites/${name}.mjs`, import.meta.url).href),
  })));
  const runtimes = Object.values(await findRuntimes(runtimeNames));
  clockStub();
  const peers = await fetchPeers([...new Set(suites.flatMap(({ peers }) => peers))]);
  for (const { name, suite, version } of peers.values()) {
    console.log(`peer ${name} ${version} (${suite})`);
  }
  const report = new Report();
  const watch = watchClock();
  for (const suite of suites) {
    const before = report.failed;
    report.begin(`suite ${suite.name}, at ${seconds()} s`);
    await suite.run({ peers, runtimes, report });
    const failed = report.failed - before;
    if (failed === 0 || failed > MOST_AGAIN) continue;
    report.begin(`suite ${suite.name} again, at ${seconds()} s, as ${failed} failed`);
    report.tryAgain(before);
    await suite.run({ peers, runtimes, report });
    report.endAgain();
  }
  report.begin(`after ${seconds()} s`);
  await report.check({ peer: "-", role: "machine's clock untouched", runtime: "-" }, () => {
    const step = clockStep(watch);
    if (Math.abs(step) > 0.005) {
      throw new Error(`THE MACHINE'S CLOCK WAS SET during this run, by ${step.toFixed(6)} s`);
    }
    return { offset: step };
  });
  report.end();
  return report.failed === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    process.exit(await main());
  } catch (error) {
    console.error(`error: ${error instanceof Error ? error.message : error}`);
    process.exit(1);
  }
}
