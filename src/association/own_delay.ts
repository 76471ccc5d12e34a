/** How many of the last packets are looked at, and from how many on that is enough. */
const KEPT = 8, ENOUGH = 4;
/** Which part of the least delay is used, since none may be told to have left later than it did. */
const PART = 0.8;
/** Longer ones, in seconds, tell of a process that had to wait and not of the way. */
const LONGEST = 500e-6;

/**
 * How much later our own packets leave than their transmit timestamp is read, learned from those that left
 * before. Added to the next one it makes that nearly true: else the peer would believe that we took
 * longer than we did, and our clock to be behind by half of it.
 */
export class OwnDelay {
  readonly #delays: number[] = [];
  /** That of the packet that was sent last, as far as is known. */
  #last: number | undefined;

  /**
   * Takes what is known of the packet that was sent last; may be called again with what is better.
   *
   * @param seconds from reading the timestamp to leaving
   */
  tell(seconds: number): void {
    this.#last = seconds;
  }

  /** What to add to the transmit timestamp of the packet that is sent now, in seconds. */
  next(): number {
    if (this.#last !== undefined && this.#last >= 0 && this.#last <= LONGEST) {
      this.#delays.push(this.#last);
      if (this.#delays.length > KEPT) this.#delays.shift();
    }
    this.#last = undefined;
    return this.#delays.length < ENOUGH ? 0 : PART * Math.min(...this.#delays);
  }
}
