/** Which daemon's rules a key file is read by; see {@linkcode KeyFileOptions}. */
export type KeyFileFormat = "chrony" | "ntpd";

/** Longest key that ntpd takes for text; a longer one is hexadecimal. */
export const MAX_NTPD_TEXT = 20;
/** Of a longer hexadecimal key ntpd silently leaves out the rest. */
const MAX_NTPD_DIGITS = 64;

/**
 * The bytes that a key in a file stands for.
 *
 * @param word the key as written
 * @param format whose rules; `undefined`: those of either, where they do not contradict each other
 * @returns the bytes, or, as text, what is wrong, without any part of the key
 */
export function secretOf(word: string, format: KeyFileFormat | undefined): Uint8Array | string {
  if (format !== "ntpd") {
    if (word.startsWith("ASCII:")) return bytesOf(word.slice(6));
    if (word.startsWith("HEX:")) return hexBytes(word.slice(4));
    if (format === "chrony") return bytesOf(word);
    if (word.includes("#")) {
      return "a # in a key is part of it for chrony and ends it for ntpd: say which format this is, " +
        "or begin the key with ASCII:";
    }
  }
  if (word.length <= MAX_NTPD_TEXT) return bytesOf(word);
  if (format === undefined && !/^[0-9a-f]+$/i.test(word)) return bytesOf(word);
  if (word.length > MAX_NTPD_DIGITS) {
    return `a hexadecimal key of more than ${MAX_NTPD_DIGITS} digits, of which ntpd would leave out ` +
      "the rest: begin it with HEX: (chrony), or shorten it";
  }
  return hexBytes(word);
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function hexBytes(digits: string): Uint8Array | string {
  const at = digits.search(/[^0-9a-f]/i);
  if (at >= 0) return `character ${at + 1} of the hexadecimal key is no hexadecimal digit`;
  if (digits.length % 2 !== 0) return "the hexadecimal key has an odd number of digits";
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}
