import type { QueryResult } from "../client/query.ts";
import type { LeapIndicator } from "../packet/leap_indicator.ts";
import type { Host } from "./host.ts";
import { formatColumn } from "./quantity.ts";
import { addressText, authenticationText } from "./sample_text.ts";
import { type Column, table } from "./table.ts";
import type { Output } from "./world.ts";

/** A host that gave the time. */
export interface Answer {
  readonly host: Host;
  readonly result: QueryResult;
}

const LEAPS: Readonly<Record<LeapIndicator, string>> = {
  0: "none",
  1: "insert",
  2: "delete",
  3: "unknown",
};

/**
 * What the hosts said, one below the other.
 *
 * @param answers at least one
 * @param shown columns that are not always of interest: `jitter`, which only bursts have, and
 * `authentication`
 * @param output where it goes to
 */
export function answersTable(
  answers: readonly Answer[],
  shown: { jitter: boolean; authentication: boolean },
  output: Output,
): string {
  const results = answers.map(({ result }) => result);
  const durations = (of: (result: QueryResult) => number, options?: { signed: boolean }) =>
    formatColumn(results.map(of), options);
  const columns: (Column & { cells: string[] })[] = [
    { title: "host", cells: answers.map(({ host }) => host.text) },
    { title: "address", cells: results.map(addressText) },
    { title: "stratum", right: true, cells: results.map(({ packet }) => `${packet.stratum}`) },
    { title: "reference", cells: results.map(({ packet }) => packet.referenceText) },
    { title: "offset", right: true, cells: durations(({ offset }) => offset, { signed: true }) },
    { title: "delay", right: true, cells: durations(({ delay }) => delay) },
    { title: "distance", right: true, cells: durations(({ rootDistance }) => rootDistance) },
  ];
  if (shown.jitter) {
    const counts = results.map(({ samples, attempts }) => `${samples.length}/${attempts.length}`);
    columns.push(
      { title: "jitter", right: true, cells: durations(({ jitter }) => jitter) },
      { title: "answers", right: true, cells: counts },
    );
  }
  if (shown.authentication) {
    columns.push({ title: "auth", cells: results.map(authenticationText) });
  }
  columns.push({ title: "leap", cells: results.map(({ packet }) => LEAPS[packet.leapIndicator]) });
  return table(columns, results.map((_, at) => columns.map(({ cells }) => cells[at]!)), output);
}
