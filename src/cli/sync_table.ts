import { formatReferenceId } from "../packet/reference_id.ts";
import { formatTimestamp } from "../packet/timestamp.ts";
import type { NTPSync } from "../sync/ntp_sync.ts";
import type { SourceState } from "../sync/selection.ts";
import type { SyncSourceStatus } from "../sync/sync_hub.ts";
import { formatSeconds as formatExactly } from "./quantity.ts";
import { addressText } from "./sample_text.ts";
import { oneLine } from "./say.ts";
import { type Column, table } from "./table.ts";
import type { Output } from "./world.ts";

/** A letter for each state, as chronyc has them where it has them. */
export const STATE_SYMBOLS: Readonly<Record<SourceState, string>> = {
  "selected": "+",
  "no samples": "?",
  "unreachable": "?",
  "unsynchronized": "?",
  "too distant": "~",
  "smeared": "s",
  "falseticker": "x",
  "no majority": "!",
  "outlier": "-",
  "not preferred": "-",
  "required missing": "!",
  "watched": "w",
};

const COLUMNS: readonly Column[] = [
  { title: "" },
  { title: "source", least: 15 },
  { title: "str", right: true },
  { title: "poll", right: true },
  { title: "reach", right: true },
  { title: "last", right: true, least: 4 },
  { title: "offset", right: true, least: 10 },
  { title: "± error", right: true, least: 8 },
  { title: "n", right: true, least: 2 },
  { title: "runs", right: true },
  { title: "span", right: true, least: 5 },
  { title: "ppm", right: true, least: 8 },
  { title: "skew", right: true, least: 6 },
  { title: "std dev", right: true, least: 8 },
];
/** How it is authenticated: shown when any is. */
const AUTHENTICATION: Column = { title: "auth" };

const LEAPS = ["none", "insert", "delete", "unknown"] as const;

/** A duration as people say it: `59s`, `17m`, `3h`. */
function spanText(seconds: number): string {
  if (seconds < 100) return `${Math.round(seconds)}s`;
  if (seconds < 6000) return `${Math.round(seconds / 60)}m`;
  return seconds < 360_000 ? `${Math.round(seconds / 3600)}h` : `${Math.round(seconds / 86_400)}d`;
}

/** A duration to the nanosecond: nothing less is of interest. */
function formatSeconds(seconds: number): string {
  return formatExactly(Math.round(seconds * 1e9) / 1e9);
}

function signed(text: string): string {
  return text.startsWith("-") ? text : `+${text}`;
}

/** Parts per million, as short as is of use. */
function ppm(rate: number): string {
  return Number.isFinite(rate) ? (rate * 1e6).toFixed(3) : "–";
}

/** How a source is called: by its name, of a pool by its address. */
export function sourceName({ hostname, kind, name, port }: SyncSourceStatus): string {
  if (hostname === undefined) return name;
  if (kind === "server" && port === 123) return name;
  return kind === "server" && hostname === name
    ? addressText({ hostname, port: port! })
    : kind === "server"
    ? `${name}:${port}`
    : addressText({ hostname, port: port! });
}

function rowOf(source: SyncSourceStatus, isReference: boolean): string[] {
  const { distance, last, offset, poll, reach, regression, state, stratum } = source;
  const start = [
    isReference && state === "selected" ? "*" : STATE_SYMBOLS[state],
    sourceName(source),
    stratum > 15 ? "–" : `${stratum}`,
    `${poll}`,
    reach.toString(8),
  ];
  if (last === undefined) return [...start, ...Array(COLUMNS.length - start.length).fill("–")];
  return [
    ...start,
    spanText(last.age),
    signed(formatSeconds(offset)),
    formatSeconds(distance),
    `${regression?.samples ?? 0}`,
    `${regression?.runs ?? 0}`,
    spanText(regression?.span ?? 0),
    signed(ppm(regression?.frequency ?? NaN)),
    ppm(regression?.skew ?? NaN),
    formatSeconds(regression?.standardDeviation ?? 0),
  ];
}

/** What is said of the clock: one line. */
export function clockLine({ clock, frequency, remaining }: NTPSync): string {
  const state = clock.state();
  const time = formatTimestamp(clock.now()).slice(0, "2026-11-23T12:00:00.000".length);
  const stratum = state.stratum ?? 16;
  return [
    `${time}Z ± ${formatSeconds(clock.maxError)}`,
    `stratum ${stratum}, reference ${formatReferenceId(state.referenceId ?? 0, stratum)}`,
    `remaining ${signed(formatSeconds(remaining))}`,
    `frequency ${signed(ppm(frequency?.value ?? NaN))} ± ${ppm(frequency?.deviation ?? NaN)} ppm`,
    state.synchronized ? `leap ${LEAPS[state.leapIndicator]}` : "not synchronised",
  ].join("; ");
}

/**
 * The clock and its sources, as a text for people.
 *
 * @param sync the synchronisation
 * @param output where it goes to
 */
export function syncText(sync: NTPSync, output: Output): string {
  const sources = sync.sources();
  const { referenceId } = sync.clock.state();
  const rows = sources.map((source) => rowOf(source, source.ownReferenceId === referenceId));
  const columns = [...COLUMNS];
  if (sources.some(({ authentication = "none" }) => authentication !== "none")) {
    columns.push(AUTHENTICATION);
    for (const [i, { authentication }] of sources.entries()) {
      rows[i]!.push(authentication === "nts" ? "NTS" : authentication ?? "–");
    }
  }
  const faults = [
    ...sources.flatMap((source) =>
      source.error === undefined ? [] : [`${sourceName(source)}: ${source.error.message}`]
    ),
    ...sync.problems.map(({ name, error }) => `${name}: ${error.message}`),
  ];
  return [
    `${oneLine(clockLine(sync))}\n`,
    table(columns, rows.map((row) => row.map(oneLine)), output),
    ...faults.map((fault) => `${oneLine(fault)}\n`),
  ].join("");
}
