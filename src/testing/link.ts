import { checkDelay, checkSeconds, type DelayOptions, drawDelay } from "./delay.ts";
import type { RandomStream } from "./random_stream.ts";

/** Times in which a way is worse than usual, as in Gilbert and Elliott's model. */
export interface BurstOptions {
  /** Mean time from the end of one to the beginning of the next, in seconds; exponential. */
  every: number;
  /** Mean time that one lasts, in seconds; exponential. */
  lasting: number;
  /** Mean of an exponentially distributed delay that comes on top, in seconds. Default 0. */
  delay?: number;
  /** Probability that a datagram is lost in one, 0 to 1. Default 0. */
  loss?: number;
}

/** A span of time, in seconds since the start. */
export interface Span {
  /** It begins here. Default 0. */
  from?: number;
  /** It ends before this. Default: never. */
  until?: number;
}

/** What a way does to datagrams, in one direction. What is left out does not happen. */
export interface LinkOptions extends DelayOptions {
  /** Probability that a datagram is lost, each independently of others, 0 to 1. */
  loss?: number;
  /** Probability that it arrives twice, 0 to 1; the copy has a delay of its own. */
  duplication?: number;
  /** Probability that one of its bits is flipped, 0 to 1. UDP's checksum would notice most. */
  corruption?: number;
  /** Probability that it is held back, 0 to 1, and for how long, in seconds. */
  reordering?: { probability: number; delay: number };
  /**
   * Nothing overtakes: what would arrive before its predecessor arrives a nanosecond after it. Default false:
   * each datagram has its own delay, and may overtake.
   */
  inOrder?: boolean;
  /** Congestion that comes and goes. */
  bursts?: BurstOptions;
  /**
   * Bits per second that pass, above 0; the others queue. Default: no limit. `queueSeconds` is how
   * long the queue may get before datagrams are lost, default 1.
   */
  bitsPerSecond?: number;
  /** See `bitsPerSecond`. */
  queueSeconds?: number;
  /** When nothing passes. */
  outages?: readonly Span[];
}

/** The ways of a machine: both alike, or each its own. */
export type LinkPair = LinkOptions | {
  /** What is on its way to the machine. */
  readonly toward: LinkOptions;
  /** What comes from it. */
  readonly away: LinkOptions;
};

/** Between two that arrive together, so that no rounding of times changes their order. */
const NANOSECOND = 1e-9;

/** Bytes of UDP and IPv4 headers. */
const OVERHEAD = 28;

const PROBABILITIES = ["loss", "duplication", "corruption"] as const;

/**
 * A way in one direction: says of each datagram when it arrives, if at all, from a random stream
 * for each thing that may happen to it, so that one more of these changes nothing for the others.
 *
 * @example A way that loses half
 * ```ts
 * import { Link, RandomStream } from "@ntps/ntps/testing";
 * import { assert } from "@std/assert";
 *
 * const link = new Link({ base: 0.020, exponential: 0.001, loss: 0.5 }, new RandomStream(1));
 * let arrived = 0;
 * for (let second = 0; second < 1000; second++) {
 *   for (const delay of link.transit(second, new Uint8Array(48))) {
 *     assert(delay >= 0.020);
 *     arrived++;
 *   }
 * }
 * assert(arrived > 450 && arrived < 550);
 * ```
 */
export class Link {
  readonly #options: LinkOptions;
  readonly #delay: Required<DelayOptions>;
  readonly #random: Record<"delay" | "loss" | "bursts" | "copies" | "bits", RandomStream>;
  readonly #arrivals: number[] = [];
  #isCongested = false;
  /** When congestion next begins or ends. */
  #change = 0;
  /** When what is queued has left. */
  #free = -Infinity;
  #lastArrival = -Infinity;

