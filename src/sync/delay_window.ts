/** How many delays are remembered. */
const LENGTH = 128;
/** So many delays in a row above the mean of all show that the path has changed. */
const CHANGED = 12;
/**
 * Mean of the smallest of n delays above the smallest that there can be, in units of the mean excess
 * over √n: between that of a path with jitter both ways (0.63) and one way (1/√n).
 */
const UNSEEN = 0.6;

/** What a delay says about the measurement it comes from. Seconds and seconds². */
export interface DelayQuality {
  /** By how much the delay is above the shortest one: its queues. */
  readonly excess: number;
  /** By how much the shortest delay seen may be above the shortest possible. */
  readonly unseen: number;
  /** Mean excess. */
  readonly spread: number;
  /**
   * Variance of offsets on a path whose two directions vary alike and whose delay tells nothing:
   * a quarter of the variance of the delays.
   */
  readonly variance: number;
}

/**
 * The recent round-trip delays of a source. A packet that waited in no queue tells the offset best:
 * at an excess of `e` the offset is wrong by at most `e / 2`.
 */
export class DelayWindow {
  readonly #delays = new Float64Array(LENGTH);
  #next = 0;
  #count = 0;
  #above = 0;
  #minimum = 0;

  /** Shortest delay remembered, in seconds; 0 before the first. */
  get minimum(): number {
    return this.#minimum;
  }

  /** How many delays are remembered, 0 to 128. */
  get count(): number {
    return this.#count;
  }

  /** Forgets all. */
  clear(): void {
    this.#count = this.#next = this.#above = 0;
    this.#minimum = 0;
  }

  /**
   * Takes a delay.
   *
   * @param delay round-trip delay in seconds, 0 or more
   */
  add(delay: number): DelayQuality {
    this.#delays[this.#next] = delay;
    this.#next = (this.#next + 1) % LENGTH;
    this.#count = Math.min(this.#count + 1, LENGTH);
    let { mean, minimum, variance } = this.#moments(this.#count);
    this.#above = delay > mean ? this.#above + 1 : 0;
    if (this.#above >= CHANGED) {
      this.#forgetAllBut(CHANGED);
      ({ mean, minimum, variance } = this.#moments(this.#count));
    }
    this.#minimum = minimum;
    const spread = mean - minimum, count = this.#count;
    return {
      excess: delay - minimum,
      // A single delay may be all queue, and so may a few that happen to be alike.
      unseen: Math.max(UNSEEN * spread / Math.sqrt(count), delay / 2 / count ** 1.5),
      spread,
      // So may the first few, whose variance is known but roughly.
      variance: variance / 4 + (delay / (4 * count)) ** 2,
    };
  }

  /** Moments of the `count` latest delays. */
  #moments(count: number): { mean: number; minimum: number; variance: number } {
    let minimum = Infinity, sum = 0;
    for (let i = 1; i <= count; i++) {
      const delay = this.#at(i);
      minimum = Math.min(minimum, delay);
      sum += delay;
    }
    const mean = sum / count;
    let squares = 0;
    for (let i = 1; i <= count; i++) squares += (this.#at(i) - mean) ** 2;
    return { mean, minimum, variance: count > 1 ? squares / (count - 1) : 0 };
  }

  /** The delay that was the `age`th last, 1 for the last. */
  #at(age: number): number {
    return this.#delays[(this.#next - age + LENGTH) % LENGTH]!;
  }

  #forgetAllBut(count: number): void {
    this.#count = count;
    this.#above = 0;
  }
}
