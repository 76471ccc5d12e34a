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

/** Keeps what associations tell, the latest of each, until the log is written. */
export class PeerLog {
  readonly #news = new Map<string, News>();
  #error: string | undefined;

  /**
   * Listens to an association.
   *
   * @param name how to call its peer. Default: by the address
   */
  events(name?: string): Required<AssociationEvents> {
    const newsOf = (peer: { hostname: string; port: number }) => {
      const key = name ?? addressText(peer);
      const news = this.#news.get(key) ?? {};
      this.#news.set(key, news);
      return news;
    };
    return {
      onSample: (sample) => newsOf(sample).sample = sample,
      onChange: (state, peer) => newsOf(peer).state = state,
      onError: ({ message }) => this.#error = message,
    };
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
    this.#news.clear();
    this.#error = undefined;
    return parts;
  }
}
