import {
  NTP_UNIX_OFFSET,
  timestampFromWords,
  timestampToUnixNanoseconds,
} from "../packet/timestamp.ts";
import type { Clock, ClockState } from "./clock.ts";
import { checkFunction, completeClockState } from "./clock_state.ts";
import { measurePrecision } from "./precision.ts";
import { systemWallSource, type WallSource } from "./wall_source.ts";

/** Options of {@linkcode SteadyClock}. */
export interface SteadyClockOptions {
  /**
   * Milliseconds on a steady scale, which nothing sets. Default: `performance.now()`, which on Linux
   * stands still while the machine sleeps.
   */
  monotonicMs?: () => number;
  /** Where the clock begins. Default: the best wall clock of the runtime. */
  wall?: WallSource;
}

const WORD = 2 ** 32;

/**
 * A clock that begins at the system's time and then only counts: nobody sets it, so it is right
 * today and wrong by seconds in a week, steadily. What a clock that follows servers corrects.
 *
 * @example It does not follow the system clock
 * ```ts
 * import { SteadyClock } from "@ntps/ntps";
 * import { timestampDifference } from "@ntps/ntps/packet";
 * import { assertEquals } from "@std/assert";
 *
 * let milliseconds = 0;
 * const clock = new SteadyClock({ monotonicMs: () => milliseconds });
 * const begun = clock.now();
 * milliseconds += 1500;
 * assertEquals(timestampDifference(clock.now(), begun), 1.5);
 * ```
 */
export class SteadyClock implements Clock {
  readonly #monotonicMs: () => number;
  readonly #begun: number;
  readonly #unixSeconds: number;
  /** Seconds word and fraction, 0 to below 1, of the time at which it began. */
  readonly #second: number;
  readonly #fraction: number;
  readonly #words = new Uint32Array(2);
  #precision: number | undefined;

  /**
   * Makes a clock that begins at the time of the system.
   *
   * @param options see {@linkcode SteadyClockOptions}
   * @throws {TypeError} if `monotonicMs` is no function
   */
  constructor(options: SteadyClockOptions = {}) {
    checkFunction("monotonicMs", options.monotonicMs);
    this.#monotonicMs = options.monotonicMs ?? (() => performance.now());
    const wall = options.wall ?? systemWallSource();
    this.#unixSeconds = Math.floor(wall.millisecondsSince(0) / 1000) - 1;
    const since = wall.millisecondsSince(this.#unixSeconds) / 1000;
    this.#begun = this.#monotonicMs();
    this.#second = (this.#unixSeconds + NTP_UNIX_OFFSET + Math.floor(since)) % WORD;
    this.#fraction = since - Math.floor(since);
  }

  /** Precision of a reading, log2 of seconds, signed; measured when first asked for. */
  get precision(): number {
    this.#precision ??= measurePrecision((into) => this.read(into), this.#monotonicMs);
    return this.#precision;
  }

  /** The time now: a 64-bit NTP timestamp. */
  now(): bigint {
    this.read(this.#words);
    return timestampFromWords(this.#words[0]!, this.#words[1]!);
  }

  /**
   * The time now, without allocation.
   *
   * @param into written: seconds word, fraction word
   */
  read(into: Uint32Array): void {
    const seconds = (this.#monotonicMs() - this.#begun) / 1000 + this.#fraction;
    const whole = Math.floor(seconds);
    into[0] = this.#second + whole;
    into[1] = (seconds - whole) * WORD;
  }

  /** The time now in Unix nanoseconds, of whatever era. */
  unixNanoseconds(): bigint {
    const pivot = BigInt(Math.floor(this.#unixSeconds)) * 1_000_000_000n;
    return timestampToUnixNanoseconds(this.now(), pivot);
  }

  /** What is known of it: that it follows nobody. */
  state(): ClockState {
    return completeClockState({ synchronized: false }, this.now(), 3);
  }
}
