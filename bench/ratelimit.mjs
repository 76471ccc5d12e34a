// npm run bench:ratelimit: what the rate limiter costs, on each runtime: time and memory; and
// whether those who behave are answered all the same. README.md says how to read it.

import { fileURLToPath } from "node:url";
import { RUNTIMES, runtimes } from "../tools/runtimes.mjs";
import { runCases } from "./lib/cases.mjs";
import { describeMachine, warnIfBusy } from "./lib/machine.mjs";
import { readOptions } from "./lib/options.mjs";
import { publish, Report } from "./lib/report.mjs";

const CASES = fileURLToPath(new URL("ratelimit_cases.ts", import.meta.url));

const options = readOptions("bench:ratelimit", { rounds: [10, 40] });

/**
 * The same case of a `Map`; that has none for IPv6.
 *
 * @param {string} subject
 */
function baselineOf(subject) {
  return subject.replace("limiter", "map").replace(" IPv6", "");
}

async function main() {
  const found = Object.values(await runtimes(RUNTIMES, (line) => console.error(line)));
  const versions = Object.fromEntries(found.map(({ name, version }) => [name, version]));
  const machine = describeMachine({ versions });
  await warnIfBusy(machine);
  const report = new Report("ratelimit", machine, {
    text: "a Map with the same number of entries, on the same runtime",
    of: baselineOf,
  });
  /** @type {{ subject: string, measure: string, unit: string, values: number[] }[]} */
  const rows = [];
  for (const runtime of found) {
    const run = (/** @type {string[]} */ ...args) =>
      runCases(runtime, CASES, args, { bigHeap: args[0] === "memory" });
    const add = (
      /** @type {string} */ measure,
      /** @type {string} */ unit,
      /** @type {Record<string, number[]>} */ figures,
    ) => {
      for (const [name, values] of Object.entries(figures)) {
        rows.push({ subject: `${name} ${runtime.name}`, measure, unit, values });
      }
    };
    console.error(`${runtime.name}: time`);
    add("ns per check", "ns", await run("time", String(options.rounds)));
    console.error(`${runtime.name}: memory`);
    const { growth, garbage } = await run("memory");
    add("MiB", "MiB", growth);
    add("bytes per check", "bytes", garbage);
    console.error(`${runtime.name}: answers`);
    const { flood, spoofed } = await run("answers");
    add("answered under a flood", "%", flood);
    add("spoofed victim answered", "%", spoofed);
  }
  // One case on all runtimes side by side.
  const cases = new Set(rows.map(({ subject }) => subject.replace(/ \S+$/, "")));
  for (const name of cases) {
    for (const { subject, measure, unit, values } of rows) {
      if (subject.replace(/ \S+$/, "") !== name) continue;
      const asked = [subject, baselineOf(subject)].some((text) =>
        options.only.length === 0 || options.only.some((part) => text.includes(part))
      );
      if (!asked) continue;
      for (const value of values) report.add(subject, measure, unit, value);
    }
  }
  publish(report, options, machine.warnings);
}

try {
  await main();
  process.exit(0);
} catch (error) {
  console.error(`bench:ratelimit: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}
