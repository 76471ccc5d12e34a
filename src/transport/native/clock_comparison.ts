import { RealtimeReading } from "./realtime_reading.ts";
import type { SystemCalls } from "./system_calls.ts";

/** Two clocks are compared again, at most so often, unless that took no longer than this. */
const COMPARISONS = 4, PROMPT_NS = 2000;
const UNITS_PER_NANOSECOND = 2 ** 32 / 1e9;
const NTP_UNIX_OFFSET = 2208988800;

/**
 * Brings stamps of the kernel to the clock of the user: by how much that is ahead of the system's. It
 * holds for a moment only, since either may be set or slewed at any time.
 */
export class ClockComparison {
  readonly #clock: { read(into: Uint32Array): void };
  readonly #isSystemTime: boolean;
  readonly #time: RealtimeReading;
  readonly #reading = new Uint32Array(2);
  /** Seconds and fraction. */
  readonly #ahead = new Uint32Array(2);
  #isFresh: boolean;

  /**
   * @param clock the user's
   * @param isSystemTime whether it is the system's itself, with which nothing is to be compared
   */
  constructor(
    calls: SystemCalls,
    clock: { read(into: Uint32Array): void },
    isSystemTime: boolean,
  ) {
    this.#clock = clock;
    this.#isSystemTime = isSystemTime;
    this.#isFresh = isSystemTime;
    this.#time = new RealtimeReading(calls);
  }

  /** What was found holds no longer. */
  expire(): void {
    this.#isFresh = this.#isSystemTime;
  }

  /**
   * Compares the clocks, unless that was done since {@linkcode ClockComparison.expire}: reads one
   * between two readings of the other, again if something else had the processor meanwhile.
   *
   * @throws what the user's clock throws
   */
  refresh(): void {
    if (this.#isFresh) return;
    const reading = this.#reading, ahead = this.#ahead, time = this.#time;
    let shortest = Infinity;
    for (let i = 0; i < COMPARISONS && shortest > PROMPT_NS; i++) {
      time.read();
      const { seconds, nanoseconds } = time;
      this.#clock.read(reading);
      time.read();
      const took = (time.seconds - seconds) * 1e9 + (time.nanoseconds - nanoseconds);
      if (took < 0 || took >= shortest) continue;
      shortest = took;
      const middle = nanoseconds + took / 2, carry = middle >= 1e9 ? 1 : 0;
      ahead[1] = (middle - carry * 1e9) * UNITS_PER_NANOSECOND;
      const borrow = reading[1]! < ahead[1]! ? 1 : 0;
      ahead[1] = reading[1]! - ahead[1]!;
      ahead[0] = reading[0]! - (seconds + carry + NTP_UNIX_OFFSET) - borrow;
    }
    this.#isFresh = true;
  }

  /**
   * Tells what the user's clock showed at a time of the system's.
   *
   * @param seconds Unix time
   * @param nanoseconds of that second
   * @param into written: seconds word, fraction word
   */
  convert(seconds: number, nanoseconds: number, into: Uint32Array): void {
    const ahead = this.#ahead, fraction = ahead[1]!;
    into[1] = nanoseconds * UNITS_PER_NANOSECOND;
    into[0] = seconds + NTP_UNIX_OFFSET + ahead[0]!;
    into[1] = into[1]! + fraction;
    if (into[1]! < fraction) into[0] = into[0]! + 1;
  }
}
