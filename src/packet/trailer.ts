/**
 * What may stand behind the header: extension fields and a message authentication code (MAC), told
 * apart by length alone (RFC 7822 §3). One function knows the rules; the decoder, the responder and
 * the client walk the trailer with it.
 */

import { readWord } from "./header.ts";

/** Shortest extension field, header included (RFC 7822 §3). */
export const MIN_FIELD_LENGTH = 16;
/** Shortest last extension field of a packet without MAC (RFC 7822 §3). */
export const MIN_LAST_FIELD_LENGTH = 28;
/** Longest MAC of version 4: key identifier and 20 bytes of digest. */
export const MAX_MAC_LENGTH = 24;
/** A MAC without digest: a crypto-NAK (RFC 5905 §9.2). */
export const CRYPTO_NAK_LENGTH = 4;

/** {@linkcode trailerPart}: the rest of the packet is no multiple of four bytes. */
export const UNALIGNED = -1;
/** {@linkcode trailerPart}: an extension field claims fewer than 16 bytes. */
export const FIELD_TOO_SHORT = -2;
/** {@linkcode trailerPart}: an extension field claims more bytes than there are. */
export const FIELD_TOO_LONG = -3;
/** {@linkcode trailerPart}: an extension field's length is no multiple of four. */
export const FIELD_UNALIGNED = -5;
/** {@linkcode trailerPart}: the rest is too short for a field and no MAC has that length. */
export const NO_SUCH_MAC = -6;

/**
 * Before version 4 there are no extension fields, so a MAC may have any length in use: DES (12),
 * MD5 (20), SHA-1 (24), SHA-256 (36), SHA-384 (52), SHA-512 (68), MS-SNTP extended (72).
 */
function isOldMac(length: number): boolean {
  return length === 4 || length === 12 || length === 20 || length === 24 || length === 36 ||
    length === 52 || length === 68 || length === 72;
}

/**
 * What stands in `bytes[at, end)`, the whole rest of a packet. Allocates nothing.
 *
 * @param bytes the packet
 * @param at where the rest begins
 * @param end where the packet ends
 * @param version the packet's version, 1 to 4
 * @returns length of the extension field that begins at `at`; 0 when nothing is left; the negated
 * length of the MAC that the rest is; or one of the (odd or -2 or -6) constants above
 */
export function trailerPart(bytes: Uint8Array, at: number, end: number, version: number): number {
  const rest = end - at;
  if (rest === 0) return 0;
  if ((rest & 3) !== 0) return UNALIGNED;
  if (version < 4) return isOldMac(rest) ? -rest : NO_SUCH_MAC;
  if (rest <= MAX_MAC_LENGTH) {
    // RFC 7822 §3: a field that ends the packet has 28 bytes at least, so this can only be a MAC.
    return rest === CRYPTO_NAK_LENGTH || rest === 20 || rest === 24 ? -rest : NO_SUCH_MAC;
  }
  const length = readWord(bytes, at) & 0xffff;
  if (length < MIN_FIELD_LENGTH) return FIELD_TOO_SHORT;
  if ((length & 3) !== 0) return FIELD_UNALIGNED;
  return length > rest ? FIELD_TOO_LONG : length;
}
