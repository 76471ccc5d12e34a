import type { Clock } from "../clock/clock.ts";
import { timestampDifference } from "../packet/timestamp.ts";

/** Two clocks that differ by so many seconds more than before: one of them was set, or slept. */
const JUMP = 1;

/**
 * Holds a raw clock to another one, which goes on while the machine sleeps: most steady clocks stand
 * still then, and nothing else tells.
 */
export class ClockWatch {
  readonly #clock: Clock;
  readonly #wallMs: () => number;
  #time: bigint;
  #wall: number;

  /**
   * Begins to watch.
   *
   * @param clock the raw clock
   * @param wallMs the other one, in milliseconds since whenever, such as `Date.now`
   */
  constructor(clock: Clock, wallMs: () => number) {
    this.#clock = clock;
    this.#wallMs = wallMs;
    this.#time = clock.now();
    this.#wall = wallMs();
  }

  /** Whether either clock has jumped against the other since the last look. */
  jumped(): boolean {
    const time = this.#clock.now(), wall = this.#wallMs();
    const went = timestampDifference(time, this.#time);
    const wallWent = (wall - this.#wall) / 1000;
    this.#time = time;
    this.#wall = wall;
    return Math.abs(went - wallWent) > JUMP;
  }
}
