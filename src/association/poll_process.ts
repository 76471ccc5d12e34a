/** Bounds of poll exponents: 1 s to 36 h (RFC 5905 §7.2: MAXPOLL; peers may agree on less than MINPOLL). */
export const LEAST_POLL = 0, GREATEST_POLL = 17;

/** Polls without an answer after which an association asks less often (RFC 5905 §13: UNREACH). */
const PATIENCE = 12;

/** Options of {@linkcode PollProcess}. */
export interface PollOptions {
  /** Shortest poll, log2 of seconds, 0 to 17. Default 6: 64 s. */
  minPoll?: number;
  /** Longest poll, log2 of seconds, `minPoll` to 17. Default 10: 1024 s. */
  maxPoll?: number;
}

/**
 * Checks the poll options.
 *
 * @throws {TypeError} if one is not a number
 * @throws {RangeError} if one is out of range
 */
export function checkPollOptions(options: PollOptions): Required<PollOptions> {
  const minPoll = options.minPoll ?? 6;
  const maxPoll = options.maxPoll ?? Math.max(10, minPoll);
  for (const [name, value] of Object.entries({ minPoll, maxPoll })) {
    if (typeof value !== "number") {
      throw new TypeError(`${name} is a number, not ${typeof value}: ${String(value)}`);
    }
    if (!Number.isInteger(value) || value < LEAST_POLL || value > GREATEST_POLL) {
      throw new RangeError(
        `${name} is a whole number from ${LEAST_POLL} to ${GREATEST_POLL}, not ${value}`,
      );
    }
  }
  if (minPoll > maxPoll) {
    throw new RangeError(`minPoll, ${minPoll}, is not above maxPoll, ${maxPoll}`);
  }
  return { minPoll, maxPoll };
}

/**
 * When an association asks, and whether it is heard (RFC 5905 §13): the poll interval and the reach
 * register. Nothing that a packet says can make us ask sooner, and only one that has passed every
 * test can make us ask later (CVE-2016-4954, CVE-2020-11868).
 */
export class PollProcess {
  readonly #minPoll: number;
  readonly #maxPoll: number;
  /** No poll is shorter than this, for good, after a kiss-o'-death RATE. */
  #floor: number;
  #hostPoll: number;
  #peerPoll: number;
  #reach = 0;
  #unanswered = 0;

  /**
   * Makes a poll process that begins at the shortest poll.
   *
   * @param options bounds of the poll
   */
  constructor(options: PollOptions = {}) {
    const { minPoll, maxPoll } = checkPollOptions(options);
    this.#minPoll = minPoll;
    this.#maxPoll = maxPoll;
    this.#floor = minPoll;
    this.#hostPoll = minPoll;
    this.#peerPoll = minPoll;
  }

  /** Reach register: the last eight polls, the latest in the lowest bit; 1, it was answered. */
  get reach(): number {
    return this.#reach;
  }

  /** Our poll exponent, as our packets say it. */
  get hostPoll(): number {
    return this.#hostPoll;
  }

  /** Seconds until the next poll: the shorter of ours and the peer's, within our bounds. */
  get interval(): number {
    return 2 **
      Math.max(this.#floor, Math.min(this.#hostPoll, Math.max(this.#peerPoll, this.#minPoll)));
  }

  /** Notes that a poll begins. */
  begin(): void {
    this.#reach = (this.#reach << 1) & 0xff;
    if (this.#reach !== 0) this.#unanswered = 0;
    else if (++this.#unanswered > PATIENCE && this.#hostPoll < this.#maxPoll) this.#hostPoll++;
  }

  /**
   * Notes an answer that has passed every test.
   *
   * @param peerPoll the poll exponent that it says
   */
  answered(peerPoll: number): void {
    this.#reach |= 1;
    if (this.#unanswered > PATIENCE) this.#hostPoll = this.#floor;
    this.#unanswered = 0;
    this.#peerPoll = Math.min(GREATEST_POLL, Math.max(LEAST_POLL, peerPoll));
  }

  /**
   * Sets our own poll exponent, as the discipline of the clock wants it.
   *
   * @param poll log2 of seconds; brought within the bounds
   */
  setHostPoll(poll: number): void {
    this.#hostPoll = Math.min(this.#maxPoll, Math.max(this.#floor, poll));
  }

  /**
   * Heeds a kiss-o'-death RATE: asks half as often at least, and never again more often (RFC 5905
   * §7.4).
   *
   * @param kissPoll the poll exponent that it says
   */
  slowDown(kissPoll: number): void {
    const wanted = Math.max(this.#floor + 1, Math.min(kissPoll, this.#maxPoll));
    this.#floor = Math.min(GREATEST_POLL, wanted);
    this.#hostPoll = Math.max(this.#hostPoll, this.#floor);
  }
}
