import type { Pointer } from "../transport/native/ffi/ffi.ts";
import { type DeviceCalls, deviceError } from "./device_calls.ts";
import type { DeviceWorld } from "./device_clock.ts";
import {
  type PublishedSample,
  Publisher,
  type PublisherOptions,
  publisherWorld,
} from "./publisher.ts";
import { AF_UNIX, checkSockPath, MSG_DONTWAIT, SOCK_DGRAM, sockAddress } from "./sock_address.ts";
import { encodeSockSample, SOCK_LENGTH } from "./sock_message.ts";

/** Options of {@linkcode SockPublisher}. */
export interface SockPublisherOptions extends PublisherOptions {
  /** The socket that chronyd has made: what stands behind `refclock SOCK`. */
  path: string;
}

/**
 * Tells chronyd (`refclock SOCK /run/chrony.ntps.sock`) the time of a clock, through a socket of the
 * file system. Linux, through foreign functions (on Deno `--allow-ffi`).
 *
 * @example chronyd follows an application's clock
 * ```ts ignore
 * import { NTPSync } from "@ntps/ntps";
 * import { GpsdClock, SockPublisher } from "@ntps/ntps/reference";
 *
 * const { clock } = await NTPSync.start({ inputs: [new GpsdClock()] });
 * const publisher = await SockPublisher.start({ clock, path: "/run/chrony.ntps.sock" });
 * ```
 */
export class SockPublisher extends Publisher {
  readonly #path: string;
  readonly #address: Uint8Array<ArrayBuffer>;
  readonly #bytes = new Uint8Array(new ArrayBuffer(SOCK_LENGTH));
  readonly #pointer: Pointer;
  readonly #descriptor: number;

  /**
   * Begins to tell the time. chronyd need not be there yet.
   *
   * @param options the clock and where to
   * @param world instead of the machine, for tests
   * @throws {TypeError} if an option has the wrong type
   * @throws {RangeError} if an option is out of range
   * @throws {NTPError} `unsupported` without foreign functions; `system`
   */
  static async start(options: SockPublisherOptions, world?: DeviceWorld): Promise<SockPublisher> {
    checkSockPath(options.path);
    const publisher = new SockPublisher(options, world ?? await publisherWorld());
    publisher.begin();
    return publisher;
  }

  private constructor(options: SockPublisherOptions, world: DeviceWorld) {
    super(options, world);
    const { calls } = world;
    this.#path = options.path;
    this.#address = sockAddress(options.path);
    this.#pointer = calls.pointer(this.#bytes.buffer);
    this.#descriptor = calls.socket(AF_UNIX, SOCK_DGRAM, 0);
    if (this.#descriptor < 0) throw deviceError("socket", calls.errno());
  }

  /** Tells a sample. */
  protected override publish(sample: PublishedSample, calls: DeviceCalls): void {
    const { system, offset, leapIndicator } = sample;
    encodeSockSample({ time: system, offset, pulse: false, leapIndicator }, this.#bytes);
    const sent = calls.sendto(
      this.#descriptor,
      this.#pointer,
      BigInt(SOCK_LENGTH),
      MSG_DONTWAIT,
      calls.pointer(this.#address.buffer),
      this.#address.length,
    );
    if (sent < 0) throw deviceError(this.#path, calls.errno());
  }

  /** Closes it. */
  protected override release(calls: DeviceCalls): void {
    calls.close(this.#descriptor);
  }
}
