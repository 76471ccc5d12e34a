import type { Clock, ClockState } from "../clock/clock.ts";
import { systemTimers, type Timers } from "../clock/timers.ts";
import { abortedError } from "../transport/aborted_error.ts";
import { NTPError } from "../packet/error.ts";
import type { LeapIndicator } from "../packet/leap_indicator.ts";
import {
  addSeconds,
  timestampDifference,
  timestampFromWords,
  timestampToDate,
  timestampToUnixNanoseconds,
} from "../packet/timestamp.ts";
import type { ClockCore } from "./clock_core.ts";

/** Between which times the true time lies. */
export interface TimeBounds {
  /** The true time is not before this NTP timestamp. */
  readonly earliest: bigint;
  /** The true time is not after this NTP timestamp. */
  readonly latest: bigint;
}

/** Longest wait between two looks at the clock, in milliseconds: runtimes' timers hold no more than 2^31. */
const LONGEST_WAIT = 3_600_000;

/**
 * A clock that follows others, which a {@linkcode SyncEngine} keeps right. It is a raw clock plus
 * corrections, so nothing else on the machine changes.
 *
 * Once started it never runs backwards, unless the user asked for steps: it slews.
 *
 * @example The time, and how wrong it may be
 * ```ts
 * import { NTPServer, NTPSync } from "@ntps/ntps";
 * import { assert } from "@std/assert";
 *
 * const server = new NTPServer({ refid: "LOCL", stratum: 1 });
 * const { hostname, port } = await server.listen({ hostname: "127.0.0.1", port: 0 });
 *
 * const sync = await NTPSync.start({ servers: [{ hostname, port }] });
 * const { earliest, latest } = sync.clock.bounds();
 * assert(earliest <= latest);
 * await sync.close();
 * await server.close();
 * ```
 */
export class DisciplinedClock implements Clock {
  /** Precision of a reading, log2 of seconds, signed: that of the raw clock. */
  readonly precision: number;
  readonly #core: ClockCore;
  readonly #timers: Timers;
  readonly #leapIndicator: () => LeapIndicator;
  readonly #words = new Uint32Array(2);

  /**
   * Makes a clock around its mechanics. An engine does it.
   *
   * @param core the mechanics
   * @param leapIndicator what to announce
   * @param timers how to wait
   */
  constructor(core: ClockCore, leapIndicator: () => LeapIndicator, timers: Timers = systemTimers) {
    this.#core = core;
    this.#leapIndicator = leapIndicator;
    this.#timers = timers;
    this.precision = core.raw.precision;
  }

  /** Whether it has been set by its sources. Before, it tells the raw clock's time. */
  get started(): boolean {
    return this.#core.discipline.started;
  }

  /** How much faster than the raw clock it runs now, in seconds per second. */
  get frequency(): number {
    return this.#core.discipline.rateAt(this.#core.seconds());
  }

  /** The time now: a 64-bit NTP timestamp. */
  now(): bigint {
    this.#core.read(this.#words);
    return timestampFromWords(this.#words[0]!, this.#words[1]!);
  }

  /**
   * The time now, without allocation.
   *
   * @param into written: seconds word, fraction word
   */
  read(into: Uint32Array): void {
    this.#core.read(into);
  }

  /** The time now in Unix nanoseconds, in the era nearest to that of the raw clock. */
  unixNanoseconds(): bigint {
    return timestampToUnixNanoseconds(this.now(), this.#core.raw.unixNanoseconds?.());
  }

  /** The time now as a `Date`, rounded down to the millisecond. */
  date(): Date {
    return timestampToDate(this.now(), this.#core.raw.unixNanoseconds?.());
  }

  /** What is known of the clock besides the time: what a server on it announces. */
  state(): ClockState {
    return this.#core.state(this.started ? this.#leapIndicator() : 3);
  }

  /**
   * Between which times the true time lies: half of the delay to the primary references, their
   * dispersion, and what the clock may have drifted since it was last compared. It holds if a majority
   * of the sources tells the truth, and contains `now()`.
   *
   * @throws {NTPError} `unsynchronized` before the clock has started
   */
  bounds(): TimeBounds {
    const errors = this.#core.errors();
    if (errors === undefined) {
      throw new NTPError(
        "unsynchronized",
        "The clock has not been set yet, so nothing is known of its error: wait for NTPSync.start()",
      );
    }
    const now = this.now();
    return {
      earliest: addSeconds(now, errors.least),
      latest: addSeconds(now, errors.most),
    };
  }

  /**
   * Largest error of the time now, in seconds; Infinity before the clock has started. See
   * {@linkcode DisciplinedClock.bounds}.
   */
  get maxError(): number {
    const errors = this.#core.errors();
    return errors === undefined ? Infinity : Math.max(-errors.least, errors.most);
  }

  /**
   * Waits until this clock shows some time, or the true time is certainly past it.
   *
   * @param timestamp an NTP timestamp; of the past, this returns at once
   * @param options `certainly`: wait until `bounds().earliest` is past it, so that no right clock
   * anywhere is before it (default false); `signal`: gives up
   * @throws {NTPError} `aborted`; `unsynchronized` if `certainly` and the clock has not started
   */
  async sleepUntil(
    timestamp: bigint,
    options: { certainly?: boolean; signal?: AbortSignal } = {},
  ): Promise<void> {
    const { certainly = false, signal } = options;
    for (;;) {
      if (signal?.aborted) throw abortedError("waiting for a time", signal);
      const shown = certainly ? this.bounds().earliest : this.now();
      const left = timestampDifference(timestamp, shown) * 1000;
      if (left <= 0) return;
      // A timer may fire a little early; less than a millisecond is waited for as one.
      await this.#wait(Math.min(Math.max(1, Math.ceil(left)), LONGEST_WAIT), signal);
    }
  }

  /**
   * Tells of steps: the clock was set instead of slewed, when it started and where the user permits
   * it later.
   *
   * @param callback called with the seconds that the clock was set by
   * @returns a function that ends it
   */
  onStep(callback: (seconds: number) => void): () => void {
    this.#core.stepListeners.add(callback);
    return () => void this.#core.stepListeners.delete(callback);
  }

  #wait(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const cancel = this.#timers.after(milliseconds, done);
      signal?.addEventListener("abort", done);
    });
  }
}
