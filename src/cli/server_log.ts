import type { BroadcasterStatistics } from "../association/ntp_broadcaster.ts";
import type { KeFailure, KeServerStatistics } from "../nts/ke/ke_statistics.ts";
import type { DropReason } from "../server/drop_reason.ts";
import type { ServerStatistics } from "../server/statistics.ts";

/** What a server has done, with its broadcasts and its key exchange if it has any. */
export interface Activity extends Omit<ServerStatistics, "overflows" | "transports"> {
  readonly overflows?: number;
  readonly broadcasts?: BroadcasterStatistics | undefined;
  readonly keyExchange?: KeServerStatistics | undefined;
}

/** What is counted of broadcasts, and what it is called. */
const BROADCASTS = [
  ["sent", "broadcasts"],
  ["failed", "broadcasts failed"],
  ["silent", "broadcasts left out for want of time"],
] as const;

/**
 * What happened between two snapshots, or since the start: `answered 12, kissed 1, dropped 3 (mode 2,
 * short 1)`. What did not happen is left out, but for the answers.
 */
export function describeActivity(now: Activity, before?: Activity): string {
  const since = (name: "answered" | "kissed" | "cryptoNaks" | "ntsNaks" | "routed" | "errors") =>
    now[name] - (before?.[name] ?? 0);
  const dropped = (Object.keys(now.dropped) as DropReason[])
    .map((reason) => ({ reason, count: now.dropped[reason] - (before?.dropped[reason] ?? 0) }))
    .filter(({ count }) => count > 0);
  const parts = [`answered ${since("answered")}`];
  if (since("kissed") > 0) parts.push(`kissed ${since("kissed")}`);
  if (since("cryptoNaks") > 0) parts.push(`crypto-NAKs ${since("cryptoNaks")}`);
  if (since("ntsNaks") > 0) parts.push(`NTS NAKs ${since("ntsNaks")}`);
  if (since("routed") > 0) parts.push(`from peers ${since("routed")}`);
  if (dropped.length > 0) {
    const total = dropped.reduce((sum, { count }) => sum + count, 0);
    const reasons = dropped.map(({ reason, count }) => `${reason} ${count}`).join(", ");
    parts.push(`dropped ${total} (${reasons})`);
  }
  const overflows = (now.overflows ?? 0) - (before?.overflows ?? 0);
  if (overflows > 0) parts.push(`lost to overload ${overflows}`);
  for (const [name, words] of BROADCASTS) {
    const count = (now.broadcasts?.[name] ?? 0) - (before?.broadcasts?.[name] ?? 0);
    if (count > 0) parts.push(`${words} ${count}`);
  }
  parts.push(...describeKeyExchange(now.keyExchange, before?.keyExchange));
  if (since("errors") > 0) parts.push(`errors ${since("errors")}`);
  return parts.join(", ");
}

function describeKeyExchange(now?: KeServerStatistics, before?: KeServerStatistics): string[] {
  if (now === undefined) return [];
  const parts: string[] = [];
  const answered = now.answered - (before?.answered ?? 0);
  if (answered > 0) parts.push(`key exchanges ${answered}`);
  const failed = (Object.keys(now.failed) as KeFailure[])
    .map((reason) => ({ reason, count: now.failed[reason] - (before?.failed[reason] ?? 0) }))
    .filter(({ count }) => count > 0);
  if (failed.length > 0) {
    const total = failed.reduce((sum, { count }) => sum + count, 0);
    const reasons = failed.map(({ reason, count }) => `${reason} ${count}`).join(", ");
    parts.push(`key exchanges failed ${total} (${reasons})`);
  }
  return parts;
}

/** Key exchanges that are over. */
function exchangesOf({ keyExchange }: Activity): number {
  if (keyExchange === undefined) return 0;
  return Object.values(keyExchange.failed).reduce(
    (sum, count) => sum + count,
    keyExchange.answered,
  );
}

/** Whether something failed between two snapshots. */
export function hasFailed(now: Activity, before: Activity): boolean {
  return now.errors > before.errors ||
    (now.broadcasts?.failed ?? 0) > (before.broadcasts?.failed ?? 0);
}

/** Whether anything happened between two snapshots that is worth a line. */
export function differs(now: Activity, before: Activity): boolean {
  // Of what peers send their own news tell.
  return now.received - now.routed !== before.received - before.routed ||
    now.errors !== before.errors ||
    exchangesOf(now) !== exchangesOf(before) ||
    BROADCASTS.some(([name]) => now.broadcasts?.[name] !== before.broadcasts?.[name]);
}
