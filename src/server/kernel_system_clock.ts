import type { Clock, ClockState } from "../clock/clock.ts";
import { measurePrecision } from "../clock/precision.ts";
import type { SystemClock } from "../clock/system_clock.ts";
import { loadFfi } from "../transport/native/ffi/load_ffi.ts";
import { KernelClock } from "../transport/native/kernel_clock.ts";
import { openSystemCalls, type SystemCalls } from "../transport/native/system_calls.ts";

/** A system clock whose time is asked of the kernel: finer, cheaper, and never behind a step. */
export class KernelSystemClock extends KernelClock implements Clock {
  readonly precision: number;
  readonly #system: SystemClock;

  /**
   * @param calls of this machine
   * @param system knows what there is besides the time
   */
  constructor(calls: SystemCalls, system: SystemClock) {
    super(calls);
    this.#system = system;
    this.precision = measurePrecision((into) => this.read(into));
  }

  /** What is known of the clock besides the time. */
  state(): ClockState {
    return this.#system.state();
  }

  /** The time now in Unix nanoseconds, of whatever era. */
  unixNanoseconds(): bigint {
    return this.#system.unixNanoseconds();
  }
}

/**
 * The clock of the system as native sockets can tell it best.
 *
 * @param system the one to be replaced
 * @returns undefined where there are no foreign functions
 */
export async function kernelSystemClock(
  system: SystemClock,
): Promise<KernelSystemClock | undefined> {
  const { ffi } = await loadFfi();
  return ffi && new KernelSystemClock(openSystemCalls(ffi), system);
}
