// What our servers are held to, and whether they keep it.

import { BASELINE_C, NOCLIENTLOG, RATELIMIT } from "./subjects.mjs";

/**
 * @typedef {object} Bar
 * @property {"native" | "xdp"} mode
 * @property {string} measure
 * @property {string} [against] the bar is a ratio to this subject
 * @property {number} [least]
 * @property {number} [most]
 */

/** @type {Bar[]} */
const BARS = [
  { mode: "native", measure: "requests/s", against: RATELIMIT, least: 1.3 },
  { mode: "native", measure: "requests/s", against: NOCLIENTLOG, least: 1.15 },
  { mode: "native", measure: "requests/s", against: BASELINE_C, least: 0.9 },
  { mode: "xdp", measure: "requests/s", against: RATELIMIT, least: 2.6 },
  { mode: "xdp", measure: "requests/s", against: NOCLIENTLOG, least: 2.3 },
  { mode: "native", measure: "cpu us/request", against: NOCLIENTLOG, most: 0.85 },
  { mode: "xdp", measure: "cpu us/request", against: NOCLIENTLOG, most: 0.45 },
  { mode: "native", measure: "offset error p50 idle", against: NOCLIENTLOG, most: 0.5 },
  { mode: "native", measure: "offset error p50 50 % load", against: NOCLIENTLOG, most: 0.5 },
  { mode: "native", measure: "late replies idle", most: 1 },
  { mode: "native", measure: "late replies 50 % load", most: 1 },
  { mode: "native", measure: "offset error p99 50,000/s", against: NOCLIENTLOG, most: 1.3 },
  { mode: "native", measure: "p50 us overload", against: NOCLIENTLOG, most: 2 },
  { mode: "xdp", measure: "p50 us overload", against: NOCLIENTLOG, most: 2 },
  { mode: "native", measure: "start ms", most: 150 },
  { mode: "xdp", measure: "start ms", most: 150 },
  { mode: "native", measure: "RSS MiB", most: 160 },
  { mode: "xdp", measure: "RSS MiB", most: 160 },
  { mode: "native", measure: "RSS growth MiB", most: 8 },
  { mode: "xdp", measure: "RSS growth MiB", most: 8 },
];

/**
 * @typedef {object} Verdict
 * @property {string} subject
 * @property {string} bar as in `requests/s ≥ 1.3 × chronyd ratelimit`
 * @property {number} value the figure, or the ratio
 * @property {boolean} met
 */

/**
 * Holds the rows to the bars. What was not measured has no verdict.
 *
 * @param {import("./report.mjs").Row[]} rows
 * @returns {Verdict[]}
 */
export function judge(rows) {
  const subjects = [...new Set(rows.map(({ subject }) => subject))];
  return BARS.flatMap(({ mode, measure, against, least, most }) =>
    subjects.filter((subject) => subject.startsWith(`${mode} `)).flatMap((subject) => {
      const row = rows.find((row) => row.subject === subject && row.measure === measure);
      const value = against === undefined ? row?.value : row?.ratios?.[against];
      if (value === undefined) return [];
      const limit = least === undefined ? `≤ ${most}` : `≥ ${least}`;
      return [{
        subject,
        bar: `${measure} ${limit}${against === undefined ? "" : ` × ${against}`}`,
        value,
        met: least === undefined ? value <= /** @type {number} */ (most) : value >= least,
      }];
    })
  );
}

/**
 * @param {Verdict[]} verdicts
 * @returns {string}
 */
export function verdictTable(verdicts) {
  const width = (/** @type {(verdict: Verdict) => string} */ of) =>
    Math.max(0, ...verdicts.map((verdict) => of(verdict).length));
  const subjects = width(({ subject }) => subject), bars = width(({ bar }) => bar);
  return verdicts.map(({ subject, bar, value, met }) =>
    `${met ? "met    " : "NOT MET"}  ${subject.padEnd(subjects)}  ${bar.padEnd(bars)}  ${value}`
  ).join("\n");
}
