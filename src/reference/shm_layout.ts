import type { LeapIndicator } from "../packet/leap_indicator.ts";

/**
 * A segment of shared memory by which programs on one machine tell each other the time: `struct
 * shmTime` of ntpd's driver 28, which chronyd and gpsd use as well. This is its layout where `long`
 * has 64 bits, in the machine's byte order, which is little-endian on all machines that have it.
 */
export const SHM_SIZE = 96;
/** The key of unit 0: "NTP0"; those of the others follow. */
export const SHM_KEY = 0x4e545030;
/** Greatest unit: gpsd and chronyd know no more. */
export const GREATEST_UNIT = 255;

const MODE = 0, COUNT = 4;
const CLOCK_SECONDS = 8, CLOCK_MICROSECONDS = 16;
const RECEIVE_SECONDS = 24, RECEIVE_MICROSECONDS = 32;
const LEAP = 36, PRECISION = 40, SAMPLES = 44, VALID = 48;
const CLOCK_NANOSECONDS = 52, RECEIVE_NANOSECONDS = 56;

/** One sample in a segment. Times are Unix nanoseconds. */
export interface ShmSample {
  /** What the reference clock showed. */
  readonly clock: bigint;
  /** What the system's clock showed at that moment. */
  readonly receive: bigint;
  /** Leap indicator. */
  readonly leapIndicator: LeapIndicator;
  /** Precision, log2 of seconds. */
  readonly precision: number;
}

/** What a look at a segment has found: a sample, nothing new, or a writer in the middle of its work. */
export type ShmReading = ShmSample | "nothing new" | "torn" | "malformed";

/** A segment, wherever its memory comes from. */
export class ShmSegment {
  readonly #view: DataView;
  readonly #words: Int32Array;

  /**
   * @param memory of {@linkcode SHM_SIZE} bytes
   */
  constructor(memory: ArrayBufferLike) {
    this.#view = new DataView(memory, 0, SHM_SIZE);
    this.#words = new Int32Array(memory, 0, SHM_SIZE / 4);
  }

  /**
   * Takes the sample out, if there is one. Of a writer in mode 1 the counter tells whether it wrote
   * meanwhile, and the flag, which it takes back first, whether it had begun before; one in mode 0
   * waits until the sample was taken.
   */
  take(): ShmReading {
    const view = this.#view, words = this.#words;
    if (Atomics.load(words, VALID / 4) === 0) return "nothing new";
    const mode = view.getInt32(MODE, true);
    const before = Atomics.load(words, COUNT / 4);
    const clock = this.#time(CLOCK_SECONDS, CLOCK_MICROSECONDS, CLOCK_NANOSECONDS);
    const receive = this.#time(RECEIVE_SECONDS, RECEIVE_MICROSECONDS, RECEIVE_NANOSECONDS);
    const leap = view.getInt32(LEAP, true), precision = view.getInt32(PRECISION, true);
    const isWriting = (): boolean =>
      Atomics.load(words, COUNT / 4) !== before || Atomics.load(words, VALID / 4) === 0;
    // What it writes now is the next sample, which it makes valid itself.
    if (mode === 1 && isWriting()) return "torn";
    Atomics.store(words, VALID / 4, 0);
    if (
      mode !== 0 && mode !== 1 || clock === undefined || receive === undefined ||
      leap < 0 || leap > 3
    ) return "malformed";
    return { clock, receive, leapIndicator: leap as LeapIndicator, precision };
  }

  /** Writes a sample, in mode 1. */
  put({ clock, receive, leapIndicator, precision }: ShmSample): void {
    const view = this.#view, words = this.#words;
    Atomics.store(words, VALID / 4, 0);
    view.setInt32(MODE, 1, true);
    Atomics.add(words, COUNT / 4, 1);
    this.#setTime(CLOCK_SECONDS, CLOCK_MICROSECONDS, CLOCK_NANOSECONDS, clock);
    this.#setTime(RECEIVE_SECONDS, RECEIVE_MICROSECONDS, RECEIVE_NANOSECONDS, receive);
    view.setInt32(LEAP, leapIndicator, true);
    view.setInt32(PRECISION, precision, true);
    view.setInt32(SAMPLES, 0, true);
    Atomics.add(words, COUNT / 4, 1);
    Atomics.store(words, VALID / 4, 1);
  }

  /** Seconds, microseconds, and nanoseconds which old writers leave alone: they count if they agree. */
  #time(seconds: number, microseconds: number, nanoseconds: number): bigint | undefined {
    const micro = this.#view.getInt32(microseconds, true);
    const nano = this.#view.getUint32(nanoseconds, true);
    if (micro < 0 || micro > 999_999) return undefined;
    const agree = nano >= micro * 1000 && nano < micro * 1000 + 1000;
    const fraction = agree ? nano : micro * 1000;
    return this.#view.getBigInt64(seconds, true) * 1_000_000_000n + BigInt(fraction);
  }

  #setTime(seconds: number, microseconds: number, nanoseconds: number, time: bigint): void {
    const fraction = ((time % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
    this.#view.setBigInt64(seconds, (time - fraction) / 1_000_000_000n, true);
    this.#view.setInt32(microseconds, Number(fraction / 1000n), true);
    this.#view.setUint32(nanoseconds, Number(fraction), true);
  }
}
