/**
 * The packet header as it lies on the wire (RFC 5905 §7.3, figure 8): where each field stands, and
 * how words are read and written in place. Everything that touches packets builds on this.
 */

/** Length of the header in bytes; the shortest possible packet. */
export const HEADER_LENGTH = 48;

/** Where the fields of the header begin, in bytes. */
export const STRATUM_AT = 1;
/** Offset of the poll exponent. */
export const POLL_AT = 2;
/** Offset of the precision exponent. */
export const PRECISION_AT = 3;
/** Offset of the root delay. */
export const ROOT_DELAY_AT = 4;
/** Offset of the root dispersion. */
export const ROOT_DISPERSION_AT = 8;
/** Offset of the reference identifier. */
export const REFERENCE_ID_AT = 12;
/** Offset of the reference timestamp. */
export const REFERENCE_TIMESTAMP_AT = 16;
/** Offset of the origin timestamp. */
export const ORIGIN_TIMESTAMP_AT = 24;
/** Offset of the receive timestamp. */
export const RECEIVE_TIMESTAMP_AT = 32;
/** Offset of the transmit timestamp. */
export const TRANSMIT_TIMESTAMP_AT = 40;

/** Leap indicator of a first byte. */
export function leapOf(first: number): number {
  return first >>> 6;
}

/** Version of a first byte. */
export function versionOf(first: number): number {
  return (first >>> 3) & 7;
}

/** Mode of a first byte. */
export function modeOf(first: number): number {
  return first & 7;
}

/** First byte of leap indicator, version and mode. */
export function firstByte(leapIndicator: number, version: number, mode: number): number {
  return (leapIndicator << 6) | (version << 3) | mode;
}

/** The unsigned 32-bit word at `at`, big-endian. */
export function readWord(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>>
    0;
}

/** Writes a 32-bit word at `at`, big-endian. */
export function writeWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word >>> 24;
  bytes[at + 1] = word >>> 16;
  bytes[at + 2] = word >>> 8;
  bytes[at + 3] = word;
}

/** The 64-bit timestamp at `at`. */
export function readTimestamp(bytes: Uint8Array, at: number): bigint {
  return (BigInt(readWord(bytes, at)) << 32n) | BigInt(readWord(bytes, at + 4));
}

/** Writes a 64-bit timestamp at `at`. */
export function writeTimestamp(bytes: Uint8Array, at: number, timestamp: bigint): void {
  writeWord(bytes, at, Number(BigInt.asUintN(32, timestamp >> 32n)));
  writeWord(bytes, at + 4, Number(BigInt.asUintN(32, timestamp)));
}
