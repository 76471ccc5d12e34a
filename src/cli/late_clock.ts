import type { Clock, ClockState } from "../clock/clock.ts";
import { timestampToUnixNanoseconds } from "../packet/timestamp.ts";

/**
 * A clock for a server that listens before its time is known: another clock's time, which is called
 * unsynchronised, until the right one is there.
 */
export class LateClock implements Clock {
  readonly #before: Clock;
  #now: Clock;

  /**
   * Makes it.
   *
   * @param before tells the time for now
   */
  constructor(before: Clock) {
    this.#before = this.#now = before;
  }

  /** Goes on with the right clock. */
  become(clock: Clock): void {
    this.#now = clock;
  }

  /** Precision of a reading, log2 of seconds. */
  get precision(): number {
    return this.#now.precision;
  }

  /** The time now: an NTP timestamp. */
  now(): bigint {
    return this.#now.now();
  }

  /** The time now, without allocation. */
  read(into: Uint32Array): void {
    this.#now.read(into);
  }

  /** Not synchronised until the right clock is there. */
  state(): ClockState {
    const state = this.#now.state();
    if (this.#now !== this.#before) return state;
    return { ...state, synchronized: false, leapIndicator: 3 };
  }

  /** The time now in Unix nanoseconds. */
  unixNanoseconds(): bigint {
    return timestampToUnixNanoseconds(this.now(), this.#now.unixNanoseconds?.());
  }
}
