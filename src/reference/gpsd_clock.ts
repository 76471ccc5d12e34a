import { KernelClock } from "../transport/native/kernel_clock.ts";
import { SystemClock } from "../clock/system_clock.ts";
import { timestampDifference, timestampFromUnixNanoseconds } from "../packet/timestamp.ts";
import { type OpenStream, tcpStream } from "./byte_stream.ts";
import { clockDifference } from "./clock_difference.ts";
import { type GpsdFix, type GpsdPulse, LONGEST_LINE, parseGpsdMessage } from "./gpsd_message.ts";
import type { ReferenceClockOptions } from "./reference_clock.ts";
import { StreamClock } from "./stream_clock.ts";

/** Options of {@linkcode GpsdClock}. */
export interface GpsdClockOptions extends ReferenceClockOptions {
  /** Where gpsd runs. Default `"localhost"`. */
  hostname?: string;
  /** Its port. Default 2947. */
  port?: number;
  /** Which receiver, if gpsd has several: `"/dev/ttyACM0"`. Default: all. */
  device?: string;
}

const GPSD_PORT = 2947;
/** Least mode of a fix: two dimensions. */
const FIX_2D = 2;
/** Largest error of a pulse, in seconds, and of the moment at which a message arrived. */
const PULSE_ERROR = 1e-5, MESSAGE_ERROR = 0.1;
/** Finest precision of a pulse that is believed, log2 of seconds: that of a timestamp. */
const FINEST = -32;
/** While pulses come, messages are not read: so many seconds after the last one they are. */
const PULSES_LAST = 5;
/** Seconds after which another receiver is followed, if the first one is silent. */
const FIX_LASTS = 5;
/**
 * Seconds for which a fix that was lost is not believed: gpsd may tell of one at the first sentence of a
 * second and withdraw it at the next, each second anew.
 */
const DOUBT = 1.5;
const NO_FIX = "the receiver has no fix";

/** The system's clock, which gpsd stamps pulses with. */
interface SystemTime {
  now(): bigint;
}

/**
 * A GNSS receiver by gpsd, which knows nearly all there are: its pulses, where gpsd has them, else its
 * messages. A connection that ends is made again. Pulses count only if gpsd runs on this machine, since
 * it stamps them with the system's clock. Of several receivers one is followed as long as it has a fix.
 *
 * @example A GNSS server in three lines
 * ```ts ignore
 * import { NTPServer, NTPSync } from "@ntps/ntps";
 * import { GpsdClock } from "@ntps/ntps/reference";
 *
 * const sync = await NTPSync.start({ inputs: [new GpsdClock()] });
 * await new NTPServer({ clock: sync.clock }).listen();
 * ```
 */
export class GpsdClock extends StreamClock {
  readonly #name: string;
  readonly #device: string | undefined;
  #system: SystemTime;
  /** What the raw clock showed when the last pulse was told of. */
  #pulseAt: bigint | undefined;
  #fixed = false;
  /** Of several receivers the one that is followed, and when it last told of its fix. */
  #followed: string | undefined;
  #fixAt = 0n;
  /** When there was last no fix. */
  #lostAt: bigint | undefined;
  /** Pulses are stamped with the clock of the machine that gpsd runs on. */
  readonly #isHere: boolean;

