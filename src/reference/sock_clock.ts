import {
  timestampDifference,
  timestampFromUnixNanoseconds,
  timestampToUnixNanoseconds,
} from "../packet/timestamp.ts";
import { cString } from "../transport/native/ffi/ffi.ts";
import { type DeviceCalls, deviceError } from "./device_calls.ts";
import { DeviceClock, type DeviceClockOptions, type DeviceWorld } from "./device_clock.ts";
import { nearestSecond } from "./pps_layout.ts";
import { AF_UNIX, checkSockPath, MSG_DONTWAIT, SOCK_DGRAM, sockAddress } from "./sock_address.ts";
import { decodeSockSample, SOCK_LENGTH, type SockSample } from "./sock_message.ts";

/** Options of {@linkcode SockClock}. */
export interface SockClockOptions extends DeviceClockOptions {
  /** Where the socket is made, which must not be there yet, or be left over. */
  path: string;
}

/** Room for a datagram that is longer than it should be, so that it is seen to be. */
const ROOM = SOCK_LENGTH + 8;
const O_NONBLOCK = 0o4000, O_NOFOLLOW = 0o400000;
const ENOENT = 2, EINTR = 4, ENXIO = 6, EAGAIN = 11, ECONNREFUSED = 111;
/** Samples taken at a look at most. */
const MOST = 64;
/** After so many seconds of silence it is looked whether the socket is still there. */
const SILENCE = 10;
/** A pulse tells the second only to a clock that is right within this, in seconds. */
const CERTAIN = 0.4;

/**
 * A socket of the file system to which other programs send their samples, as gpsd does for chronyd
 * (its SOCK driver). Linux, through foreign functions (on Deno `--allow-ffi`).
 *
 * @example gpsd finds the socket if it is there when it starts
 * ```ts ignore
 * import { NTPSync } from "@ntps/ntps";
 * import { SockClock } from "@ntps/ntps/reference";
 *
 * const gnss = new SockClock({ path: "/run/chrony.ttyACM0.sock", refid: "GNSS" });
 * const sync = await NTPSync.start({ inputs: [gnss] });
 * ```
 */
export class SockClock extends DeviceClock {
  readonly #path: string;
  readonly #bytes = new Uint8Array(new ArrayBuffer(ROOM));
  #descriptor = -1;
  /** When it was last known that the socket is there. */
  #thereAt = 0n;

  /**
   * Makes it; it does nothing yet.
   *
   * @param options see {@linkcode SockClockOptions}; `refid` is `"SOCK"`, `maxError` 1 ms and
   * `intervalMs` 50 unless told otherwise
   * @param world instead of the machine, for tests
   * @throws {TypeError} if an option has the wrong type
   * @throws {RangeError} if an option is out of range
   */
  constructor(options: SockClockOptions, world?: DeviceWorld) {
    super(options, { refid: "SOCK", maxError: 1e-3, intervalMs: 50 }, world);
    checkSockPath(options.path);
    this.#path = options.path;
  }

  /** How people call it. */
  protected override get name(): string {
    return `SOCK(${this.#path})`;
  }

  /** Opens the device. */
  protected override attach(calls: DeviceCalls): void {
    const path = cString(this.#path), address = sockAddress(this.#path);
    this.#descriptor = calls.socket(AF_UNIX, SOCK_DGRAM, 0);
    if (this.#descriptor < 0) throw deviceError("socket", calls.errno());
    const bind = (): number =>
      calls.bind(this.#descriptor, calls.pointer(address.buffer), address.length);
    let errno = bind() < 0 ? calls.errno() : 0;
    if (errno !== 0 && this.#isLeftOver(calls)) {
      calls.unlink(calls.pointer(path.buffer));
      errno = bind() < 0 ? calls.errno() : 0;
    }
    if (errno !== 0) {
      calls.close(this.#descriptor);
      throw deviceError(this.#path, errno);
    }
    this.#thereAt = this.raw.now();
    // Whoever can write to it can set the clock.
    calls.chmod(calls.pointer(path.buffer), 0o600);
  }

  /** Looks at the device. */
  protected override look(calls: DeviceCalls): void {
    for (let i = 0; i < MOST; i++) {
      const pointer = calls.pointer(this.#bytes.buffer);
      const length = calls.recv(this.#descriptor, pointer, BigInt(ROOM), MSG_DONTWAIT);
      if (length < 0) {
        const errno = calls.errno();
        if (errno !== EAGAIN && errno !== EINTR) throw deviceError(this.#path, errno);
        return i > 0 ? this.#noteThere() : this.#onSilence(calls); // nothing more
      }
      const sample = decodeSockSample(this.#bytes.subarray(0, length));
      if (sample === undefined) this.reject("malformed");
      else this.#take(sample);
    }
  }

  /** Closes the device. */
  protected override detach(calls: DeviceCalls): void {
    calls.close(this.#descriptor);
    this.#descriptor = -1;
    calls.unlink(calls.pointer(cString(this.#path).buffer));
  }

  /** It was just used, made or seen. */
  #noteThere(): void {
    this.#thereAt = this.raw.now();
  }

  /** Nobody can send to a socket whose name was removed: it is made again. */
  #onSilence(calls: DeviceCalls): void {
    if (timestampDifference(this.raw.now(), this.#thereAt) < SILENCE) return;
    this.#noteThere();
    const path = cString(this.#path);
    const file = calls.open(calls.pointer(path.buffer), O_NONBLOCK | O_NOFOLLOW);
    if (file >= 0) calls.close(file);
    else if (calls.errno() === ENOENT) throw deviceError(this.#path, ENOENT);
  }

  /** Whether there is a socket that nobody listens at: no file may be removed for the sake of it. */
  #isLeftOver(calls: DeviceCalls): boolean {
    const path = cString(this.#path), address = sockAddress(this.#path);
    const file = calls.open(calls.pointer(path.buffer), O_NONBLOCK | O_NOFOLLOW);
    if (file >= 0) {
      calls.close(file);
      return false;
    }
    if (calls.errno() !== ENXIO) return false; // sockets cannot be opened
    const probe = calls.socket(AF_UNIX, SOCK_DGRAM, 0);
    const answer = calls.connect(probe, calls.pointer(address.buffer), address.length);
    const isDeaf = answer < 0 && calls.errno() === ECONNREFUSED;
    calls.close(probe);
    return isDeaf;
  }

  #take({ time, offset, pulse, leapIndicator }: SockSample): void {
    if (leapIndicator === 3) return this.unlock("its sender has no time");
    const raw = this.rawAt(time);
    if (!pulse) {
      const reference = time + BigInt(Math.round(offset * 1e9));
      this.reading(timestampFromUnixNanoseconds(reference), raw, { leapIndicator });
      return;
    }
    const { disciplined } = this;
    if (disciplined.maxError > CERTAIN) {
      this.reject("second unknown");
      return this.giveUp();
    }
    // Of a pulse chronyd takes the offset for how far the system's clock was past the second, against
    // the sign that it has otherwise.
    const past = BigInt(Math.round(offset * 1e9));
    const shown = timestampToUnixNanoseconds(
      BigInt.asUintN(64, disciplined.now() - (this.raw.now() - raw)),
    );
    const fraction = (time - past) % 1_000_000_000n;
    const reference = nearestSecond(shown - fraction) + fraction;
    this.reading(timestampFromUnixNanoseconds(reference), raw, { leapIndicator });
  }
}
