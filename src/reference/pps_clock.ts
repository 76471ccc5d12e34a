import { NTPError } from "../packet/error.ts";
import {
  addSeconds,
  timestampFromUnixNanoseconds,
  timestampToUnixNanoseconds,
} from "../packet/timestamp.ts";
import type { SyncSink } from "../sync/sync_input.ts";
import { cString, type Pointer } from "../transport/native/ffi/ffi.ts";
import { type DeviceCalls, deviceError } from "./device_calls.ts";
import { DeviceClock, type DeviceClockOptions, type DeviceWorld } from "./device_clock.ts";
import {
  nearestSecond,
  PPS_CAPTURE,
  PPS_FETCH,
  PPS_GETCAP,
  PPS_GETPARAMS,
  PPS_MODE,
  PPS_SETPARAMS,
  PPS_SIZE,
  readPulse,
} from "./pps_layout.ts";
import { ReferenceClock } from "./reference_clock.ts";

/** Options of {@linkcode PpsClock}. */
export interface PpsClockOptions extends DeviceClockOptions {
  /** The device. Default `"/dev/pps0"`. */
  path?: string;
  /** Which edge of the pulse is the second. Default `"assert"`. */
  edge?: "assert" | "clear";
  /**
   * What tells which second a pulse begins, as long as it is locked: another clock, which feeds the same
   * `NTPSync` and need not be followed itself (`noSelect`). Default: the clock that is kept right, once
   * others have set it.
   */
  lock?: ReferenceClock;
}

/** A pulse tells the second only to a clock that is right within this, in seconds. */
const CERTAIN = 0.4;

/**
 * A pulse per second, stamped by the kernel (RFC 2783). It tells when a second begins and not which:
 * that must be known from other sources (a receiver's messages, servers) to within 0.4 s. Linux, through
 * foreign functions (on Deno `--allow-ffi`).
 *
 * Messages often come later than is thought. Then they contradict the pulse, and of two sources that
 * contradict each other neither is followed: `trust` the pulse, or have it followed alone, with the
 * messages as its `lock`.
 *
 * @example A GNSS receiver: its messages say which second, its pulse when
 * ```ts ignore
 * import { NTPSync } from "@ntps/ntps";
 * import { GpsdClock, PpsClock } from "@ntps/ntps/reference";
 *
 * const sync = await NTPSync.start({
 *   inputs: [new GpsdClock(), new PpsClock({ path: "/dev/pps0", prefer: true, trust: true })],
 * });
 * ```
 */
export class PpsClock extends DeviceClock {
  readonly #path: string;
  readonly #edge: "assert" | "clear";
  readonly #lock: ReferenceClock | undefined;
  readonly #buffer = new ArrayBuffer(PPS_SIZE);
  readonly #view = new DataView(this.#buffer);
  #pointer: Pointer | undefined;
  #descriptor = -1;
  #sequence: number | undefined;

  /**
   * Makes it; it does nothing yet.
   *
   * @param options see {@linkcode PpsClockOptions}; `refid` is `"PPS"`, `maxError` 10 µs and
   * `intervalMs` 250 unless told otherwise
   * @param world instead of the machine, for tests
   * @throws {TypeError} if an option has the wrong type
   * @throws {RangeError} if an option is out of range
   */
  constructor(options: PpsClockOptions = {}, world?: DeviceWorld) {
    super(options, { refid: "PPS", maxError: 1e-5, intervalMs: 250 }, world);
    const { path = "/dev/pps0", edge = "assert", lock } = options;
    if (typeof path !== "string") throw new TypeError(`path is a string, not ${String(path)}`);
    if (edge !== "assert" && edge !== "clear") {
      throw new TypeError(`edge is "assert" or "clear", not ${String(edge)}`);
    }
    if (lock !== undefined && !(lock instanceof ReferenceClock)) {
      throw new TypeError(`lock is a reference clock, not ${String(lock)}`);
    }
    this.#path = path;
    this.#edge = edge;
    this.#lock = lock;
  }

  /** How people call it. */
  protected override get name(): string {
    return `PPS(${this.#path})`;
  }

  /** Begins to read it. */
  protected override open(sink: SyncSink): void {
    super.open(sink);
    // Others must have set the clock before a pulse tells anything.
    this.giveUp();
  }

  /** Opens the device. */
  protected override attach(calls: DeviceCalls): void {
    const path = cString(this.#path);
    this.#descriptor = calls.open(calls.pointer(path.buffer), 2);
    if (this.#descriptor < 0) throw deviceError(this.#path, calls.errno());
    this.#pointer = calls.pointer(this.#buffer);
    this.#sequence = undefined;
    try {
      this.#capture(calls);
    } catch (error) {
      this.detach(calls);
      throw error;
    }
  }

  /** Looks at the device. */
  protected override look(calls: DeviceCalls): void {
    new Uint8Array(this.#buffer).fill(0); // a time limit of 0: what there is
    this.#ask(calls, PPS_FETCH);
    const { sequence, time } = readPulse(this.#view, this.#edge);
    const first = this.#sequence === undefined;
    if (sequence === this.#sequence) return;
    this.#sequence = sequence;
    if (first) return; // it may be old
    const raw = this.rawAt(time), shown = this.#shownAt(raw);
    if (shown === undefined) return this.reject("second unknown");
    const second = nearestSecond(timestampToUnixNanoseconds(shown));
    this.reading(timestampFromUnixNanoseconds(second), raw);
  }

  /** What a clock that knows the second showed at some moment of the raw clock; undefined, none does. */
  #shownAt(raw: bigint): bigint | undefined {
    const lock = this.#lock?.status();
    if (lock?.locked && lock.maxError <= CERTAIN) return addSeconds(raw, lock.offset);
    const { disciplined } = this;
    if (disciplined.maxError > CERTAIN) return undefined;
    return BigInt.asUintN(64, disciplined.now() - (this.raw.now() - raw));
  }

  /** Closes the device. */
  protected override detach(calls: DeviceCalls): void {
    calls.close(this.#descriptor);
    this.#descriptor = -1;
  }
  /** Has the kernel stamp the edge, where it does not do so by itself: that is for root. */
  #capture(calls: DeviceCalls): void {
    const edge = this.#edge, bit = PPS_CAPTURE[edge], view = this.#view;
    this.#ask(calls, PPS_GETCAP);
    if ((view.getInt32(0, true) & bit) === 0) {
      const what = `${this.#path}: the device stamps no edge "${edge}": take the other one`;
      throw new NTPError("unsupported", what);
    }
    this.#ask(calls, PPS_GETPARAMS);
    const mode = view.getInt32(PPS_MODE, true);
    if ((mode & bit) !== 0) return;
    view.setInt32(PPS_MODE, mode | bit, true);
    this.#ask(calls, PPS_SETPARAMS);
  }

  #ask(calls: DeviceCalls, request: bigint): void {
    if (calls.ioctl(this.#descriptor, request, this.#pointer!) >= 0) return;
    throw deviceError(this.#path, calls.errno());
  }
}