  /**
   * Makes a way.
   *
   * @param options see {@linkcode LinkOptions}
   * @param random its own stream
   * @throws {TypeError} if an option has the wrong type
   * @throws {RangeError} if an option is out of range
   */
  constructor(options: LinkOptions, random: RandomStream) {
    checkLink(options);
    this.#options = options;
    this.#delay = checkDelay("link", options);
    this.#random = {
      delay: random.fork("delay"),
      loss: random.fork("loss"),
      bursts: random.fork("bursts"),
      copies: random.fork("copies"),
      bits: random.fork("bits"),
    };
    if (options.bursts) this.#change = options.bursts.every * this.#random.bursts.exponential();
  }

  /**
   * What becomes of a datagram.
   *
   * @param now when it leaves, in seconds since the start; not before the last one
   * @param data its payload; a bit is flipped if it is to be corrupted
   * @returns for each copy that arrives after how many seconds it does. Borrowed: valid until the
   * next call
   */
  transit(now: number, data: Uint8Array): readonly number[] {
    const arrivals = this.#arrivals, options = this.#options, random = this.#random;
    const { loss = 0, duplication = 0, corruption = 0, bursts } = options;
    arrivals.length = 0;
    if (bursts) this.#followBursts(now, bursts);
    // Drawn whether it is lost or not, so that its fate changes nothing for others.
    const delay = drawDelay(this.#delay, random.delay);
    const isLost = loss > 0 && random.loss.chance(loss);
    const isLostInBurst = this.#isCongested && random.bursts.chance(bursts?.loss ?? 0);
    const queued = this.#queue(now, data.length);
    if (isLost || isLostInBurst || queued === Infinity || isOut(now, options.outages)) {
      return arrivals;
    }
    this.#arrive(now, delay + queued);
    if (duplication > 0 && random.copies.chance(duplication)) {
      this.#arrive(now, drawDelay(this.#delay, random.copies) + queued);
    }
    if (corruption > 0 && random.bits.chance(corruption) && data.length > 0) {
      const bit = random.bits.integer(8 * data.length);
      data[bit >> 3] = data[bit >> 3]! ^ (1 << (bit & 7));
    }
    return arrivals;
  }

  #arrive(now: number, delay: number): void {
    const { reordering, inOrder = false, bursts } = this.#options;
    if (this.#isCongested && bursts?.delay) {
      delay += bursts.delay * this.#random.bursts.exponential();
    }
    if (reordering && this.#random.copies.chance(reordering.probability)) {
      delay += reordering.delay;
    }
    if (inOrder) {
      delay = Math.max(delay, this.#lastArrival - now + NANOSECOND);
      this.#lastArrival = now + delay;
    }
    this.#arrivals.push(delay);
  }

  #followBursts(now: number, { every, lasting }: BurstOptions): void {
    while (this.#change <= now) {
      this.#isCongested = !this.#isCongested;
      const mean = this.#isCongested ? lasting : every;
      this.#change += mean * this.#random.bursts.exponential();
    }
  }

  /** How long a datagram waits and is being sent, in seconds; Infinity: the queue is full. */
  #queue(now: number, length: number): number {
    const { bitsPerSecond, queueSeconds = 1 } = this.#options;
    if (bitsPerSecond === undefined) return 0;
    const begins = Math.max(now, this.#free);
    if (begins - now > queueSeconds) return Infinity;
    this.#free = begins + 8 * (length + OVERHEAD) / bitsPerSecond;
    return this.#free - now;
  }
}

/**
 * Checks the options of a way.
 *
 * @throws {TypeError} if an option has the wrong type
 * @throws {RangeError} if an option is out of range
 */
export function checkLink(options: LinkOptions): void {
  checkDelay("link", options);
  for (const name of PROBABILITIES) checkProbability(name, options[name] ?? 0);
  const { reordering, bursts, bitsPerSecond, queueSeconds = 0, outages = [] } = options;
  if (reordering) {
    checkProbability("reordering.probability", reordering.probability);
    checkSeconds("reordering.delay", reordering.delay);
  }
  if (bursts) {
    for (const name of ["every", "lasting"] as const) {
      checkSeconds(`bursts.${name}`, bursts[name]);
      if (bursts[name] === 0) throw new RangeError(`bursts.${name} must be above 0 s`);
    }
    checkSeconds("bursts.delay", bursts.delay ?? 0);
    checkProbability("bursts.loss", bursts.loss ?? 0);
  }
  if (bitsPerSecond !== undefined && !(bitsPerSecond > 0)) {
    throw new RangeError(`bitsPerSecond must be above 0, not ${bitsPerSecond}`);
  }
  checkSeconds("queueSeconds", queueSeconds);
  for (const span of outages) checkSpan("outages[]", span);
}

/**
 * Checks a span.
 *
 * @throws {RangeError} if it ends before it begins
 */
export function checkSpan(name: string, { from = 0, until = Infinity }: Span): void {
  if (!(from >= 0 && until >= from)) {
    throw new RangeError(`${name} must be from 0 or later, until no earlier: ${from} to ${until}`);
  }
}

/** Both ways of a pair. */
export function waysOf(link: LinkPair): { toward: LinkOptions; away: LinkOptions } {
  return "toward" in link ? link : { toward: link, away: link };
}

/** Whether a moment is in a span. */
export function isWithin(now: number, { from = 0, until = Infinity }: Span): boolean {
  return now >= from && now < until;
}

function isOut(now: number, outages: readonly Span[] | undefined): boolean {
  return outages !== undefined && outages.some((span) => isWithin(now, span));
}

/**
 * Checks a probability.
 *
 * @throws {RangeError} if it is not from 0 to 1
 */
export function checkProbability(name: string, value: number): void {
  if (typeof value === "number" && value >= 0 && value <= 1) return;
  throw new RangeError(`${name} must be a probability from 0 to 1, not ${value}`);
}
