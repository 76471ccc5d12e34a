import type { AssociationEvents, PeerSample, PeerState } from "../association/events.ts";
import { formatColumn } from "./quantity.ts";
import { addressText } from "./sample_text.ts";

/** What is new of a peer. */
interface News {
  state?: PeerState;
  sample?: PeerSample;
}

/** What a state means to who reads the log; nobody is told to wait. */
const STATES: Readonly<Record<PeerState, string>> = {
  waiting: "has not answered yet",
  reachable: "is reachable",
  unreachable: "does not answer any more",
  stopped: "is no peer any more",
};

/** Of so many peers news are kept; strangers may be peers, too. */
const MOST_PEERS = 64;

/** Keeps what associations tell, the latest of each, until the log is written. */
export class PeerLog {
  readonly #news = new Map<string, News>();
  #error: string | undefined;
  /** News of peers that there was no room for. */
  #others = 0;

  /**
   * Listens to an association.
   *
   * @param name how to call its peer. Default: by the address
   */
  events(name?: string): Required<AssociationEvents> {
    const newsOf = (peer: { hostname: string; port: number }) => {
      const key = name ?? addressText(peer);
      const news = this.#news.get(key) ?? {};
      if (this.#news.size < MOST_PEERS || this.#news.has(key)) this.#news.set(key, news);
      else this.#others++;
      return news;
    };
    return {
      onSample: (sample) => newsOf(sample).sample = sample,
      onChange: (state, peer) => newsOf(peer).state = state,
      onError: ({ message }) => this.#error = message,
    };
  }

  /** Whether anything is new. */
  get hasNews(): boolean {
    return this.#news.size > 0 || this.#error !== undefined;
  }

  /** What is new since this was last asked, a few words for each peer. */
  take(): string[] {
    const parts = [...this.#news].map(([name, { state, sample }]) => {
      const words = state === undefined ? [] : [STATES[state]];
      if (sample !== undefined) {
        const [offset] = formatColumn([sample.offset], { signed: true });
        const [delay] = formatColumn([sample.delay]);
        words.push(`offset ${offset}`, `delay ${delay}`);
      }
      return `peer ${name} ${words.join(", ")}`;
    });
    if (this.#error !== undefined) parts.push(this.#error);
    if (this.#others > 0) parts.push(`news of other peers ${this.#others}`);
    this.#others = 0;
    this.#news.clear();
    this.#error = undefined;
    return parts;
  }
}
