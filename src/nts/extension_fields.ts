import { HEADER_LENGTH, readWord, versionOf, writeWord } from "../packet/header.ts";
import { trailerPart } from "../packet/trailer.ts";
import { type Aead, TAG_LENGTH } from "./aead/aead.ts";

/** Type of a field that gives a request a name of its own (RFC 8915 §5.3). */
export const UNIQUE_IDENTIFIER = 0x0104;
/** Type of a field with a cookie (RFC 8915 §5.4). */
export const COOKIE = 0x0204;
/** Type of a field that asks for one more cookie, and makes room for it (RFC 8915 §5.5). */
export const COOKIE_PLACEHOLDER = 0x0304;
/** Type of the field that authenticates all before it, and holds encrypted ones (RFC 8915 §5.6). */
export const AUTHENTICATOR = 0x0404;

/** Type and length, which every extension field begins with. */
export const FIELD_HEADER = 4;
/** Shortest unique identifier, in bytes (RFC 8915 §5.3). */
export const MIN_UNIQUE_IDENTIFIER = 32;
/** Longest one that is taken here. Nobody sends more than 32 bytes, but RFC 8915 has no bound. */
export const MAX_UNIQUE_IDENTIFIER = 256;
/** Cookies that a client keeps, and so the most that one reply is asked for (RFC 8915 §5.7). */
export const MAX_COOKIES = 8;
/** Longest cookie that a client takes, in bytes: with one, a request fits in any link's frames. */
export const MAX_COOKIE_LENGTH = 1024;

/** Length of some bytes, and of what makes a multiple of four of it. */
export function padded(length: number): number {
  return (length + 3) & ~3;
}

/**
 * Writes type and length of a field.
 *
 * @param bytes the packet
 * @param at where the field begins
 * @param type its type
 * @param length its length, these four bytes included
 */
export function writeFieldHeader(
  bytes: Uint8Array,
  at: number,
  type: number,
  length: number,
): void {
  writeWord(bytes, at, (type << 16) | length);
}

/** {@linkcode NtsFields.read}: the fields are those of a packet of NTS, one of each kind. */
export const NTS_FIELDS = 0;
/** {@linkcode NtsFields.read}: there is no authenticator: a packet without NTS. */
export const NO_NTS_FIELDS = 1;
/** {@linkcode NtsFields.read}: some fields are missing, or there twice, or have a wrong form. */
export const BAD_NTS_FIELDS = 2;

/**
 * The fields of NTS in a packet, by where they stand (RFC 8915 §5.7). One object reads packet after
 * packet; it allocates nothing and never throws.
 *
 * What stands behind the authenticator is not authenticated, and therefore not there.
 */
export class NtsFields {
  /** Where the unique identifier begins, behind type and length; its length. */
  uniqueIdentifierAt = 0;
  uniqueIdentifierLength = 0;
  /** Where the cookie begins, if there is one, and its length with padding; 0, there is none. */
  cookieAt = 0;
  cookieLength = 0;
  /** How many placeholders there are as long as the cookie. */
  placeholders = 0;
  /** Where the authenticator begins, and so how many bytes are authenticated; its length. */
  authenticatorAt = 0;
  authenticatorLength = 0;
  /** Where the nonce begins, and its length. */
  nonceAt = 0;
  nonceLength = 0;
  /** Where the ciphertext begins, and its length, tag included. */
  ciphertextAt = 0;
  ciphertextLength = 0;

  /**
   * Finds the fields.
   *
   * @param bytes holds a packet of 48 bytes or more at its beginning
   * @param length length of the packet
   * @returns {@linkcode NTS_FIELDS}, {@linkcode NO_NTS_FIELDS} or {@linkcode BAD_NTS_FIELDS}
   */
  read(bytes: Uint8Array, length: number): number {
    let identifiers = 0, cookies = 0, authenticators = 0, at = HEADER_LENGTH;
    this.uniqueIdentifierLength = this.cookieLength = this.placeholders = 0;
    const version = versionOf(bytes[0]!);
    for (let part; (part = trailerPart(bytes, at, length, version)) > 0; at += part) {
      const type = readWord(bytes, at) >>> 16;
      if (type === AUTHENTICATOR && authenticators++ === 0) {
        this.authenticatorAt = at;
        this.authenticatorLength = part;
      }
      if (authenticators > 0) continue;
      if (type === UNIQUE_IDENTIFIER) {
        identifiers++;
        this.uniqueIdentifierAt = at + FIELD_HEADER;
        this.uniqueIdentifierLength = part - FIELD_HEADER;
      } else if (type === COOKIE) {
        cookies++;
        this.cookieAt = at + FIELD_HEADER;
        this.cookieLength = part - FIELD_HEADER;
      }
    }
    if (authenticators === 0) return cookies === 0 ? NO_NTS_FIELDS : BAD_NTS_FIELDS;
    const isWhole = authenticators === 1 && identifiers === 1 && cookies <= 1 &&
      this.uniqueIdentifierLength >= MIN_UNIQUE_IDENTIFIER && this.#readAuthenticator(bytes);
    if (!isWhole) return BAD_NTS_FIELDS;
    // Placeholders are as long as the cookie, which may stand behind them (RFC 8915 §5.5).
    this.#countPlaceholders(bytes);
    return NTS_FIELDS;
  }

