import type { DeviceCalls } from "./device_calls.ts";
import type { DeviceWorld } from "./device_clock.ts";
import {
  type PublishedSample,
  Publisher,
  type PublisherOptions,
  publisherWorld,
} from "./publisher.ts";
import { checkUnit, ShmMemory } from "./shm_memory.ts";

/** Options of {@linkcode ShmPublisher}. */
export interface ShmPublisherOptions extends PublisherOptions {
  /** Which segment, 0 to 255. Default 0; 0 and 1 are for root only. */
  unit?: number;
}

/**
 * Tells ntpd (`server 127.127.28.0`) or chronyd (`refclock SHM 0`) the time of a clock, through a
 * segment of shared memory. Linux, through foreign functions (on Deno `--allow-ffi`).
 *
 * @example The system's own daemon takes time from an application's clock
 * ```ts ignore
 * import { NTPSync } from "@ntps/ntps";
 * import { GpsdClock, ShmPublisher } from "@ntps/ntps/reference";
 *
 * const { clock } = await NTPSync.start({ inputs: [new GpsdClock()] });
 * const publisher = await ShmPublisher.start({ clock, unit: 2 });
 * ```
 */
export class ShmPublisher extends Publisher {
  readonly #memory: ShmMemory;
  readonly #precision: number;

  /**
   * Begins to tell the time.
   *
   * @param options the clock and where to
   * @param world instead of the machine, for tests
   * @throws {TypeError} if an option has the wrong type
   * @throws {RangeError} if an option is out of range
   * @throws {NTPError} `unsupported` without foreign functions; `permission`; `system`
   */
  static async start(options: ShmPublisherOptions, world?: DeviceWorld): Promise<ShmPublisher> {
    const { unit = 0 } = options;
    checkUnit(unit);
    const publisher = new ShmPublisher(options, world ?? await publisherWorld(), unit);
    publisher.begin();
    return publisher;
  }

  private constructor(options: PublisherOptions, world: DeviceWorld, unit: number) {
    super(options, world);
    this.#memory = new ShmMemory(world.calls, unit);
    this.#precision = options.clock.precision;
  }

  /** Tells a sample. */
  protected override publish({ clock, system, leapIndicator }: PublishedSample): void {
    const precision = this.#precision;
    this.#memory.segment.put({ clock, receive: system, leapIndicator, precision });
  }

  /** Closes it. */
  protected override release(calls: DeviceCalls): void {
    this.#memory.detach(calls);
  }
}
