// Reference clocks on virtual time: devices in memory, streams that a test writes to.

import type { LeapIndicator } from "../../src/packet/leap_indicator.ts";
import { NTPError } from "../../src/packet/error.ts";
import { addSeconds, timestampFromUnixNanoseconds } from "../../src/packet/timestamp.ts";
import { timestampToUnixNanoseconds } from "../../src/packet/timestamp.ts";
import type { OpenStream, StreamHandler } from "../../src/reference/byte_stream.ts";
import type { DeviceCalls } from "../../src/reference/device_calls.ts";
import { ReferenceClock } from "../../src/reference/reference_clock.ts";
import { NTPSync } from "../../src/sync/ntp_sync.ts";
import type { SyncSink } from "../../src/sync/sync_input.ts";
import type { NTPSyncOptions } from "../../src/sync/ntp_sync_options.ts";
import { VirtualTime } from "../../src/testing/virtual_time.ts";

/** A time after the first that receivers may tell. */
export const START: Date = new Date("2026-12-01T00:00:00Z");

/** See {@linkcode scene}. */
export interface Scene {
  readonly time: VirtualTime;
  readonly system: { error: number; now(): bigint };
  unix(ahead?: number): bigint;
  begin(options: NTPSyncOptions): Promise<NTPSync>;
  start(options: NTPSyncOptions): Promise<NTPSync>;
}

/** What a clock needs of the world, on virtual time whose time is the true one. */
export function scene(): Scene {
  const time = new VirtualTime({ start: START });
  /** The system's clock is wrong by so many seconds. */
  const system = { error: 0, now: () => addSeconds(time.now(), system.error) };
  const unix = (ahead = 0): bigint => timestampToUnixNanoseconds(addSeconds(time.now(), ahead));
  const begin = (options: NTPSyncOptions): Promise<NTPSync> =>
    NTPSync.start({ clock: time, timers: time, ownAddresses: [], ...options });
  const start = (options: NTPSyncOptions): Promise<NTPSync> => time.runUntil(begin(options));
  return { time, system, unix, begin, start };
}

/** A stream that a test writes to. */
export class FakeStream {
  /** How often it was opened. */
  opened = 0;
  /** How often it was closed by who opened it. */
  closed = 0;
  /** What was written to it. */
  written = "";
  #handler: StreamHandler | undefined;

  /** Whether it is open. */
  get isOpen(): boolean {
    return this.#handler !== undefined;
  }

  /** To be passed on. */
  readonly open: OpenStream = (handler) => {
    this.opened++;
    this.#handler = handler;
    return {
      write: (text) => this.written += text,
      close: () => {
        this.closed++;
        this.#handler = undefined;
      },
    };
  };

  /** Sends text. */
  send(text: string): void {
    this.sendBytes(new TextEncoder().encode(text));
  }

  /** Sends bytes. */
  sendBytes(bytes: Uint8Array): void {
    this.#handler?.onBytes(bytes);
  }

  /** Ends it from its other side. */
  end(): void {
    const handler = this.#handler;
    this.#handler = undefined;
    handler?.onEnd(new NTPError("closed", "it was unplugged"));
  }
}

/** Pointers of a machine that has one. */
interface Place {
  readonly buffer: ArrayBuffer;
  readonly offset: number;
}

/** Calls that all fail but those that are given; the latest error is `errno`. */
export function fakeCalls(given: Record<string, unknown>): DeviceCalls & { error: number } {
  const calls = {
    error: 2,
    errno: () => calls.error,
    pointer: (buffer: ArrayBuffer, offset = 0): Place => ({ buffer, offset }),
    nullPointer: 0,
    addressOf: () => 4096n,
    ...given,
  };
  const failing: ProxyHandler<typeof calls> = {
    get: (target, name) => Reflect.get(target, name) ?? (() => -1),
  };
  return new Proxy(calls, failing) as unknown as DeviceCalls & { error: number };
}

/** A view of where a fake pointer points. */
export function viewOf(pointer: unknown): DataView {
  const { buffer, offset } = pointer as Place;
  return new DataView(buffer, offset);
}

/** Writes a `timespec`. */
export function putTime(view: DataView, at: number, time: bigint): void {
  view.setBigInt64(at, time / 1_000_000_000n, true);
  view.setInt32(at + 8, Number(time % 1_000_000_000n), true);
}

/** An NTP timestamp of Unix nanoseconds. */
export const stampOf: (nanoseconds: bigint) => bigint = timestampFromUnixNanoseconds;

/** A clock that tells each second what a test says: the seconds that it is ahead of the true time. */
export class ToldClock extends ReferenceClock {
  /** How far it is ahead, in seconds; undefined, it is silent. */
  ahead: number | undefined = 0;
  /** What else it says. */
  more: { leapIndicator?: LeapIndicator; maxError?: number } = {};
  #cancel = (): void => {};

  /** Loses its lock. */
  lose(reason: string): void {
    this.ahead = undefined;
    this.unlock(reason);
  }

  /** Takes one reading. */
  tell(reference: bigint, raw: bigint): void {
    this.reading(reference, raw, this.more);
  }

  protected override open({ clock, timers }: SyncSink): void {
    const each = (): void => {
      this.#cancel = timers.after(1000, each);
      const raw = clock.now();
      if (this.ahead !== undefined) this.tell(addSeconds(raw, this.ahead), raw);
    };
    this.#cancel = timers.after(300, each);
  }

  protected override release(): void {
    this.#cancel();
  }
}
