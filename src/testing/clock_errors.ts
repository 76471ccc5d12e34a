/** What {@linkcode ClockErrors} says of a span of time. Times are seconds. */
export interface ClockErrorStatistics {
  /** How many instants were looked at. */
  readonly count: number;
  /** Root mean square of the time error. */
  readonly rmsTime: number;
  /** Mean of the time error: a bias. */
  readonly meanTime: number;
  /** Largest absolute time error. */
  readonly maxTime: number;
  /** Absolute time error that half of the instants do not exceed; and 95 %, and 99 %, of them. */
  readonly medianTime: number;
  /** See `medianTime`. */
  readonly p95Time: number;
  /** See `medianTime`. */
  readonly p99Time: number;
  /** Root mean square of the frequency error, in seconds per second. */
  readonly rmsFrequency: number;
  /** Largest absolute frequency error, in seconds per second. */
  readonly maxFrequency: number;
  /**
   * Last instant of all, not only of the span, at which the absolute time error was above
   * `threshold`; -Infinity if it never was, Infinity if it still was at the end.
   */
  readonly converged: number;
}

/** Which part of what was recorded {@linkcode ClockErrors.statistics} is about. */
export interface ClockErrorSpan {
  /** First instant, in seconds since the start. Default: the first recorded. */
  from?: number;
  /** Last instant. Default: the last recorded. */
  until?: number;
  /** Absolute time error that a clock has converged below, in seconds. Default 0.001. */
  threshold?: number;
}

/**
 * The errors of a clock at many instants, and their statistics.
 *
 * @example Three instants
 * ```ts
 * import { ClockErrors } from "@ntps/ntps/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const errors = new ClockErrors();
 * errors.add(0, 0.1, 0);
 * errors.add(1, 0.003, 0);
 * errors.add(2, -0.004, 0);
 * assertEquals(errors.statistics({ from: 1 }).maxTime, 0.004);
 * assertEquals(errors.statistics({ threshold: 0.01 }).converged, 0);
 * ```
 */
export class ClockErrors {
  #values: Float64Array;
  #count = 0;

  /**
   * Makes an empty record.
   *
   * @param options `capacity`: for how many instants there is room at first; it grows by itself
   */
  constructor({ capacity = 1024 }: { capacity?: number } = {}) {
    this.#values = new Float64Array(3 * Math.max(1, capacity));
  }

  /** How many instants were recorded. */
  get count(): number {
    return this.#count;
  }

  /**
   * Records an instant.
   *
   * @param at true time, in seconds since the start; not before the last one
   * @param time time error: clock less true time, in seconds
   * @param frequency frequency error: rate of the clock less 1, in seconds per second
   */
  add(at: number, time: number, frequency: number): void {
    const index = 3 * this.#count++;
    if (index === this.#values.length) {
      const grown = new Float64Array(2 * index);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[index] = at;
    this.#values[index + 1] = time;
    this.#values[index + 2] = frequency;
  }

  /** All instants in order. */
  *[Symbol.iterator](): Generator<{ at: number; time: number; frequency: number }> {
    for (let i = 0; i < this.#count; i++) {
      const [at, time, frequency] = this.#values.subarray(3 * i, 3 * i + 3);
      yield { at: at!, time: time!, frequency: frequency! };
    }
  }

  /**
   * Statistics of a span.
   *
   * @param span see {@linkcode ClockErrorSpan}
   * @throws {RangeError} if nothing was recorded in the span
   */
  statistics(span: ClockErrorSpan = {}): ClockErrorStatistics {
    const { from = -Infinity, until = Infinity, threshold = 0.001 } = span;
    const values = this.#values, end = 3 * this.#count;
    const sizes = new Float64Array(this.#count);
    let count = 0, converged = -Infinity, sum = 0, squares = 0, frequencySquares = 0, most = 0;
    for (let i = 0; i < end; i += 3) {
      const at = values[i]!, time = values[i + 1]!, size = Math.abs(time);
      if (!(size <= threshold)) converged = i + 3 === end ? Infinity : at;
      if (at < from || at > until) continue;
      const frequency = values[i + 2]!;
      sum += time;
      squares += time * time;
      frequencySquares += frequency * frequency;
      most = Math.max(most, Math.abs(frequency));
      sizes[count++] = size;
    }
    if (count === 0) throw new RangeError(`Nothing was recorded from ${from} until ${until} s`);
    const sorted = sizes.subarray(0, count).sort();
    const part = (share: number) => sorted[Math.min(count - 1, Math.floor(share * count))]!;
    return {
      count,
      rmsTime: Math.sqrt(squares / count),
      meanTime: sum / count,
      maxTime: sorted[count - 1]!,
      medianTime: part(0.5),
      p95Time: part(0.95),
      p99Time: part(0.99),
      rmsFrequency: Math.sqrt(frequencySquares / count),
      maxFrequency: most,
      converged,
    };
  }
}
