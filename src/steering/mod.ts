/**
 * Steering of the operating system's clock by one that is right. Linux, through foreign functions (on
 * Deno `--allow-ffi`); to change anything CAP_SYS_TIME is needed.
 *
 * @example How the system clock is being steered
 * ```ts
 * import { openSystemTime } from "@ntps/ntps/steering";
 *
 * const system = await openSystemTime({ readOnly: true }).catch(() => undefined);
 * console.log(system?.state());
 * ```
 *
 * @module
 */

export { maySetTime } from "./capability.ts";
export {
  ClockSteering,
  type ClockSteeringOptions,
  type SteeringAction,
  type SteeringReference,
} from "./clock_steering.ts";
export type { KernelCalls } from "./kernel_calls.ts";
export type { Adjustment, SteerableClock, SteeringState } from "./steerable_clock.ts";
export { openSystemTime, SystemTime, type SystemTimeOptions } from "./system_time.ts";
