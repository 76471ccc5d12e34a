// What bench:sync prints: a line for each row, ours beside chronyd's and ntpd's; and the bars.

/** @typedef {import("./sync_rows.ts").Row} Row */

/** Second by which a start (S11) has converged, at the latest. */
const START_SECONDS = 6;
/** Percent of instants at which bounds hold, at least; and how wide they are, at most. */
const BOUNDS_HELD = 99.99, BOUNDS_WIDTH = 3;

/**
 * Which bars are missed: RMS time at most the better of chronyd's and ntpd's, RMS frequency error
 * at most chronyd's, and a start within 6 s; and in every row bounds that hold and are not wide.
 *
 * @param {Row} row
 * @param {Record<string, number>} ours medians
 * @returns {string[]}
 */
export function judge({ id, baseline }, ours) {
  const misses = [];
  if (ours.boundsHeld < BOUNDS_HELD) {
    misses.push(`bounds held ${ours.boundsHeld} %, bar ${BOUNDS_HELD} %`);
  }
  if (ours.boundsWidth > BOUNDS_WIDTH) {
    misses.push(`bounds width ${ours.boundsWidth} root distances, bar ${BOUNDS_WIDTH}`);
  }
  if (baseline === undefined) return misses;
  const better = Math.min(baseline.chronydTime, baseline.ntpdTime);
  if (!(ours.rmsTime <= better)) misses.push(`RMS time ${ours.rmsTime} s, bar ${better} s`);
  if (!(ours.rmsFrequency <= baseline.chronydFrequency)) {
    misses.push(`RMS freq ${ours.rmsFrequency}, bar ${baseline.chronydFrequency}`);
  }
  if (id === "S11" && !(ours.converged <= START_SECONDS)) {
    misses.push(`converged after ${ours.converged} s, bar ${START_SECONDS} s`);
  }
  return misses;
}

/** @param {number | null | undefined} value */
function number(value) {
  if (value === undefined) return "";
  if (value === null || !Number.isFinite(value)) return "never";
  if (value === 0 || Math.abs(value) >= 1000) return String(Math.round(value));
  return String(Number(value.toPrecision(3)));
}

/** @param {number | undefined} seconds */
const micro = (seconds) => seconds === undefined ? "" : number(seconds * 1e6);
/** @param {number | undefined} frequency */
const nano = (frequency) => frequency === undefined ? "" : number(frequency * 1e9);

/**
 * @param {number} value
 * @param {number | undefined} base
 */
function ratio(value, base) {
  return base === undefined ? "" : (value / base).toFixed(2);
}

/**
 * @param {{ row: Row, ours: Record<string, number>, misses: string[] }[]} lines
 * @returns {string}
 */
export function tableOf(lines) {
  const heads = [
    ["", "RMS time us", "", "", "ratio to", "", "max us", "", "RMS freq ppb", "", "", "ratio"],
    ["", "ours", "chronyd", "ntpd", "chronyd", "better", "ours", "chronyd", "ours", "chronyd"],
  ];
  heads[0].push("converged s", "", "poll s", "bounds", "", "");
  heads[1].push("ntpd", "chronyd", "ours", "chronyd", "ours", "held %", "width", "");
  const cells = lines.map(({ row: { id, text, baseline: b }, ours, misses }) => [
    `${id} ${text}`,
    micro(ours.rmsTime),
    micro(b?.chronydTime),
    micro(b?.ntpdTime),
    ratio(ours.rmsTime, b?.chronydTime),
    ratio(ours.rmsTime, b && Math.min(b.chronydTime, b.ntpdTime)),
    micro(ours.maxTime),
    micro(b?.chronydMax),
    nano(ours.rmsFrequency),
    nano(b?.chronydFrequency),
    nano(b?.ntpdFrequency),
    ratio(ours.rmsFrequency, b?.chronydFrequency),
    number(ours.converged),
    number(b?.chronydConverged),
    number(ours.requestInterval),
    ours.boundsHeld === undefined ? "" : String(Number(ours.boundsHeld.toFixed(3))),
    number(ours.boundsWidth),
    misses.length > 0 ? "missed" : "met",
  ]);
  const all = [...heads, ...cells];
  const widths = all[0].map((_, i) => Math.max(...all.map((line) => line[i].length)));
  return all.map((line) =>
    line.map((cell, i) => i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join("  ")
      .trimEnd()
  ).join("\n");
}