  /**
   * Whether nonce and ciphertext have lengths that an algorithm has.
   *
   * @param aead the algorithm
   */
  suits(aead: Aead): boolean {
    return this.nonceLength >= aead.minNonceLength && this.nonceLength <= aead.maxNonceLength;
  }

  /**
   * Whether there is as much room for the server's nonce as there must be (RFC 8915 §5.6): else the
   * reply would be longer than the request.
   *
   * @param aead the algorithm
   */
  hasRoomForNonce(aead: Aead): boolean {
    const wanted = padded(Math.min(16, aead.maxNonceLength));
    const nonce = Math.max(wanted, padded(this.nonceLength));
    return this.authenticatorLength >= 8 + nonce + padded(this.ciphertextLength);
  }

  /** Lengths of nonce and ciphertext; false, they cannot be (RFC 8915 §5.6). */
  #readAuthenticator(bytes: Uint8Array): boolean {
    const lengths = readWord(bytes, this.authenticatorAt + FIELD_HEADER);
    this.nonceAt = this.authenticatorAt + FIELD_HEADER + 4;
    this.nonceLength = lengths >>> 16;
    this.ciphertextAt = this.nonceAt + padded(this.nonceLength);
    this.ciphertextLength = lengths & 0xffff;
    return this.nonceLength > 0 && this.ciphertextLength >= TAG_LENGTH &&
      this.ciphertextAt + padded(this.ciphertextLength) <=
        this.authenticatorAt + this.authenticatorLength;
  }

  #countPlaceholders(bytes: Uint8Array): void {
    for (let at = HEADER_LENGTH; at < this.authenticatorAt;) {
      const word = readWord(bytes, at), length = word & 0xffff;
      if (isPlaceholder(word, this.cookieLength)) this.placeholders++;
      at += length;
    }
  }
}

/** Whether the first word of a field is that of a placeholder as long as the cookie. */
function isPlaceholder(word: number, cookieLength: number): boolean {
  return word >>> 16 === COOKIE_PLACEHOLDER && (word & 0xffff) === cookieLength + FIELD_HEADER;
}

/** {@linkcode encryptedPart}: what was encrypted is no sequence of fields. */
export const BAD_ENCRYPTED_FIELD = -1;

/**
 * Length of the encrypted field that begins at `at`. They may be shorter than others, but each has a
 * header, and a multiple of four bytes (RFC 8915 §5.6).
 *
 * @param plaintext what was decrypted
 * @param at where the field begins
 * @returns its length; 0 at the end; {@linkcode BAD_ENCRYPTED_FIELD}
 */
export function encryptedPart(plaintext: Uint8Array, at: number): number {
  const rest = plaintext.length - at;
  if (rest === 0) return 0;
  if (rest < FIELD_HEADER) return BAD_ENCRYPTED_FIELD;
  const length = readWord(plaintext, at) & 0xffff;
  return length < FIELD_HEADER || length > rest || (length & 3) !== 0
    ? BAD_ENCRYPTED_FIELD
    : length;
}

/**
 * How many placeholders are among encrypted fields, where they may be too (RFC 8915 §5.7).
 *
 * @param plaintext what was decrypted
 * @param cookieLength length of the request's cookie
 * @returns {@linkcode BAD_ENCRYPTED_FIELD} where these are no fields
 */
export function encryptedPlaceholders(plaintext: Uint8Array, cookieLength: number): number {
  let count = 0, at = 0, part;
  while ((part = encryptedPart(plaintext, at)) > 0) {
    if (isPlaceholder(readWord(plaintext, at), cookieLength)) count++;
    at += part;
  }
  return part < 0 ? BAD_ENCRYPTED_FIELD : count;
}
