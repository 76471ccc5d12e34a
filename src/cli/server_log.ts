import type { ServerStatistics } from "../server/statistics.ts";

/** What happened between two snapshots, or since the start: `answered 12, dropped 3 (mode 2, short 1)`. */
export function describeStatistics(now: ServerStatistics, before?: ServerStatistics): string {
  const dropped = Object.entries(now.dropped)
    .map(([reason, count]) => {
      const earlier = before?.dropped[reason as keyof ServerStatistics["dropped"]] ?? 0;
      return { reason, count: count - earlier };
    })
    .filter(({ count }) => count > 0);
  const parts = [`answered ${now.answered - (before?.answered ?? 0)}`];
  if (dropped.length > 0) {
    const total = dropped.reduce((sum, { count }) => sum + count, 0);
    const reasons = dropped.map(({ reason, count }) => `${reason} ${count}`).join(", ");
    parts.push(`dropped ${total} (${reasons})`);
  }
  const errors = now.errors - (before?.errors ?? 0);
  if (errors > 0) parts.push(`errors ${errors}`);
  return parts.join(", ");
}

/** Whether anything happened between two snapshots. */
export function differ(now: ServerStatistics, before: ServerStatistics): boolean {
  return now.received !== before.received || now.errors !== before.errors;
}
