import { DROP_REASONS, DROP_UNSENT, type DropReason } from "./drop_reason.ts";
import {
  REPLY_DELAY_BOUNDS,
  REPLY_DELAY_PLACES,
  replyDelayPlace,
  secondsOf,
} from "./reply_delays.ts";
import type { PrefixCount } from "./top_prefixes.ts";

/** What a responder sent, if it sent something. */
export type ReplyKind = "answer" | "kiss" | "crypto-NAK" | "NTS-NAK";

/**
 * What a server has done since it was made. `received` is the sum of `answered`, `kissed`,
 * `cryptoNaks`, `ntsNaks`, `routed` and all of `dropped`.
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
  /** Requests with NTS answered with the kiss code NTSN: cookie or authenticator were not good. */
  readonly ntsNaks: number;
  /** Of `answered` and `kissed`: those with authentic NTS. */
  readonly nts: number;
  /** Datagrams of associations that share the server's port. */
  readonly routed: number;
  /** Datagrams not answered, by reason. */
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** What the decision hook decided: counts by `"action: reason"`. */
  readonly decisions: Readonly<Record<string, number>>;
  /** Errors of sockets, of the clock and of the decision hook, and deaths of workers. */
  readonly errors: number;
  /**
   * Datagrams that the kernel dropped since they came faster than they were answered: overload.
   * Counted on native sockets only.
   */
  readonly overflows: number;
  /** Datagrams by what their first byte says; those that never came are left out. */
  readonly packets: readonly PacketCount[];
  /** How long answers took, from the arrival of the request to the transmit timestamp. */
  readonly replyDelays: ReplyDelays;
  /** Those who ask most, if the server was told to count them (`countPrefixes`). */
  readonly prefixes?: readonly PrefixCount[];
  /** Of the rate limiter, if there is one. */
  readonly rateLimiter?: RateLimiterOccupancy;
  /** The sockets in use, and why these: `"native (auto)"`, `"deno (needs --allow-ffi)"`. */
  readonly transports: readonly string[];
  /** Of the workers, whose counts are in all others; there if the server listens with workers. */
  readonly workers?: WorkerStatistics;
}

/** How many datagrams had a version and a mode. */
export interface PacketCount {
  /** Version, 0 to 7. */
  readonly version: number;
  /** Mode, 0 to 7. */
  readonly mode: number;
  /** How many. */
  readonly count: number;
}

/** A histogram of times. */
export interface ReplyDelays {
  /** Upper bounds of the places, in seconds, upwards; the last place has none. */
  readonly bounds: readonly number[];
  /** How many are in each place: one more than there are bounds. */
  readonly counts: readonly number[];
  /** All times together, in seconds. */
  readonly sum: number;
}

/** How full a rate limiter's table is. */
export interface RateLimiterOccupancy {
  /** Addresses and prefixes that have used some of what they may. */
  readonly used: number;
  /** How many it can remember at once. */
  readonly capacity: number;
}

/** What has become of a server's workers. */
export interface WorkerStatistics {
  /** How many serve now. */
  readonly serving: number;
  /** How often one was put in the place of one that had died. */
  readonly restarts: number;
}

/** Decisions that are counted apart; further ones count as `"other"`. */
const MAX_DECISIONS = 100;

/** Where counts stand: at 0 the answers, at `-reason` the drops, then these. */
const KISSED = DROP_REASONS.length + 1, CRYPTO_NAKS = KISSED + 1, NTS_NAKS = KISSED + 2;
const ROUTED = KISSED + 3, ERRORS = KISSED + 4, NTS = KISSED + 5;
/** Then datagrams by the lower six bits of their first byte, and the histogram with its sum. */
const PACKETS = NTS + 1, DELAYS = PACKETS + 64, DELAY_SUM = DELAYS + REPLY_DELAY_PLACES;
const LENGTH = DELAY_SUM + 1;

/** Where replies that are no answers are counted. */
const COUNTED_AT = { "kiss": KISSED, "crypto-NAK": CRYPTO_NAKS, "NTS-NAK": NTS_NAKS } as const;

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
    else this.#counts[COUNTED_AT[kind]]!++;
  }

  /**
   * Counts a datagram by its version and mode, besides what it is counted as.
   *
   * @param first its first byte; `undefined` if it has none
   */
  countPacket(first: number | undefined): void {
    if (first !== undefined) this.#counts[PACKETS + (first & 63)]!++;
  }

  /**
   * Counts how long an answer took.
   *
   * @param units of 2^-32 s, below 2^32
   */
  countDelay(units: number): void {
    this.#counts[DELAYS + replyDelayPlace(units)]!++;
    this.#counts[DELAY_SUM]! += units;
  }

  /** Counts a reply with NTS, besides what it is counted as. */
  countNts(): void {
    this.#counts[NTS]!++;
  }

  /**
   * Corrects the counts of answers: they were counted when they were made, and could not be sent.
   *
   * @param count how many
   */
  countUnsent(count: number): void {
    this.#counts[0]! -= count;
    this.#counts[-DROP_UNSENT]! += count;
  }

  /**
   * Takes over what another thread has counted, which counts no more.
   *
   * @param counts of that thread
   */
  add(counts: Float64Array): void {
    for (let i = 0; i < counts.length; i++) this.#counts[i]! += counts[i]!;
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
  snapshot(
    others: readonly Float64Array[] = [],
  ): Omit<ServerStatistics, "overflows" | "transports"> {
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
      ntsNaks: counts[NTS_NAKS]!,
      nts: counts[NTS]!,
      routed: counts[ROUTED]!,
      dropped,
      decisions: Object.fromEntries(this.#decisions),
      errors: counts[ERRORS]!,
      packets: counts.slice(PACKETS, DELAYS).flatMap((count, bits) =>
        count === 0 ? [] : [{ version: bits >> 3, mode: bits & 7, count }]
      ),
      replyDelays: {
        bounds: REPLY_DELAY_BOUNDS,
        counts: counts.slice(DELAYS, DELAY_SUM),
        sum: secondsOf(counts[DELAY_SUM]!),
      },
    };
  }
}
