import type { Clock, ClockState } from "../clock/clock.ts";
import { SystemClock } from "../clock/system_clock.ts";
import { systemTimers, type Timers } from "../clock/timers.ts";
import { timestampDifference, timestampToUnixNanoseconds } from "../packet/timestamp.ts";
import { KernelClock } from "../transport/native/kernel_clock.ts";
import type { LeapIndicator } from "../packet/leap_indicator.ts";
import { clockDifference } from "./clock_difference.ts";
import { type DeviceCalls, openDeviceCalls } from "./device_calls.ts";
import type { DeviceWorld } from "./device_clock.ts";

/** Options of what tells other programs the time. */
export interface PublisherOptions {
  /** The clock whose time is told, such as `sync.clock`. */
  clock: Clock;
  /** How often, in milliseconds, 10 to 60000. Default 1000. */
  intervalMs?: number;
  /** How to wait. Default: the runtime's timers. */
  timers?: Timers;
  /** Told of what keeps a sample from being told, once for each time that it begins to. */
  onError?: (error: Error) => void;
}

/** What is told: both clocks at one moment, in Unix nanoseconds. */
export interface PublishedSample {
  /** What the clock showed. */
  readonly clock: bigint;
  /** What the system's clock showed. */
  readonly system: bigint;
  /** How far the clock was ahead of the system's, in seconds. */
  readonly offset: number;
  /** What the clock announces. */
  readonly leapIndicator: LeapIndicator;
  /** What the clock knows of itself. */
  readonly state: ClockState;
}

/** What tells other programs on this machine the time, again and again. While its clock is not synchronised it is silent. */
export abstract class Publisher implements AsyncDisposable {
  readonly #options: PublisherOptions;
  readonly #intervalMs: number;
  readonly #world: DeviceWorld;
  #cancel = (): void => {};
  #failing = false;
  #closed = false;
  #published = 0;

  /** Used by what makes one. */
  protected constructor(options: PublisherOptions, world: DeviceWorld) {
    this.#options = options;
    this.#intervalMs = checkPublisher(options);
    this.#world = world;
  }

  /** Samples told so far. */
  get published(): number {
    return this.#published;
  }

  /** Ends it. Calling it again is harmless. */
  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#cancel();
      this.release(this.#world.calls);
    }
    return Promise.resolve();
  }

  /** {@linkcode Publisher.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Tells a sample.
   *
   * @throws {NTPError} if it could not be told
   */
  protected abstract publish(sample: PublishedSample, calls: DeviceCalls): void;

  /** Gives back what it has. */
  protected abstract release(calls: DeviceCalls): void;

  /** Begins. */
  protected begin(): void {
    const { clock, timers = systemTimers } = this.#options;
    try {
      const state = clock.state();
      if (state.synchronized) {
        const ahead = clockDifference(clock, this.#world.system), shown = clock.now();
        const system = BigInt.asUintN(64, shown - ahead);
        this.publish({
          clock: timestampToUnixNanoseconds(shown, clock.unixNanoseconds?.()),
          system: timestampToUnixNanoseconds(system),
          offset: timestampDifference(shown, system),
          leapIndicator: state.leapIndicator,
          state,
        }, this.#world.calls);
        this.#published++;
        this.#failing = false;
      }
    } catch (error) {
      const isNews = !this.#failing;
      this.#failing = true;
      if (isNews) {
        this.#options.onError?.(error instanceof Error ? error : new Error(String(error)));
      }
    }
    if (this.#closed) return; // by who was told
    this.#cancel = timers.after(this.#intervalMs, () => this.begin());
  }
}

/** Checks the options. */
function checkPublisher({ clock, intervalMs = 1000, onError }: PublisherOptions): number {
  if (typeof clock?.now !== "function") {
    throw new TypeError(`clock is an object with now(), not ${String(clock)}`);
  }
  if (typeof intervalMs !== "number") {
    throw new TypeError(`intervalMs is a number, not ${String(intervalMs)}`);
  }
  if (!(intervalMs >= 10 && intervalMs <= 60_000)) {
    throw new RangeError(`intervalMs is from 10 to 60000, not ${intervalMs}`);
  }
  if (onError !== undefined && typeof onError !== "function") {
    throw new TypeError(`onError is a function, not ${String(onError)}`);
  }
  return intervalMs;
}

/** The machine, as publishers need it. */
export async function publisherWorld(): Promise<DeviceWorld> {
  const calls = await openDeviceCalls();
  return { calls, system: await KernelClock.open() ?? new SystemClock() };
}
