import { KernelClock } from "../transport/native/kernel_clock.ts";
import { SystemClock } from "../clock/system_clock.ts";
import { timestampFromUnixNanoseconds } from "../packet/timestamp.ts";
import type { SyncSink } from "../sync/sync_input.ts";
import { clockDifference } from "./clock_difference.ts";
import { type DeviceCalls, openDeviceCalls } from "./device_calls.ts";
import { ReferenceClock, type ReferenceClockOptions } from "./reference_clock.ts";

/** Options of clocks that are devices of this machine. */
export interface DeviceClockOptions extends ReferenceClockOptions {
  /** How often the device is looked at, in milliseconds, 1 to 60000. Default: depends on the device. */
  intervalMs?: number;
}

/** What tests put in the place of the machine. */
export interface DeviceWorld {
  /** The system calls. */
  readonly calls: DeviceCalls;
  /** The system's clock, which devices stamp with. */
  readonly system: { now(): bigint };
}

/** How long to wait before a device that failed is tried again: at first, and at most, in milliseconds. */
const FIRST_RETRY = 1000, LAST_RETRY = 60_000;

/**
 * A reference clock that is a device of this machine, looked at again and again. A device that is not
 * there yet, or goes away, is tried again.
 */
export abstract class DeviceClock extends ReferenceClock {
  readonly #intervalMs: number;
  readonly #given: DeviceWorld | undefined;
  #world: DeviceWorld | undefined;
  #sink: SyncSink | undefined;
  #cancel = (): void => {};
  #attached = false;
  #retry = FIRST_RETRY;

  /**
   * Makes it; it does nothing yet.
   *
   * @param options of the user
   * @param defaults of this kind of device
   * @param world what to use instead of the machine
   */
  constructor(
    options: DeviceClockOptions,
    defaults: { readonly refid: string; readonly maxError: number; readonly intervalMs: number },
    world?: DeviceWorld,
  ) {
    super(options, defaults);
    const { intervalMs = defaults.intervalMs } = options;
    if (typeof intervalMs !== "number") {
      throw new TypeError(`intervalMs is a number, not ${typeof intervalMs}: ${intervalMs}`);
    }
    if (!(intervalMs >= 1 && intervalMs <= 60_000)) {
      throw new RangeError(`intervalMs is from 1 to 60000, not ${intervalMs}`);
    }
    this.#intervalMs = intervalMs;
    this.#given = world;
  }

  /** Begins to read it. */
  protected override open(sink: SyncSink): void {
    this.#sink = sink;
    this.#retry = FIRST_RETRY;
    void this.#begin(sink);
  }

  /** Closes it. */
  protected override release(): void {
    this.#sink = undefined;
    this.#cancel();
    this.#detach();
  }

  /**
   * Opens the device.
   *
   * @throws {NTPError} why it cannot be opened
   */
  protected abstract attach(calls: DeviceCalls): void;

  /** Looks at the device. */
  protected abstract look(calls: DeviceCalls): void;

  /** Closes the device. */
  protected abstract detach(calls: DeviceCalls): void;

  /**
   * What the raw clock showed when the system's clock showed something, not long ago.
   *
   * @param unixNanoseconds of the system's clock
   */
  protected rawAt(unixNanoseconds: bigint): bigint {
    const ahead = clockDifference(this.raw, this.#world!.system);
    return BigInt.asUintN(64, timestampFromUnixNanoseconds(unixNanoseconds) + ahead);
  }

  /** The disciplined clock, for devices that know only part of the time. */
  protected get disciplined(): SyncSink["disciplined"] {
    return this.#sink!.disciplined;
  }

  /** The raw clock. */
  protected get raw(): SyncSink["clock"] {
    return this.#sink!.clock;
  }

  async #begin(sink: SyncSink): Promise<void> {
    try {
      this.#world ??= this.#given ?? {
        calls: await openDeviceCalls(),
        system: await KernelClock.open() ?? new SystemClock(),
      };
      if (this.#sink !== sink) return; // closed meanwhile
      this.attach(this.#world.calls);
      this.#attached = true;
      this.#retry = FIRST_RETRY;
      this.#look(sink);
    } catch (error) {
      this.#failed(error, sink);
    }
  }

  #look(sink: SyncSink): void {
    try {
      this.look(this.#world!.calls);
    } catch (error) {
      return this.#failed(error, sink);
    }
    // Whoever was told of the reading may have closed the clock.
    if (this.#sink !== sink) return;
    this.#cancel = sink.timers.after(this.#intervalMs, () => this.#look(sink));
  }

  #failed(error: unknown, sink: SyncSink): void {
    if (this.#sink !== sink) return;
    this.#detach();
    this.unlock(error instanceof Error ? error.message : String(error));
    if (this.#sink !== sink) return;
    this.#cancel = sink.timers.after(this.#retry, () => void this.#begin(sink));
    this.#retry = Math.min(2 * this.#retry, LAST_RETRY);
  }

  #detach(): void {
    if (!this.#attached) return;
    this.#attached = false;
    this.detach(this.#world!.calls);
  }
}
