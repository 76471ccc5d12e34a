import { HEADER_LENGTH, readWord } from "../packet/header.ts";

/** Extension field that fills up a packet. */
export const PADDING = 0xf501;
/** Extension field with a message authentication code. */
export const MAC = 0xf502;
/** Extension field that asks for a piece of the server's {@linkcode ReferenceIdFilter}. */
export const REFERENCE_IDS_REQUEST = 0xf503;
/** Extension field with that piece. */
export const REFERENCE_IDS_RESPONSE = 0xf504;
/** Extension field that tells the versions a server has. */
export const SERVER_INFORMATION = 0xf505;
/** Extension field that tells when the clock was last set. */
export const REFERENCE_TIMESTAMP = 0xf507;
/** Extension field with the name of the draft, for as long as it is one. */
export const DRAFT_IDENTIFICATION = 0xf5ff;
/** Authenticator of NTS (RFC 8915 §5.6). */
export const NTS_AUTHENTICATOR = 0x0404;

/** {@linkcode fieldLengthAt}: what stands there is no field. */
export const NO_FIELD = -1;

/**
 * Length of the extension field at `at`, as the field tells it: its header of 4 bytes included, the
 * zeros that fill it up to a multiple of 4 not. The rules are not those of NTPv4 (RFC 7822): a field
 * may be of any length from 4, and what comes last is a field too.
 *
 * @param bytes the packet
 * @param at where the field begins
 * @param end where the packet ends
 * @returns the length; 0 at the end; {@linkcode NO_FIELD}
 */
export function fieldLengthAt(bytes: Uint8Array, at: number, end: number): number {
  const rest = end - at;
  if (rest === 0) return 0;
  if (rest < 4) return NO_FIELD;
  const length = readWord(bytes, at) & 0xffff;
  return length < 4 || paddedLength(length) > rest ? NO_FIELD : length;
}

/**
 * What a field takes of a packet.
 *
 * @param length as {@linkcode fieldLengthAt} tells it
 */
export function paddedLength(length: number): number {
  return (length + 3) & ~3;
}

/**
 * Whether the rest of a packet, all behind its header, is extension fields.
 *
 * @param bytes the packet
 * @param length its length
 */
export function hasGoodFields(bytes: Uint8Array, length: number): boolean {
  let at = HEADER_LENGTH, field: number;
  while ((field = fieldLengthAt(bytes, at, length)) > 0) at += paddedLength(field);
  return field === 0;
}
