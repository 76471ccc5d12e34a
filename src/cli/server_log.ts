import type { Timers } from "../clock/timers.ts";
import type { DropReason } from "../server/drop_reason.ts";
import type { ServerStatistics } from "../server/statistics.ts";

const INTERVAL_MS = 1000;

/**
 * What happened between two snapshots, or since the start: `answered 12, kissed 1, dropped 3 (mode 2,
 * short 1)`. What did not happen is left out, but for the answers.
 */
export function describeStatistics(now: ServerStatistics, before?: ServerStatistics): string {
  const since = (name: "answered" | "kissed" | "cryptoNaks" | "errors") =>
    now[name] - (before?.[name] ?? 0);
  const dropped = (Object.keys(now.dropped) as DropReason[])
    .map((reason) => ({ reason, count: now.dropped[reason] - (before?.dropped[reason] ?? 0) }))
    .filter(({ count }) => count > 0);
  const parts = [`answered ${since("answered")}`];
  if (since("kissed") > 0) parts.push(`kissed ${since("kissed")}`);
  if (since("cryptoNaks") > 0) parts.push(`crypto-NAKs ${since("cryptoNaks")}`);
  if (dropped.length > 0) {
    const total = dropped.reduce((sum, { count }) => sum + count, 0);
    const reasons = dropped.map(({ reason, count }) => `${reason} ${count}`).join(", ");
    parts.push(`dropped ${total} (${reasons})`);
  }
  if (since("errors") > 0) parts.push(`errors ${since("errors")}`);
  return parts.join(", ");
}

/**
 * Looks at the statistics of a server once a second, and tells of each second in which something
 * happened.
 *
 * @param server the server
 * @param timers how to wait
 * @param onChange told what they are and what they were a second before
 * @returns a function that ends it
 */
export function watchStatistics(
  server: { statistics(): ServerStatistics },
  timers: Timers,
  onChange: (now: ServerStatistics, before: ServerStatistics) => void,
): () => void {
  let before = server.statistics();
  let cancel = () => {};
  const wait = () => {
    cancel = timers.after(INTERVAL_MS, () => {
      wait();
      const now = server.statistics();
      if (now.received !== before.received || now.errors !== before.errors) onChange(now, before);
      before = now;
    });
  };
  wait();
  return () => cancel();
}
