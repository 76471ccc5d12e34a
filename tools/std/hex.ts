/**
 * Stands in for `@std/encoding/hex` where JSR cannot be reached, and on Bun and Node.
 *
 * @module
 */

const encoder = new TextEncoder();
const PAIRS: string[] = Array.from(
  { length: 256 },
  (_, byte) => byte.toString(16).padStart(2, "0"),
);

/** Bytes as lower-case hexadecimal; text is taken as UTF-8. */
export function encodeHex(src: string | Uint8Array | ArrayBuffer): string {
  const bytes = typeof src === "string" ? encoder.encode(src) : new Uint8Array(src);
  let text = "";
  for (const byte of bytes) text += PAIRS[byte];
  return text;
}

/**
 * Hexadecimal of either case as bytes.
 *
 * Throws a `RangeError` for an odd number of digits, a `TypeError` for anything that is no digit.
 */
export function decodeHex(src: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(src.length >> 1);
  for (let at = 0; at < bytes.length; at++) {
    bytes[at] = digit(src, at * 2) << 4 | digit(src, at * 2 + 1);
  }
  if (src.length % 2 === 0) return bytes;
  digit(src, src.length - 1);
  throw new RangeError(
    `Cannot decode the hex string as the input should have an even length: length is ${src.length}`,
  );
}

function digit(src: string, at: number): number {
  const code = src.charCodeAt(at);
  if (code >= 48 && code <= 57) return code - 48;
  const letter = code | 0x20;
  if (code < 128 && letter >= 97 && letter <= 102) return letter - 87;
  throw new TypeError(
    `Cannot decode the hex string: "${src[at]}" at position ${at} is no hexadecimal digit`,
  );
}
