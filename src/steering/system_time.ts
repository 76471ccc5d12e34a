import { NTPError } from "../packet/error.ts";
import { timestampFromUnixNanoseconds } from "../packet/timestamp.ts";
import { type KernelCalls, openKernelCalls } from "./kernel_calls.ts";
import type { Adjustment, SteerableClock, SteeringState } from "./steerable_clock.ts";
import {
  ADJ_ESTERROR,
  ADJ_FREQUENCY,
  ADJ_MAXERROR,
  ADJ_NANO,
  ADJ_SETOFFSET,
  ADJ_STATUS,
  FREQUENCY_UNIT,
  MAX_FREQUENCY,
  NOMINAL_TICK,
  STA_DEL,
  STA_INS,
  STA_PLL,
  STA_UNSYNC,
  TIMEX,
} from "./timex.ts";

/** Linux's clocks: that of day; the hardware's, which no steering touches; that of all time since the start. */
const CLOCK_REALTIME = 0, CLOCK_MONOTONIC_RAW = 4, CLOCK_BOOTTIME = 7;
const EPERM = 1;
const NANOSECONDS = 1_000_000_000n;

/** Options of {@linkcode SystemTime}. */
export interface SystemTimeOptions {
  /** Refuse every change. Default false. */
  readOnly?: boolean;
}

/**
 * The system clock of Linux, to be steered (man 2 clock_adjtime).
 *
 * @example How it is being steered now
 * ```ts
 * import { openSystemTime } from "@ntps/ntps/steering";
 *
 * try {
 *   const system = await openSystemTime({ readOnly: true });
 *   console.log(`${(system.state().frequency * 1e6).toFixed(3)} ppm`);
 * } catch (error) {
 *   console.log(`${error}`); // no Linux, or no foreign functions
 * }
 * ```
 */
export class SystemTime implements SteerableClock {
  readonly #calls: KernelCalls;
  readonly #readOnly: boolean;
  readonly #timex = new DataView(new ArrayBuffer(TIMEX.size));
  readonly #timespec = new DataView(new ArrayBuffer(16));

  /**
   * Makes it; {@linkcode openSystemTime} does so for this machine.
   *
   * @param calls of this machine, or of a test
   * @param options see {@linkcode SystemTimeOptions}
   *
   * @example Of a kernel that is none
   * ```ts
   * import { SystemTime } from "@ntps/ntps/steering";
   *
   * const calls = { clock_gettime: () => 0, clock_adjtime: () => 0, pointer: () => 0, errno: () => 0 };
   * console.log(new SystemTime(calls as never).state().frequency); // 0
   * ```
   */
  constructor(calls: KernelCalls, { readOnly = false }: SystemTimeOptions = {}) {
    this.#calls = calls;
    this.#readOnly = readOnly;
  }

