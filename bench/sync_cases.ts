// What bench:sync measures, on the runtime this file is started on:
//
//     sync_cases.ts SUBJECT ROW SEEDS [FIRST]     figures of each seed: FIRST (1), FIRST + 1, …
//
// One JSON object on stdout: for each measure its list of figures.

import process from "node:process";
import { ntps } from "./lib/sync_ntps.ts";
import { plain } from "./lib/sync_plain.ts";
import { ROWS } from "./lib/sync_rows.ts";
import { type RunResult, runRow, type SyncSubject } from "./lib/sync_world.ts";

const SUBJECTS: Readonly<Record<string, SyncSubject>> = { ntps, plain };

const [subjectName = "", rowId = "", seedCount = "", first = "1"] = process.argv.slice(2);
const subject = SUBJECTS[subjectName];
const row = ROWS.find(({ id }) => id === rowId);
if (subject === undefined || row === undefined || !(Number(seedCount) >= 1)) {
  console.error(
    `usage: sync_cases.ts ${Object.keys(SUBJECTS).join("|")} ` +
      `${ROWS.map(({ id }) => id).join("|")} SEEDS [FIRST]`,
  );
  process.exit(2);
}

const figures: Record<string, (number | null)[]> = {};
for (let seed = Number(first); seed < Number(first) + Number(seedCount); seed++) {
  const result: RunResult = await runRow(row, seed, subject);
  for (const [name, value] of Object.entries(result)) {
    // JSON knows neither: null is "never" for `converged`, and for others that there is no figure.
    const figure = value === -Infinity ? 0 : Number.isFinite(value) ? value : null;
    (figures[name] ??= []).push(figure);
  }
}
console.log(JSON.stringify({ figures }));
process.exit(0);