  /**
   * Makes it; it does nothing yet.
   *
   * @param options see {@linkcode GpsdClockOptions}; `refid` is `"GPS"`, and `maxError` 10 µs with pulses
   * and 0.1 s without, unless told otherwise
   * @param world instead of the machine, for tests
   * @throws {TypeError} if an option has the wrong type
   * @throws {RangeError} if an option is out of range
   */
  constructor(
    options: GpsdClockOptions = {},
    world: { openStream?: OpenStream; system?: SystemTime } = {},
  ) {
    const { hostname = "localhost", port = GPSD_PORT, device } = options;
    if (typeof hostname !== "string") {
      throw new TypeError(`hostname is a string, not ${String(hostname)}`);
    }
    if (!Number.isInteger(port) || port < 1 || port > 65535) {
      throw new RangeError(`port is a whole number from 1 to 65535, not ${port}`);
    }
    if (device !== undefined && typeof device !== "string") {
      throw new TypeError(`device is a string, not ${String(device)}`);
    }
    const defaults = { refid: "GPS", maxError: MESSAGE_ERROR, longestLine: LONGEST_LINE };
    super(options, defaults, world.openStream ?? tcpStream(hostname, port));
    this.#name = `gpsd(${hostname}:${port})`;
    this.#device = device;
    this.#isHere = world.system !== undefined ||
      /^(localhost|127\.\d+\.\d+\.\d+|::1)$/.test(hostname);
    this.#givenError = options.maxError;
    this.#system = world.system ?? new SystemClock();
    if (world.system === undefined) {
      // Finer, where it is to be had; until then the other one is good enough.
      void KernelClock.open().then((kernel) => this.#system = kernel ?? this.#system, () => {});
    }
  }

  readonly #givenError: number | undefined;

  /** How people call it. */
  protected override get name(): string {
    return this.#name;
  }

  /** What to send when the stream is open. */
  protected override get greeting(): string {
    const watch = {
      enable: true,
      json: true,
      pps: true,
      ...(this.#device !== undefined && { device: this.#device }),
    };
    return `?WATCH=${JSON.stringify(watch)};\n`;
  }

  /** Takes a line. */
  protected override line(line: string, stamp: bigint): void {
    const message = parseGpsdMessage(line);
    if (message === undefined) return this.reject("malformed");
    this.useful();
    if (message.class === "TPV") this.#onFix(message, stamp);
    else if (message.class === "PPS") this.#onPulse(message, stamp);
    else if (message.class === "ERROR") this.unlock(`gpsd says: ${message.text}`);
    else if (message.class === "DEVICE" && message.gone && message.text === this.#followed) {
      this.ended();
      this.unlock(`${message.text} has gone`);
    }
  }

  /** Forgets what was half known. */
  protected override ended(): void {
    this.#fixed = false;
    this.#followed = undefined;
    this.#lostAt = undefined;
    this.#pulseAt = undefined;
  }

  #onFix({ mode, unixNanoseconds, device, timeError }: GpsdFix, stamp: bigint): void {
    if (this.#device !== undefined && device !== this.#device) return;
    const isOther = this.#fixed && device !== this.#followed;
    if (isOther && timestampDifference(stamp, this.#fixAt) < FIX_LASTS) return;
    if (isOther) this.#pulseAt = undefined;
    this.#fixed = mode >= FIX_2D && unixNanoseconds !== undefined;
    this.#followed = device;
    this.#fixAt = stamp;
    if (!this.#fixed) {
      this.#lostAt = stamp;
      this.#pulseAt = undefined;
      if (this.status().reason !== NO_FIX) this.unlock(NO_FIX);
      return;
    }
    if (this.#lostAt !== undefined && timestampDifference(stamp, this.#lostAt) < DOUBT) {
      this.#fixed = false;
      return;
    }
    const pulses = this.#pulseAt !== undefined &&
      timestampDifference(stamp, this.#pulseAt) < PULSES_LAST;
    if (pulses) return;
    const maxError = Math.min(1, this.#givenError ?? MESSAGE_ERROR + (timeError ?? 0));
    this.reading(timestampFromUnixNanoseconds(unixNanoseconds!), stamp, { maxError });
  }

  #onPulse({ real, clock, precision, device }: GpsdPulse, stamp: bigint): void {
    if (this.#device !== undefined && device !== this.#device) return;
    if (!this.#isHere) return this.reject("pulse of another machine");
    if (!this.#fixed || device !== this.#followed) return this.reject("pulse without a fix");
    this.#pulseAt = stamp;
    const ahead = clockDifference(this.raw, this.#system);
    const raw = BigInt.asUintN(64, timestampFromUnixNanoseconds(clock) + ahead);
    const maxError = this.#givenError ??
      (precision === undefined ? PULSE_ERROR : 2 ** Math.min(0, Math.max(FINEST, precision)));
    this.reading(timestampFromUnixNanoseconds(real), raw, { maxError });
  }
}
