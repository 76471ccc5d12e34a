/** A figure, as `--json` gives it. */
export interface Row {
  /** Target and runtime. */
  readonly subject: string;
  /** `rate`, `packets`, `passed` or `findings`. */
  readonly measure: string;
  /** The figure. */
  readonly value: number;
  /** Its unit. */
  readonly unit: string;
  /** For a rate: the same target on Node. */
  readonly baseline: string | null;
  /** Value ÷ the baseline's value. */
  readonly ratio: number | null;
}

/** What came of one target on one runtime. */
export interface Result {
  /** Name of the target. */
  readonly target: string;
  /** Name of the runtime. */
  readonly runtime: string;
  /** Packets passed in. */
  readonly packets: number;
  /** How many were decoded, answered, accepted. */
  readonly passed: number;
  /** How long it took. */
  readonly seconds: number;
  /** Number of different findings. */
  readonly findings: number;
}

const BASELINE = "node";

function rateOf({ packets, seconds }: Result): number {
  return seconds > 0 ? Math.round(packets / seconds) : 0;
}

function rowsOf(result: Result, all: readonly Result[]): Row[] {
  const { target, runtime, packets, passed, findings } = result;
  const other = all.find((one) => one.target === target && one.runtime === BASELINE);
  const subject = `${target} ${runtime}`, plain = { baseline: null, ratio: null };
  return [
    {
      subject,
      measure: "rate",
      value: rateOf(result),
      unit: "packets/s",
      baseline: other ? `${target} ${BASELINE}` : null,
      ratio: other && rateOf(other) ? Number((rateOf(result) / rateOf(other)).toFixed(3)) : null,
    },
    { subject, measure: "packets", value: packets, unit: "packets", ...plain },
    { subject, measure: "passed", value: passed, unit: "packets", ...plain },
    { subject, measure: "findings", value: findings, unit: "findings", ...plain },
  ];
}

/**
 * All figures, in the form of the benchmarks.
 *
 * @param results what came of each target on each runtime
 * @param machine what it ran on
 */
export function toJson(results: readonly Result[], machine: object): string {
  return JSON.stringify({
    name: "fuzz",
    machine,
    rows: results.flatMap((result) => rowsOf(result, results)),
  });
}

/**
 * All figures as a table.
 *
 * @param results what came of each target on each runtime
 */
export function toTable(results: readonly Result[]): string {
  const head = ["", "packets", "got through", "packets/s", "findings"];
  const lines = [
    head,
    ...results.map((result) => [
      `${result.target} ${result.runtime}`,
      result.packets.toLocaleString("en"),
      `${(100 * result.passed / (result.packets || 1)).toFixed(1)} %`,
      rateOf(result).toLocaleString("en"),
      String(result.findings),
    ]),
  ];
  const widths = head.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)));
  return lines.map((line) =>
    line.map((cell, i) => i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)).join("  ")
  ).join("\n");
}
