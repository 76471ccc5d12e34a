/** What a metric is: it only grows, or it is what it is now. */
export type MetricType = "counter" | "gauge";

/** Labels of a sample: names of letters and underscores, any values. */
export type Labels = Readonly<Record<string, string>>;

/** Which of the two texts: that of OpenMetrics 1.0, or the older one of Prometheus. */
export type MetricsFormat = "openmetrics" | "prometheus";

/** How both are called in HTTP. */
export const CONTENT_TYPES: Readonly<Record<MetricsFormat, string>> = {
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
  prometheus: "text/plain; version=0.0.4; charset=utf-8",
};

/**
 * Writes metrics as text, for those of one's own beside the library's.
 *
 * @example A temperature
 * ```ts
 * import { MetricWriter } from "@ntps/ntps/metrics";
 * import { assertEquals } from "@std/assert";
 *
 * const writer = new MetricWriter("prometheus");
 * writer.add("room_celsius", "gauge", "How warm it is.", [[21.5, { room: "lab" }]]);
 * assertEquals(writer.end().split("\n")[2], 'room_celsius{room="lab"} 21.5');
 * ```
 */
export class MetricWriter {
  readonly #format: MetricsFormat;
  readonly #lines: string[] = [];

  /**
   * Begins a text.
   *
   * @param format which
   */
  constructor(format: MetricsFormat) {
    this.#format = format;
  }

  /**
   * Writes a metric with all its samples; nothing if there are none.
   *
   * @param name without `_total`, which counters get
   * @param type what it is
   * @param help what it means, in one line
   * @param samples values, each with its labels; what is no finite number is left out
   */
  add(
    name: string,
    type: MetricType,
    help: string,
    samples: readonly (readonly [value: number | undefined, labels?: Labels])[],
  ): void {
    const known = samples.filter(([value]) => Number.isFinite(value));
    if (known.length === 0) return;
    const full = type === "counter" ? `${name}_total` : name;
    const family = this.#format === "openmetrics" ? name : full;
    this.#lines.push(`# HELP ${family} ${help}`, `# TYPE ${family} ${type}`);
    for (const [value, labels = {}] of known) {
      const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escaped(text)}"`);
      this.#lines.push(`${full}${pairs.length > 0 ? `{${pairs.join(",")}}` : ""} ${value}`);
    }
  }

  /**
   * Writes a histogram.
   *
   * @param name what it is called; OpenMetrics wants its unit at the end
   * @param help what it means, in one line
   * @param histogram upper bounds, upwards; how many are in each place, one more than there are bounds;
   * and the sum of all
   *
   * @example Two fast ones and a slow one
   * ```ts
   * import { MetricWriter } from "@ntps/ntps/metrics";
   * import { assertStringIncludes } from "@std/assert";
   *
   * const writer = new MetricWriter("prometheus");
   * writer.addHistogram("took_seconds", "Times.", { bounds: [0.1], counts: [2, 1], sum: 3 });
   * assertStringIncludes(writer.end(), 'took_seconds_bucket{le="+Inf"} 3\n');
   * ```
   */
  addHistogram(
    name: string,
    help: string,
    { bounds, counts, sum }: {
      readonly bounds: readonly number[];
      readonly counts: readonly number[];
      readonly sum: number;
    },
  ): void {
    this.#lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} histogram`);
    let below = 0;
    bounds.forEach((bound, i) => {
      below += counts[i] ?? 0;
      this.#lines.push(`${name}_bucket{le="${bound}"} ${below}`);
    });
    const all = below + (counts[bounds.length] ?? 0);
    this.#lines.push(`${name}_bucket{le="+Inf"} ${all}`, `${name}_sum ${sum}`);
    this.#lines.push(`${name}_count ${all}`);
  }

  /** The text. */
  end(): string {
    const end = this.#format === "openmetrics" ? "# EOF\n" : "";
    return this.#lines.map((line) => `${line}\n`).join("") + end;
  }
}

/** A value of a label, which may be a stranger's. */
function escaped(text: string): string {
  return text.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");
}
