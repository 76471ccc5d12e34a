// npm run bench:sync: how well a disciplined clock keeps time in simulated networks, and whether it
// does better than chronyd and ntpd did in the same ones. README.md says how to read it.

import { fileURLToPath } from "node:url";
import { RUNTIMES, runtimes } from "../tools/runtimes.mjs";
import { runCases } from "./lib/cases.mjs";
import { describeMachine } from "./lib/machine.mjs";
import { readOptions } from "./lib/options.mjs";
import { median, Report } from "./lib/report.mjs";
import { judge, tableOf } from "./lib/sync_table.mjs";

const CASES = fileURLToPath(new URL("sync_cases.ts", import.meta.url));
const ROWS_FILE = fileURLToPath(new URL("lib/sync_rows_main.ts", import.meta.url));

/** Figures of a run, as the report calls them. */
const MEASURES = /** @type {const} */ ({
  rmsTime: ["RMS time", "s"],
  maxTime: ["max", "s"],
  rmsFrequency: ["RMS freq", "s/s"],
  converged: ["converged", "s"],
  requestInterval: ["request interval", "s"],
  boundsHeld: ["bounds held", "%"],
  boundsWidth: ["bounds width", "root distances"],
});

const options = readOptions("bench:sync", {
  rounds: [3, 20],
  extra: {
    "rows LIST": "rows to run, as in S1,S11; default all",
    "seeds N": "seeds of each row: another name of --rounds",
    "first N": "the first seed; default 1",
    "subject NAME": "ntps, or plain, the loop that one would write first; default ntps",
    "runtime NAME": "deno, bun or node; default node",
  },
});

/**
 * @param {string} name
 * @param {number} otherwise
 */
function wholeNumber(name, otherwise) {
  const text = options.extra[name];
  const value = text === undefined ? otherwise : Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new Error(`--${name} ${text}: wants a whole number above 0`);
}

async function main() {
  const { rows: list, subject = "ntps", runtime: runtimeName = "node" } = options.extra;
  const seeds = wholeNumber("seeds", options.rounds), first = wholeNumber("first", 1);
  if (!RUNTIMES.includes(runtimeName)) throw new Error(`--runtime ${runtimeName}: there is none`);
  const runtime = (await runtimes([runtimeName], (line) => console.error(line)))[runtimeName];
  /** @type {import("./lib/sync_rows.ts").Row[]} */
  const all = await runCases(runtime, ROWS_FILE, [], { bigHeap: false });
  const asked = list?.split(",");
  const unknown = asked?.find((id) => all.every((row) => row.id !== id));
  if (unknown !== undefined) throw new Error(`--rows: there is no row "${unknown}"`);
  const rows = all.filter(({ id, text }) =>
    (asked === undefined || asked.includes(id)) &&
    (options.only.length === 0 || options.only.some((part) => `${id} ${text}`.includes(part)))
  );
  const machine = describeMachine({
    versions: { [runtime.name]: runtime.version },
    subject,
    seeds: [first, first + seeds - 1],
  });
  const report = new Report("sync", machine, {
    text: "chronyd's figures",
    of: (text) => `${text.split(" ")[0]} chronyd`,
  });
  const lines = [];
  for (const row of rows) {
    const began = performance.now();
    const figures = await runCases(
      runtime,
      CASES,
      [subject, row.id, String(seeds), String(first)],
      { bigHeap: false },
    );
    /** @type {Record<string, number>} */
    const ours = {};
    for (const [name, [measure, unit]] of Object.entries(MEASURES)) {
      /** @type {number[]} */
      const values = figures[name].map((/** @type {number | null} */ value) =>
        value ?? (name === "converged" ? Infinity : NaN)
      );
      if (values.some(Number.isNaN)) continue;
      // Bounds are to hold in each run, not in most.
      ours[name] = name === "boundsHeld" ? Math.min(...values) : median(values);
      for (const value of values) report.add(row.id, measure, unit, value);
    }
    addBaselines(report, row);
    lines.push({ row, ours, misses: judge(row, ours) });
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    console.error(`${row.id}: ${seeds} seeds in ${seconds} s`);
  }
  console.log(options.json ? JSON.stringify(report) : tableOf(lines));
  const misses = lines.flatMap(({ row, misses }) => misses.map((miss) => `${row.id}: ${miss}`));
  for (const miss of misses) console.error(`missed: ${miss}`);
  return misses.length === 0 ? 0 : 1;
}

/**
 * @param {Report} report
 * @param {import("./lib/sync_rows.ts").Row} row
 */
function addBaselines(report, { id, baseline }) {
  if (baseline === undefined) return;
  report.add(`${id} chronyd`, "RMS time", "s", baseline.chronydTime);
  report.add(`${id} chronyd`, "max", "s", baseline.chronydMax);
  report.add(`${id} chronyd`, "RMS freq", "s/s", baseline.chronydFrequency);
  if (baseline.chronydConverged !== null) {
    report.add(`${id} chronyd`, "converged", "s", baseline.chronydConverged);
  }
  report.add(`${id} ntpd`, "RMS time", "s", baseline.ntpdTime);
  report.add(`${id} ntpd`, "RMS freq", "s/s", baseline.ntpdFrequency);
  report.add(`${id} busybox`, "RMS time", "s", baseline.busyboxTime);
}

try {
  process.exit(await main());
} catch (error) {
  console.error(`bench:sync: ${error instanceof Error ? error.message : error}`);
  process.exit(2);
}
