import { timestampFromWords } from "../../packet/timestamp.ts";
import { loadFfi } from "./ffi/load_ffi.ts";
import { openSystemCalls, type SystemCalls } from "./system_calls.ts";
import { RealtimeReading } from "./realtime_reading.ts";

const UNITS_PER_NANOSECOND = 2 ** 32 / 1e9;
const NTP_UNIX_OFFSET = 2208988800;

/**
 * The system's clock as the kernel tells it (`CLOCK_REALTIME`), to a nanosecond and in less time
 * than any clock of the runtime. Follows each step and slew at once. What a `Clock` knows besides the
 * time it does not know.
 */
export class KernelClock {
  /** What was read last. */
  readonly reading: RealtimeReading;
  readonly #words = new Uint32Array(2);

  /** @param calls of this machine */
  constructor(calls: SystemCalls) {
    this.reading = new RealtimeReading(calls);
  }

  /**
   * The kernel's clock, where foreign functions are.
   *
   * @returns undefined where there are none, such as without `--allow-ffi`
   */
  static async open(): Promise<KernelClock | undefined> {
    const { ffi } = await loadFfi();
    return ffi && new KernelClock(openSystemCalls(ffi));
  }

  /** The time now: a 64-bit NTP timestamp. */
  now(): bigint {
    this.read(this.#words);
    return timestampFromWords(this.#words[0]!, this.#words[1]!);
  }

  /**
   * The time now, without allocation.
   *
   * @param into written: seconds word, fraction word
   */
  read(into: Uint32Array): void {
    const { reading } = this;
    reading.read();
    into[0] = reading.seconds + NTP_UNIX_OFFSET;
    into[1] = reading.nanoseconds * UNITS_PER_NANOSECOND;
  }
}
