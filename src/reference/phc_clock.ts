import { NTPError } from "../packet/error.ts";
import { timestampFromUnixNanoseconds } from "../packet/timestamp.ts";
import { cString, type Pointer } from "../transport/native/ffi/ffi.ts";
import { type DeviceCalls, deviceError } from "./device_calls.ts";
import { DeviceClock, type DeviceClockOptions, type DeviceWorld } from "./device_clock.ts";

/** Options of {@linkcode PhcClock}. */
export interface PhcClockOptions extends DeviceClockOptions {
  /** The device. Default `"/dev/ptp0"`. */
  path?: string;
  /**
   * Seconds that the clock is ahead of UTC, a whole number. Default 37: PTP's clocks keep TAI. 0 for
   * those of virtual machines, which keep UTC.
   */
  utcOffset?: number;
}

/** Of so many readings the quickest is taken. */
const ATTEMPTS = 5;
const CLOCK_REALTIME = 0;
/** Size of a `timespec`. */
const TIMESPEC = 16;

/**
 * The clock of a network card, or of the host of a virtual machine (`/dev/ptp*`). Linux, through
 * foreign functions (on Deno `--allow-ffi`).
 *
 * @example The host's clock, in a virtual machine with ptp_kvm
 * ```ts ignore
 * import { NTPSync } from "@ntps/ntps";
 * import { PhcClock } from "@ntps/ntps/reference";
 *
 * const host = new PhcClock({ path: "/dev/ptp0", utcOffset: 0, refid: "KVM" });
 * const sync = await NTPSync.start({ inputs: [host] });
 * ```
 */
export class PhcClock extends DeviceClock {
  readonly #path: string;
  readonly #utcOffset: bigint;
  readonly #buffer = new ArrayBuffer(3 * TIMESPEC);
  readonly #view = new DataView(this.#buffer);
  #pointers: Pointer[] = [];
  #descriptor = -1;

  /**
   * Makes it; it does nothing yet.
   *
   * @param options see {@linkcode PhcClockOptions}; `refid` is `"PHC"`, `maxError` 1 µs and
   * `intervalMs` 1000 unless told otherwise
   * @param world instead of the machine, for tests
   * @throws {TypeError} if an option has the wrong type
   * @throws {RangeError} if an option is out of range
   */
  constructor(options: PhcClockOptions = {}, world?: DeviceWorld) {
    super(options, { refid: "PHC", maxError: 1e-6, intervalMs: 1000 }, world);
    const { path = "/dev/ptp0", utcOffset = 37 } = options;
    if (typeof path !== "string") throw new TypeError(`path is a string, not ${String(path)}`);
    if (typeof utcOffset !== "number") {
      throw new TypeError(`utcOffset is a number, not ${typeof utcOffset}: ${String(utcOffset)}`);
    }
    if (!Number.isInteger(utcOffset)) {
      throw new RangeError(`utcOffset is a whole number of seconds, not ${utcOffset}`);
    }
    this.#path = path;
    this.#utcOffset = BigInt(utcOffset) * 1_000_000_000n;
  }

  /** How people call it. */
  protected override get name(): string {
    return `PHC(${this.#path})`;
  }

  /** Opens the device. */
  protected override attach(calls: DeviceCalls): void {
    const path = cString(this.#path);
    this.#descriptor = calls.open(calls.pointer(path.buffer), 0);
    if (this.#descriptor < 0) throw deviceError(this.#path, calls.errno());
    this.#pointers = [0, 1, 2].map((index) => calls.pointer(this.#buffer, index * TIMESPEC));
  }

  /** Looks at the device. */
  protected override look(calls: DeviceCalls): void {
    // A descriptor as a clock: its complement, shifted (man clock_gettime(2), "dynamic clocks").
    const id = (~this.#descriptor << 3) | 3;
    const [before, between, after] = this.#pointers as [Pointer, Pointer, Pointer];
    let shortest: bigint | undefined, clock = 0n, system = 0n;
    for (let i = 0; i < ATTEMPTS; i++) {
      calls.clock_gettime(CLOCK_REALTIME, before);
      if (calls.clock_gettime(id, between) < 0) throw deviceError(this.#path, calls.errno());
      calls.clock_gettime(CLOCK_REALTIME, after);
      const begun = this.#time(0), took = this.#time(2) - begun;
      if (took < 0n || shortest !== undefined && took >= shortest) continue;
      shortest = took;
      clock = this.#time(1);
      system = begun + took / 2n;
    }
    if (shortest === undefined) {
      throw new NTPError("system", `${this.#path}: the system's clock was set while it was read`);
    }
    const utc = timestampFromUnixNanoseconds(clock - this.#utcOffset);
    this.reading(utc, this.rawAt(system));
  }

  /** Closes the device. */
  protected override detach(calls: DeviceCalls): void {
    calls.close(this.#descriptor);
    this.#descriptor = -1;
  }

  #time(index: number): bigint {
    const at = index * TIMESPEC;
    return this.#view.getBigInt64(at, true) * 1_000_000_000n + this.#view.getBigInt64(at + 8, true);
  }
}
