import { timestampFromUnixNanoseconds } from "../packet/timestamp.ts";
import { fileStream, type OpenStream, tcpStream } from "./byte_stream.ts";
import { NmeaReader } from "./nmea_reader.ts";
import type { ReferenceClockOptions } from "./reference_clock.ts";
import { SERIAL_SPEEDS, type SerialSpeed, setSerialSpeed } from "./serial_line.ts";
import { StreamClock } from "./stream_clock.ts";

/** Options of {@linkcode NmeaClock}: `path`, or `hostname` and `port`. */
export interface NmeaClockOptions extends ReferenceClockOptions {
  /** A serial device, a pipe or a file: `"/dev/ttyACM0"`. */
  path?: string;
  /**
   * Speed of the serial line, in bits a second; the line is made raw too. Linux, through foreign
   * functions (on Deno `--allow-ffi`). Default: it stays as it is.
   */
  baudRate?: SerialSpeed;
  /** A server that passes sentences on over TCP. */
  hostname?: string;
  /** Its port. Default 10110, IANA's for NMEA 0183. */
  port?: number;
}

/** Longest line that is read. */
const LONGEST_LINE = 200;
const NMEA_PORT = 10110;

/**
 * A GNSS receiver that sends NMEA 0183: RMC, ZDA or GGA sentences, by a serial line, a file or TCP.
 * Sentences arrive some tens or hundreds of milliseconds after their second: measure that, and set
 * `offset`; or use the receiver's pulse (`PpsClock`), with this clock to tell which second it is.
 *
 * @example A receiver on a serial line
 * ```ts ignore
 * import { NTPSync } from "@ntps/ntps";
 * import { NmeaClock } from "@ntps/ntps/reference";
 *
 * const receiver = new NmeaClock({ path: "/dev/ttyUSB0", baudRate: 9600, offset: 0.12 });
 * const sync = await NTPSync.start({ inputs: [receiver] });
 * ```
 */
export class NmeaClock extends StreamClock {
  readonly #name: string;
  #reader = new NmeaReader();

  /**
   * Makes it; it does nothing yet.
   *
   * @param options see {@linkcode NmeaClockOptions}; `refid` is `"GNSS"` and `maxError` 0.1 s unless
   * told otherwise
   * @param openStream how to open the stream, for tests
   * @throws {TypeError} if an option has the wrong type, or there is nothing to read from
   * @throws {RangeError} if an option is out of range
   */
  constructor(options: NmeaClockOptions, openStream?: OpenStream) {
    const defaults = { refid: "GNSS", maxError: 0.1, longestLine: LONGEST_LINE };
    super(options, defaults, openStream ?? streamOf(options));
    const { path, hostname, port = NMEA_PORT } = options;
    this.#name = `NMEA(${path ?? `${hostname}:${port}`})`;
  }

  /** How people call it. */
  protected override get name(): string {
    return this.#name;
  }

  /** Takes a line. */
  protected override line(line: string, stamp: bigint): void {
    const found = this.#reader.push(line, stamp);
    if (found.event === "rejected") {
      if (found.reason !== "other sentence") this.reject(found.reason);
      return;
    }
    this.useful();
    if (found.event === "no fix") {
      if (this.status().reason !== NO_FIX) this.unlock(NO_FIX);
    } else if (found.event === "time") {
      this.reading(timestampFromUnixNanoseconds(found.unixNanoseconds), found.stamp);
    }
  }

  /** Forgets what was half known. */
  protected override ended(): void {
    this.#reader = new NmeaReader();
  }
}

const NO_FIX = "the receiver has no fix";

function streamOf({ path, baudRate, hostname, port = NMEA_PORT }: NmeaClockOptions): OpenStream {
  if ((path === undefined) === (hostname === undefined)) {
    throw new TypeError("An NmeaClock reads from a path, or from a hostname and port: name one");
  }
  if (path !== undefined) {
    if (typeof path !== "string") throw new TypeError(`path is a string, not ${String(path)}`);
    if (baudRate === undefined) return fileStream(path);
    if (!SERIAL_SPEEDS.includes(baudRate)) {
      throw new RangeError(`baudRate is one of ${SERIAL_SPEEDS.join(", ")}, not ${baudRate}`);
    }
    return fileStream(path, (path) => setSerialSpeed(path, baudRate));
  }
  if (typeof hostname !== "string") {
    throw new TypeError(`hostname is a string, not ${String(hostname)}`);
  }
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new RangeError(`port is a whole number from 1 to 65535, not ${port}`);
  }
  return tcpStream(hostname, port);
}
