import type { IgnoredReason } from "../association/association.ts";
import type { PeerState } from "../association/events.ts";
import type { BroadcastClientStatistics } from "../association/ntp_broadcast_client.ts";
import { addressText } from "./sample_text.ts";

type Ignored = BroadcastClientStatistics["ignored"];

/** What was not believed: `ignored 3 (authentication 2, mode 1)`; empty if all was. */
function describeIgnored(now: Ignored, before: Ignored, without?: IgnoredReason): string {
  const counts = (Object.keys(now) as IgnoredReason[])
    .map((reason) => ({ reason, count: (now[reason] ?? 0) - (before[reason] ?? 0) }))
    .filter(({ reason, count }) => reason !== without && count > 0);
  if (counts.length === 0) return "";
  const total = counts.reduce((sum, { count }) => sum + count, 0);
  return `ignored ${total} (${counts.map(({ reason, count }) => `${reason} ${count}`).join(", ")})`;
}

/** Keeps what is to be said besides the samples, until it is said. */
export class ListenNotes {
  readonly #calibrated = new Map<string, boolean>();
  /** Servers that are silent, and whether that has been said. */
  readonly #silent = new Map<string, boolean>();
  readonly #heardAgain = new Set<string>();
  #ignored: Ignored = {};
  #error: string | undefined;

  /** Notes that a server is silent, or is heard again. */
  changed(state: PeerState, server: { hostname: string; port: number }): void {
    const name = addressText(server);
    if (state === "unreachable") this.#silent.set(name, false);
    if (state === "reachable" && this.#silent.delete(name)) this.#heardAgain.add(name);
  }

  /** Notes an error: of a volley, of a broadcast or of the socket. */
  failed({ message }: Error): void {
    this.#error = message;
  }

  /**
   * What is new since this was last asked, a few words for each thing.
   *
   * @param statistics what the client has heard by now
   */
  take({ servers, ignored }: BroadcastClientStatistics): string[] {
    const notes: string[] = [];
    for (const server of servers) {
      const name = addressText(server);
      const before = this.#calibrated.get(name);
      if (before === server.calibrated) continue;
      this.#calibrated.set(name, server.calibrated);
      if (!server.calibrated) notes.push(`${name} is heard, and asked for the delay`);
      else if (before === false) {
        notes.push(`${name} has answered: its broadcasts count from now on`);
      }
    }
    for (const [name, isSaid] of this.#silent) {
      if (!isSaid) notes.push(`${name} is silent`);
      this.#silent.set(name, true);
    }
    for (const name of this.#heardAgain) notes.push(`${name} is heard again`);
    // That is what the note on the volley says.
    const news = describeIgnored(ignored, this.#ignored, "uncalibrated");
    if (news !== "") notes.push(news);
    if (this.#error !== undefined) notes.push(this.#error);
    this.#heardAgain.clear();
    this.#ignored = ignored;
    this.#error = undefined;
    return notes;
  }
}

/** What was heard in all: `12 samples of 1 server, ignored 3 (authentication 3)`. */
export function describeHeard({ servers, ignored }: BroadcastClientStatistics): string {
  const samples = servers.reduce((sum, server) => sum + server.samples, 0);
  const many = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`;
  const rest = describeIgnored(ignored, {});
  return `${many(samples, "sample")} of ${many(servers.length, "server")}` +
    (rest === "" ? "" : `, ${rest}`);
}
