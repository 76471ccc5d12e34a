import { DROP_REASONS, type DropReason } from "./drop_reason.ts";

/** What a responder sent, if it sent something. */
export type ReplyKind = "answer" | "kiss" | "crypto-NAK";

/**
 * What a server has done since it was made. `received` is the sum of `answered`, `kissed`,
 * `cryptoNaks`, `routed` and all of `dropped`.
 */
export interface ServerStatistics {
  /** Datagrams received. */
  readonly received: number;
  /** Requests answered with the time. */
  readonly answered: number;
  /** Requests answered with a kiss-o'-death. */
  readonly kissed: number;
  /** Requests answered with a crypto-NAK: their MAC was wrong, or its key unknown. */
  readonly cryptoNaks: number;
  /** Datagrams of associations that share the server's port. */
  readonly routed: number;
  /** Datagrams not answered, by reason. */
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** What the decision hook decided: counts by `"action: reason"`. */
  readonly decisions: Readonly<Record<string, number>>;
  /** Errors of sockets, of the clock and of the decision hook. */
  readonly errors: number;
}

/** Decisions that are counted apart; further ones count as `"other"`. */
const MAX_DECISIONS = 100;

/** Counts what becomes of datagrams. */
export class ServerCounters {
  /** At 0 the answers, at `-reason` the drops. Doubles: exact up to 2^53. */
  readonly #counts = new Float64Array(DROP_REASONS.length + 1);
  readonly #decisions = new Map<string, number>();
  #kissed = 0;
  #cryptoNaks = 0;
  #routed = 0;
  #errors = 0;

  /**
   * Counts a datagram.
   *
   * @param outcome the length of the reply, or a negative reason
   * @param kind what was sent, if something was
   */
  count(outcome: number, kind: ReplyKind): void {
    if (outcome < 0 || kind === "answer") this.#counts[outcome > 0 ? 0 : -outcome]!++;
    else if (kind === "kiss") this.#kissed++;
    else this.#cryptoNaks++;
  }

  /** Counts a decision of the hook; no more reasons than a table can hold. */
  countDecision(action: string, reason: string): void {
    const name = `${action}: ${reason}`;
    const known = this.#decisions.has(name) || this.#decisions.size < MAX_DECISIONS;
    const key = known ? name : "other";
    this.#decisions.set(key, (this.#decisions.get(key) ?? 0) + 1);
  }

  /** Counts a datagram that an association took. */
  countRouted(): void {
    this.#routed++;
  }

  /** Counts an error that is no datagram's. */
  countError(): void {
    this.#errors++;
  }

  /** The counts so far. */
  snapshot(): ServerStatistics {
    const dropped = Object.fromEntries(
      DROP_REASONS.map((reason, i) => [reason, this.#counts[i + 1]!]),
    ) as Record<DropReason, number>;
    const others = this.#counts.reduce((sum, count) => sum + count, 0);
    return {
      received: others + this.#kissed + this.#cryptoNaks + this.#routed,
      answered: this.#counts[0]!,
      kissed: this.#kissed,
      cryptoNaks: this.#cryptoNaks,
      routed: this.#routed,
      dropped,
      decisions: Object.fromEntries(this.#decisions),
      errors: this.#errors,
    };
  }
}
