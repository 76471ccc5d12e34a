// What a benchmark found: samples come in, medians and ratios go out, as a table or as one JSON object.

/**
 * @typedef {object} Row one figure, as `--json` gives it
 * @property {string} subject what was measured
 * @property {string} measure which property of it
 * @property {number} value the median of the rounds
 * @property {string} unit
 * @property {string | null} baseline the subject it is compared with
 * @property {number | null} ratio value ÷ the baseline's value; null where there is nothing to divide by
 * @property {Record<string, number>} [ratios] to each subject that the benchmark compares all with
 */

/**
 * @param {number[]} values at least one
 * @returns {number}
 */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Four significant digits are more than any of these figures is good for.
 *
 * @param {number} value
 * @returns {number}
 */
function rounded(value) {
  return value >= 1000 ? Math.round(value) : Number(value.toPrecision(4));
}

/** Collects samples, and knows which subject each subject is compared with. */
export class Report {
  #name;
  #machine;
  #baseline;
  /** What the one object of `--json` has besides. @type {Record<string, unknown>} */
  more = {};
  /** @type {Map<string, { subject: string, measure: string, unit: string, values: number[] }>} */
  #samples = new Map();

  /**
   * @param {string} name of the benchmark
   * @param {object} machine what it ran on
   * @param {{ text: string, of: (subject: string) => string | null, all?: string[] }} baseline the
   * subject that each subject is compared with, and what to call it under the table; `all`: subjects
   * that each is compared with besides
   */
  constructor(name, machine, baseline) {
    this.#name = name;
    this.#machine = machine;
    this.#baseline = baseline;
  }

  /**
   * Adds one round's figure.
   *
   * @param {string} subject
   * @param {string} measure
   * @param {string} unit
   * @param {number} value
   */
  add(subject, measure, unit, value) {
    const key = `${subject}\n${measure}`;
    const sample = this.#samples.get(key) ?? { subject, measure, unit, values: [] };
    sample.values.push(value);
    this.#samples.set(key, sample);
  }

  /** @returns {Row[]} in the order their first samples came */
  get rows() {
    return [...this.#samples.values()].map(({ subject, measure, unit, values }) => {
      const baseline = this.#baseline.of(subject);
      const value = rounded(median(values));
      const ratioTo = (/** @type {string | null} */ other) => {
        const base = this.#samples.get(`${other}\n${measure}`);
        const divisor = base ? rounded(median(base.values)) : 0;
        return divisor > 0 ? Number((value / divisor).toFixed(3)) : null;
      };
      const row = { subject, measure, value, unit, baseline, ratio: ratioTo(baseline) };
      if (this.#baseline.all === undefined) return row;
      const ratios = this.#baseline.all.map((other) => [other, ratioTo(other)]);
      return { ...row, ratios: Object.fromEntries(ratios.filter(([, ratio]) => ratio !== null)) };
    });
  }

  /** The one object of `--json`. */
  toJSON() {
    return { name: this.#name, machine: this.#machine, rows: this.rows, ...this.more };
  }

  /**
   * One line for each subject; a column for each measure, with its ratio behind it. Where that would
   * be too wide for anybody, a table for every few measures.
   *
   * @returns {string}
   */
  table() {
    const rows = this.rows;
    const measures = [...new Set(rows.map(({ measure }) => measure))];
    const tables = [];
    for (let i = 0; i < measures.length; i += MEASURES_IN_TABLE) {
      tables.push(tableOf(rows, measures.slice(i, i + MEASURES_IN_TABLE)));
    }
    return `${tables.join("\n\n")}\n\nRatios are to ${this.#baseline.text}.`;
  }
}

/** How many fit beside each other. */
const MEASURES_IN_TABLE = 6;

/**
 * @param {Row[]} rows
 * @param {string[]} measures
 */
function tableOf(rows, measures) {
  const subjects = [...new Set(rows.map(({ subject }) => subject))];
  const lines = [["", ...measures.flatMap((measure) => [measure, "ratio"])]];
  for (const subject of subjects) {
    const cells = measures.flatMap((measure) => {
      const row = rows.find((row) => row.subject === subject && row.measure === measure);
      return [row ? row.value.toLocaleString("en") : "–", row?.ratio?.toFixed(2) ?? ""];
    });
    lines.push([subject, ...cells]);
  }
  const widths = lines[0].map((_, i) => Math.max(...lines.map((line) => line[i].length)));
  const text = lines.map((line) =>
    line.map((cell, i) => i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join("  ")
  );
  return text.join("\n");
}

/**
 * Ends a benchmark: the table, or with `--json` the object and nothing else, on stdout.
 *
 * @param {Report} report
 * @param {{ json: boolean }} options
 * @param {string[]} warnings shown on stderr
 */
export function publish(report, { json }, warnings) {
  console.log(json ? JSON.stringify(report) : report.table());
  for (const warning of warnings) console.error(`warning: ${warning}`);
}
