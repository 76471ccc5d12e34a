// npm run bench:codec: what a packet costs in the pure parts of the library, on each runtime: time
// and memory. README.md says how to read it.

import { fileURLToPath } from "node:url";
import { RUNTIMES, runtimes } from "../tools/runtimes.mjs";
import { runCases } from "./lib/cases.mjs";
import { describeMachine, warnIfBusy } from "./lib/machine.mjs";
import { readOptions } from "./lib/options.mjs";
import { median, publish, Report } from "./lib/report.mjs";

const BASELINE = "copy 48 bytes";
const CASES = fileURLToPath(new URL("codec_cases.ts", import.meta.url));

const options = readOptions("bench:codec", { rounds: [5, 15] });
const milliseconds = options.quick ? 40 : 150;

async function main() {
  const found = Object.values(await runtimes(RUNTIMES, (line) => console.error(line)));
  const versions = Object.fromEntries(found.map(({ name, version }) => [name, version]));
  const machine = describeMachine({ versions });
  await warnIfBusy(machine);
  const report = new Report("codec", machine, {
    text: `"${BASELINE}" of the same runtime`,
    of: (subject) => `${BASELINE} ${subject.split(" ").at(-1)}`,
  });
  const asked = (/** @type {string} */ name) =>
    name.startsWith(BASELINE) || options.only.length === 0 ||
    options.only.some((text) => name.includes(text));
  /** @type {Map<string, { ns: number[], bytes: number[] }>} */
  const all = new Map();
  for (const runtime of found) {
    console.error(`${runtime.name}: time`);
    const ns = await runCases(
      runtime,
      CASES,
      ["time", String(options.rounds), String(milliseconds)],
      { bigHeap: false },
    );
    console.error(`${runtime.name}: memory`);
    const bytes = await runCases(runtime, CASES, ["bytes"], { bigHeap: true });
    for (const name of Object.keys(ns)) {
      all.set(`${name} ${runtime.name}`, { ns: ns[name], bytes: bytes[name] });
    }
  }
  // One case on all runtimes side by side.
  const cases = new Set([...all.keys()].map((subject) => subject.replace(/ \S+$/, "")));
  for (const name of cases) {
    for (const runtime of found) {
      const subject = `${name} ${runtime.name}`;
      const { ns, bytes } = /** @type {{ ns: number[], bytes: number[] }} */ (all.get(subject));
      if (!asked(subject)) continue;
      for (const value of ns) report.add(subject, "ns/packet", "ns", value);
      // The least object has 8 bytes: less is noise, or what happens once a millisecond or a second.
      report.add(subject, "bytes/packet", "bytes", Math.max(0, Math.round(median(bytes))));
    }
  }
  publish(report, options, machine.warnings);
}

try {
  await main();
  process.exit(0);
} catch (error) {
  console.error(`bench:codec: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}