  /** Its time: an NTP timestamp. */
  now(): bigint {
    return timestampFromUnixNanoseconds(this.#nanoseconds(CLOCK_REALTIME));
  }

  /** Milliseconds of the hardware, from no origin in particular: nothing steers or sets them. */
  rawMs(): number {
    return Number(this.#nanoseconds(CLOCK_MONOTONIC_RAW)) / 1e6;
  }

  /** Milliseconds since the machine has started, with those that it slept. Slewed, and never set. */
  bootMs(): number {
    return Number(this.#nanoseconds(CLOCK_BOOTTIME)) / 1e6;
  }

  /** How it is being steered. Changes nothing, and needs no privileges. */
  state(): SteeringState {
    const timex = this.#timex;
    this.#adjtime(0);
    const status = timex.getInt32(TIMEX.status, true);
    const tick = timex.getBigInt64(TIMEX.tick, true);
    return {
      frequency: Number(timex.getBigInt64(TIMEX.frequency, true)) * FREQUENCY_UNIT,
      tickFrequency: tick === 0n ? 0 : Number(tick - NOMINAL_TICK) / Number(NOMINAL_TICK),
      synchronized: (status & STA_UNSYNC) === 0,
      kernelLoop: (status & STA_PLL) !== 0,
      maxError: Number(timex.getBigInt64(TIMEX.maxError, true)) / 1e6,
    };
  }

  /**
   * Changes it: the steps first.
   *
   * @param adjustment what to change
   * @throws {RangeError} if `frequency` is more than the kernel takes, or another is no number
   * @throws {NTPError} `permission` without CAP_SYS_TIME; `closed` if it is read only; `system`
   */
  adjust(adjustment: Adjustment): void {
    const { frequency, step, maxError, estimatedError, leapIndicator } = adjustment;
    if (this.#readOnly) {
      throw new NTPError(
        "closed",
        "The system clock was opened to be read only: nothing is changed",
      );
    }
    if (frequency !== undefined && !(Math.abs(frequency) <= MAX_FREQUENCY)) {
      throw new RangeError(`frequency lies from -0.0005 to 0.0005 s/s, not ${frequency}`);
    }
    for (const [name, value] of Object.entries({ step, maxError, estimatedError })) {
      if (
        value !== undefined && !Number.isFinite(value) && (name === "step" || value !== Infinity)
      ) {
        throw new RangeError(`${name} is a number of seconds, not ${value}`);
      }
    }
    const timex = this.#timex;
    if (step !== undefined) {
      const nanoseconds = BigInt(Math.round(step * 1e9));
      // The part below a second is never negative.
      const fraction = ((nanoseconds % NANOSECONDS) + NANOSECONDS) % NANOSECONDS;
      timex.setBigInt64(TIMEX.seconds, (nanoseconds - fraction) / NANOSECONDS, true);
      timex.setBigInt64(TIMEX.nanoseconds, fraction, true);
      this.#adjtime(ADJ_SETOFFSET | ADJ_NANO);
    }
    let modes = 0;
    if (frequency !== undefined) {
      modes |= ADJ_FREQUENCY;
      timex.setBigInt64(TIMEX.frequency, BigInt(Math.round(frequency / FREQUENCY_UNIT)), true);
    }
    if (maxError !== undefined) {
      modes |= ADJ_MAXERROR;
      timex.setBigInt64(TIMEX.maxError, microseconds(maxError), true);
    }
    if (estimatedError !== undefined) {
      modes |= ADJ_ESTERROR;
      timex.setBigInt64(TIMEX.estimatedError, microseconds(estimatedError), true);
    }
    if (leapIndicator !== undefined) {
      modes |= ADJ_STATUS;
      timex.setInt32(TIMEX.status, [0, STA_INS, STA_DEL, STA_UNSYNC][leapIndicator]!, true);
    }
    if (modes !== 0) this.#adjtime(modes);
  }

  #adjtime(modes: number): void {
    this.#timex.setUint32(TIMEX.modes, modes, true);
    const { buffer } = this.#timex;
    if (this.#calls.clock_adjtime(CLOCK_REALTIME, this.#calls.pointer(buffer)) >= 0) return;
    const errno = this.#calls.errno();
    throw errno === EPERM
      ? new NTPError(
        "permission",
        "Steering the system clock needs CAP_SYS_TIME: run as root on the host itself",
      )
      : new NTPError("system", `clock_adjtime: error ${errno}`);
  }

  #nanoseconds(clock: number): bigint {
    this.#calls.clock_gettime(clock, this.#calls.pointer(this.#timespec.buffer));
    const seconds = this.#timespec.getBigInt64(0, true);
    return seconds * NANOSECONDS + this.#timespec.getBigInt64(8, true);
  }
}

/** Whole ones, rounded up, as many as fit. */
function microseconds(seconds: number): bigint {
  return BigInt(Math.ceil(Math.min(seconds, 16) * 1e6));
}

/**
 * The system clock of this machine.
 *
 * @param options see {@linkcode SystemTimeOptions}
 * @throws {NTPError} `unsupported` without Linux or foreign functions (on Deno `--allow-ffi`)
 *
 * @example To look at
 * ```ts
 * import { openSystemTime } from "@ntps/ntps/steering";
 *
 * const system = await openSystemTime({ readOnly: true }).catch(() => undefined);
 * console.log(system?.state().synchronized);
 * ```
 */
export async function openSystemTime(options: SystemTimeOptions = {}): Promise<SystemTime> {
  return new SystemTime(await openKernelCalls(), options);
}
