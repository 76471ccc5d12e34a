/**
 * For tests of code that tells time or waits: a clock and timers that move only when told to.
 *
 * @example A timeout of five seconds, tested in none
 * ```ts
 * import { VirtualTime } from "@ntps/ntps/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const time = new VirtualTime();
 * const timeout = new Promise<string>((resolve) => time.after(5000, () => resolve("late")));
 * assertEquals(await time.runUntil(timeout), "late");
 * assertEquals(time.elapsedMs, 5000);
 * ```
 *
 * @module
 */

export type { Clock, ClockState } from "../clock/clock.ts";
export type { Timers } from "../clock/timers.ts";
export type { LeapIndicator } from "../packet/leap_indicator.ts";
export { ClockErrors, type ClockErrorSpan, type ClockErrorStatistics } from "./clock_errors.ts";
export { Oscillator, type OscillatorOptions } from "./oscillator.ts";
export { RandomStream } from "./random_stream.ts";
export { VirtualTime, type VirtualTimeOptions } from "./virtual_time.ts";
