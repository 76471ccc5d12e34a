import { bold } from "./help.ts";
import { formatSeconds } from "./quantity.ts";
import type { Observation } from "./recording.ts";
import { oneLine } from "./say.ts";
import { type Column, table } from "./table.ts";
import { textPlot } from "./text_plot.ts";
import type { Output } from "./world.ts";

/** What the rows may be sorted by, and the keys for it. */
export const SORTS = { n: "name", o: "offset", d: "delay", s: "stratum" } as const;

/** What the rows are sorted by. */
export type Sort = typeof SORTS[keyof typeof SORTS];

/** How much of a server is kept for its plots. */
const KEPT = 600;
const PLOT_HEIGHT = 3, LABEL_WIDTH = 12, LEAST_WIDTH = 20;

/** What is known of one server. */
export class MonitoredHost {
  readonly name: string;
  readonly observations: Observation[] = [];
  asked = 0;
  answered = 0;

  /** @param name as it was given */
  constructor(name: string) {
    this.name = name;
  }

  /** Takes what came of a question. */
  add(one: Observation): void {
    this.asked++;
    if (one.offset !== undefined) this.answered++;
    this.observations.push(one);
    if (this.observations.length > KEPT) this.observations.shift();
  }

  get last(): Observation | undefined {
    return this.observations.at(-1);
  }

  /** The last one that was answered. */
  get lastAnswer(): Observation | undefined {
    return this.observations.findLast(({ offset }) => offset !== undefined);
  }

  /** Standard deviation of the offsets that are kept. */
  get deviation(): number | undefined {
    const offsets = this.observations.flatMap(({ offset }) => offset === undefined ? [] : [offset]);
    if (offsets.length < 2) return undefined;
    const mean = offsets.reduce((sum, offset) => sum + offset, 0) / offsets.length;
    const squares = offsets.reduce((sum, offset) => sum + (offset - mean) ** 2, 0);
    return Math.sqrt(squares / (offsets.length - 1));
  }
}

const TABLE: readonly Column[] = [
  { title: "host" },
  { title: "str", right: true },
  { title: "answers", right: true },
  { title: "offset", right: true },
  { title: "± error", right: true },
  { title: "std dev", right: true },
  { title: "delay", right: true },
  { title: "last" },
];

const seconds = (value: number | undefined) => value === undefined ? "" : formatSeconds(value);

function rowOf(host: MonitoredHost): string[] {
  const { lastAnswer: answer, last } = host;
  return [
    oneLine(host.name),
    `${answer?.stratum ?? ""}`,
    `${host.answered}/${host.asked}`,
    seconds(answer?.offset),
    seconds(answer?.distance),
    seconds(host.deviation),
    seconds(answer?.delay),
    last === undefined ? "asked" : last.error ?? "ok",
  ];
}

/** Servers in the order that is wanted; those without an answer last. */
export function sorted(hosts: readonly MonitoredHost[], by: Sort): MonitoredHost[] {
  if (by === "name") return [...hosts];
  const key = (host: MonitoredHost) => {
    const value = host.lastAnswer?.[by];
    return value === undefined ? Infinity : Math.abs(value);
  };
  return hosts.map((host, i) => ({ host, i, key: key(host) }))
    .sort((a, b) => a.key === b.key ? a.i - b.i : a.key - b.key)
    .map(({ host }) => host);
}

function plotText(name: string, values: (number | undefined)[], width: number): string {
  const { lines, low, high } = textPlot(values, Math.max(LEAST_WIDTH, width), PLOT_HEIGHT);
  const labels = [formatSeconds(high), name, formatSeconds(low)];
  return lines.map((line, i) => `${labels[i]!.padStart(LABEL_WIDTH)} ${line}`.trimEnd() + "\n")
    .join("");
}

/**
 * All servers in a table, then plots of offset and delay of each, as many as fit.
 *
 * @param hosts the servers
 * @param by order
 * @param output where it goes to
 */
export function monitorText(hosts: readonly MonitoredHost[], by: Sort, output: Output): string {
  const ordered = sorted(hosts, by);
  const keys = Object.entries(SORTS).map(([key, name]) => `${key} ${name}`).join(", ");
  const top = `sorted by ${by}; keys: ${keys}, q quit\n` + table(TABLE, ordered.map(rowOf), output);
  const { columns = 80, rows = 24 } = output.terminal ?? {};
  const width = Math.min(120, columns - LABEL_WIDTH - 2);
  const left = rows - 1 - top.split("\n").length;
  const fitting = ordered.filter(({ answered }) => answered > 0)
    .slice(0, Math.max(1, Math.floor(left / (2 * PLOT_HEIGHT + 1))));
  const plots = fitting.map((host) => {
    const { observations } = host;
    return `${bold(oneLine(host.name), output)}\n` +
      plotText("offset", observations.map(({ offset }) => offset), width) +
      plotText("delay", observations.map(({ delay }) => delay), width);
  });
  return top + plots.join("");
}
