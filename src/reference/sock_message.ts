import type { LeapIndicator } from "../packet/leap_indicator.ts";

/**
 * A sample as chronyd's SOCK driver takes it, in a datagram to a socket of the file system: 40 bytes
 * where `long` has 64 bits, little-endian on all machines that have it.
 */
export interface SockSample {
  /** What the system's clock showed, in Unix nanoseconds; microseconds are kept. */
  readonly time: bigint;
  /**
   * How far the reference was ahead of the system's clock, in seconds; of a pulse, how far the system's
   * clock was past the second.
   */
  readonly offset: number;
  /** Whether only the fraction of the second counts: a pulse. */
  readonly pulse: boolean;
  /** Leap indicator. */
  readonly leapIndicator: LeapIndicator;
}

/** Length of a sample. */
export const SOCK_LENGTH = 40;
/** "SOCK" as a number: what a sample ends with. */
const MAGIC = 0x534f434b;

/** Offsets beyond this are no times, in seconds: half an era. */
const GREATEST_OFFSET = 2 ** 31;

const SECONDS = 0, MICROSECONDS = 8, OFFSET = 16, PULSE = 24, LEAP = 28, PAD = 32, MAGIC_AT = 36;

/** Writes a sample. */
export function encodeSockSample(sample: SockSample, into: Uint8Array): void {
  const view = new DataView(into.buffer, into.byteOffset, SOCK_LENGTH);
  const microseconds = sample.time / 1000n;
  view.setBigInt64(SECONDS, microseconds / 1_000_000n, true);
  view.setBigInt64(MICROSECONDS, microseconds % 1_000_000n, true);
  view.setFloat64(OFFSET, sample.offset, true);
  view.setInt32(PULSE, sample.pulse ? 1 : 0, true);
  view.setInt32(LEAP, sample.leapIndicator, true);
  view.setInt32(PAD, 0, true);
  view.setInt32(MAGIC_AT, MAGIC, true);
}

/**
 * Reads a sample.
 *
 * @param bytes a datagram
 * @returns undefined if it is none
 */
export function decodeSockSample(bytes: Uint8Array): SockSample | undefined {
  if (bytes.length !== SOCK_LENGTH) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, SOCK_LENGTH);
  const microseconds = view.getBigInt64(MICROSECONDS, true);
  const offset = view.getFloat64(OFFSET, true), leap = view.getInt32(LEAP, true);
  if (view.getInt32(MAGIC_AT, true) !== MAGIC) return undefined;
  if (!(Math.abs(offset) <= GREATEST_OFFSET)) return undefined;
  if (microseconds < 0n || microseconds >= 1_000_000n || leap < 0 || leap > 3) return undefined;
  return {
    time: (view.getBigInt64(SECONDS, true) * 1_000_000n + microseconds) * 1000n,
    offset,
    pulse: view.getInt32(PULSE, true) !== 0,
    leapIndicator: leap as LeapIndicator,
  };
}
