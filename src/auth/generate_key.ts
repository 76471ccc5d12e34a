import { type KeyFileFormat, MAX_NTPD_TEXT } from "./key_secret.ts";
import { type KeyType, secretLengthOf, SymmetricKey } from "./symmetric_key.ts";

/** 64 characters that mean themselves in a key file and in a shell. */
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Options of {@linkcode generateKey}. */
export interface GenerateKeyOptions {
  /** Identifier, 1 to 2^32 - 1; ntpd knows those up to 65535. Default 1. */
  id?: number;
  /**
   * Who is to read the line of a key for AES: chrony (and this library), or ntpd and NTPsec (and this
   * library). ntpd has no AES256, NTPsec does. All read the lines of the other types. Default
   * `"chrony"`.
   */
  format?: KeyFileFormat;
  /** Fills bytes with random ones. Default: `crypto.getRandomValues`. */
  random?: (into: Uint8Array) => void;
}

/** A new key. */
export interface GeneratedKey {
  /** The key. */
  readonly key: SymmetricKey;
  /**
   * The line of a key file that describes it, without the end of the line. It is the secret: a file
   * that it is written to is for its owner only (mode 600).
   */
  readonly line: string;
}

/**
 * Makes a key of random bytes.
 *
 * A key for a digest is 20 characters of 64, 120 bits in all: longer text, and any hexadecimal digits,
 * would be read by chrony in one way and by ntpd in another. One for AES has all the bits there are, in
 * hexadecimal; for that the two have different names and forms anyway.
 *
 * @param type the type of key; `"AES128"` is what RFC 8573 asks for
 * @param options identifier, format and randomness
 * @throws {TypeError} if the type is unknown or an option is wrong
 * @throws {RangeError} if the identifier is out of range
 * @throws {NTPError} `unsupported` where the runtime lacks the algorithm
 *
 * @example A key that chrony, ntpd and this library read in the same way
 * ```ts
 * import { generateKey, parseKeyFile } from "@ntps/ntps";
 * import { assertEquals, assertMatch } from "@std/assert";
 *
 * const { key, line } = generateKey("SHA1", { id: 7 });
 * assertMatch(line, /^7 SHA1 [\w-]{20}$/);
 * const message = new Uint8Array(48);
 * assertEquals(parseKeyFile(line).get(7)?.verify(message, key.sign(message, 4), 4), true);
 * ```
 */
export function generateKey(type: KeyType, options: GenerateKeyOptions = {}): GeneratedKey {
  const { id = 1, format = "chrony" } = options;
  if (format !== "chrony" && format !== "ntpd") {
    throw new TypeError(`format is "chrony" or "ntpd", not ${String(format)}`);
  }
  const random = options.random ??
    ((into) => void crypto.getRandomValues(into as Uint8Array<ArrayBuffer>));
  const length = secretLengthOf(type);
  const secret = new Uint8Array(length ?? MAX_NTPD_TEXT);
  random(secret);
  if (length === undefined) {
    secret.forEach((byte, at) => secret[at] = ALPHABET.charCodeAt(byte & 63));
    const key = new SymmetricKey({ id, type, secret });
    return { key, line: `${id} ${type} ${String.fromCharCode(...secret)}` };
  }
  const key = new SymmetricKey({ id, type, secret });
  const digits = Array.from(secret, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const ntpdName = type === "AES128" ? "AES128CMAC" : "AES-256";
  return {
    key,
    line: format === "ntpd" ? `${id} ${ntpdName} ${digits}` : `${id} ${type} HEX:${digits}`,
  };
}
