import { timestampFromUnixNanoseconds } from "../packet/timestamp.ts";
import type { DeviceCalls } from "./device_calls.ts";
import { DeviceClock, type DeviceClockOptions, type DeviceWorld } from "./device_clock.ts";
import { checkUnit, ShmMemory } from "./shm_memory.ts";

/** Options of {@linkcode ShmClock}. */
export interface ShmClockOptions extends DeviceClockOptions {
  /** Which segment, 0 to 255. Default 0. gpsd writes 0 and 1 as root, 2 and up otherwise. */
  unit?: number;
}

/** Largest error of what a writer tells, in seconds: whatever its precision, at least and at most. */
const LEAST_ERROR = 1e-3, GREATEST_ERROR = 0.2;

/**
 * A segment of shared memory that another program writes its time to, as gpsd does for ntpd and
 * chronyd. Linux, through foreign functions (on Deno `--allow-ffi`).
 *
 * @example gpsd's pulse per second
 * ```ts ignore
 * import { NTPSync } from "@ntps/ntps";
 * import { ShmClock } from "@ntps/ntps/reference";
 *
 * const sync = await NTPSync.start({ inputs: [new ShmClock({ unit: 1, refid: "PPS" })] });
 * ```
 */
export class ShmClock extends DeviceClock {
  readonly #unit: number;
  readonly #givenError: number | undefined;
  #memory: ShmMemory | undefined;

  /**
   * Makes it; it does nothing yet.
   *
   * @param options see {@linkcode ShmClockOptions}; `refid` is `"SHM"`, `intervalMs` 100 unless told
   * otherwise; `maxError` is what the writer tells as its precision, 1 ms to 0.2 s
   * @param world instead of the machine, for tests
   * @throws {TypeError} if an option has the wrong type
   * @throws {RangeError} if an option is out of range
   */
  constructor(options: ShmClockOptions = {}, world?: DeviceWorld) {
    super(options, { refid: "SHM", maxError: LEAST_ERROR, intervalMs: 100 }, world);
    this.#unit = options.unit ?? 0;
    checkUnit(this.#unit);
    this.#givenError = options.maxError;
  }

  /** How people call it. */
  protected override get name(): string {
    return `SHM(${this.#unit})`;
  }

  /** Opens the device. */
  protected override attach(calls: DeviceCalls): void {
    this.#memory = new ShmMemory(calls, this.#unit);
    // What lies there may be from yesterday.
    this.#memory.segment.take();
  }

  /** Looks at the device. */
  protected override look(): void {
    const found = this.#memory!.segment.take();
    if (found === "nothing new") return;
    if (typeof found === "string") return this.reject(found);
    if (found.leapIndicator === 3) return this.unlock("its writer has no time");
    const { clock, receive, leapIndicator, precision } = found;
    const maxError = this.#givenError ?? errorOf(precision);
    const more = { leapIndicator, maxError };
    this.reading(timestampFromUnixNanoseconds(clock), this.rawAt(receive), more);
  }

  /** Closes the device. */
  protected override detach(calls: DeviceCalls): void {
    this.#memory?.detach(calls);
    this.#memory = undefined;
  }
}

/** gpsd tells -1 without pulses, of time that comes with messages; 0 is what was never set. */
function errorOf(precision: number): number {
  if (precision >= 0) return LEAST_ERROR;
  return Math.min(GREATEST_ERROR, Math.max(LEAST_ERROR, 2 ** precision));
}
