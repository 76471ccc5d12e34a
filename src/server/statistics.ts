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

/** Where counts stand: at 0 the answers, at `-reason` the drops, then these. */
const KISSED = DROP_REASONS.length + 1, CRYPTO_NAKS = KISSED + 1;
const ROUTED = KISSED + 2, ERRORS = KISSED + 3, LENGTH = KISSED + 4;

/**
 * Memory for {@linkcode ServerCounters}. Each thread has its own, which only it writes; others may
 * read it at any time.
 *
 * @param isShared whether other threads may read it
 */
export function makeCounts(isShared: boolean): Float64Array {
  const { BYTES_PER_ELEMENT } = Float64Array;
  return isShared
    ? new Float64Array(new SharedArrayBuffer(LENGTH * BYTES_PER_ELEMENT))
    : new Float64Array(LENGTH);
}

/** Counts what becomes of datagrams. */
export class ServerCounters {
  /** Doubles: exact up to 2^53. */
  readonly #counts: Float64Array;
  readonly #decisions = new Map<string, number>();

  /** @param counts as `makeCounts()` makes them, or what another thread has counted in */
  constructor(counts: Float64Array = makeCounts(false)) {
    this.#counts = counts;
  }

  /**
   * Counts a datagram.
   *
   * @param outcome the length of the reply, or a negative reason
   * @param kind what was sent, if something was
   */
  count(outcome: number, kind: ReplyKind): void {
    if (outcome < 0 || kind === "answer") this.#counts[outcome > 0 ? 0 : -outcome]!++;
    else this.#counts[kind === "kiss" ? KISSED : CRYPTO_NAKS]!++;
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
    this.#counts[ROUTED]!++;
  }

  /** Counts an error that is no datagram's. */
  countError(): void {
    this.#counts[ERRORS]!++;
  }

  /**
   * The counts so far.
   *
   * @param others counts of other threads, which are added
   */
  snapshot(others: readonly Float64Array[] = []): ServerStatistics {
    const counts = Array.from(
      this.#counts,
      (count, i) => others.reduce((sum, other) => sum + other[i]!, count),
    );
    const dropped = Object.fromEntries(
      DROP_REASONS.map((reason, i) => [reason, counts[i + 1]!]),
    ) as Record<DropReason, number>;
    return {
      received: counts.slice(0, ERRORS).reduce((sum, count) => sum + count, 0),
      answered: counts[0]!,
      kissed: counts[KISSED]!,
      cryptoNaks: counts[CRYPTO_NAKS]!,
      routed: counts[ROUTED]!,
      dropped,
      decisions: Object.fromEntries(this.#decisions),
      errors: counts[ERRORS]!,
    };
  }
}
