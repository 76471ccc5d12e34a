import { NTPError } from "../packet/error.ts";
import { parseIpPrefix } from "../packet/ip_prefix.ts";
import { type KeyFileFormat, secretOf } from "./key_secret.ts";
import { KeyStore, type RestrictedKey } from "./key_store.ts";
import { keyTypeNamed } from "./key_type_name.ts";
import { KEY_TYPES, SymmetricKey } from "./symmetric_key.ts";

/** Options of {@linkcode parseKeyFile}. */
export interface KeyFileOptions {
  /** What errors call the file. Default `"keys"`. */
  name?: string;
  /**
   * Whose rules decide where chrony and ntpd read the same line differently.
   *
   * - `"chrony"`: a key without `HEX:` is text, `#` is part of it, and there are no addresses;
   * - `"ntpd"`: a key of up to 20 characters is text, a longer one hexadecimal; `#` ends a line.
   *
   * Default: both formats in one file. A key of more than 20 hexadecimal digits then is hexadecimal,
   * as for ntpd; what else they would not agree on is an error.
   */
  format?: KeyFileFormat;
}

/** A word of a line, and the column it begins in, from 1. */
interface Word {
  readonly text: string;
  readonly column: number;
}

/** What is wrong, and in which column. */
class Fault extends Error {
  readonly column: number;

  constructor(what: string, column: number) {
    super(what);
    this.column = column;
  }
}

/**
 * Reads the text of a key file as chrony and ntpd have it: a line is `ID TYPE KEY`, `ID KEY` (chrony:
 * MD5), or `ID TYPE KEY ADDRESSES` (ntpd).
 *
 * - `ID` is a number from 1 to 2^32 - 1; ntpd knows those up to 65535.
 * - `TYPE` is `MD5`, `SHA1`, `SHA256`, `SHA384`, `SHA512`, `AES128` or `AES256`, in capitals or not;
 *   or what ntpd calls them: `M`, `AES128CMAC`, and NTPsec: `AES`, `AES-128`, `AES-256`.
 * - `KEY` is text, hexadecimal digits, or either with `ASCII:` or `HEX:` before it, as chrony has it.
 *   One of more than 20 characters without those is hexadecimal if there are such digits only, else
 *   text; see {@linkcode KeyFileOptions.format}. In `ID KEY` it is text.
 * - `ADDRESSES` are those of the hosts whose packets the key is good for, with commas in between:
 *   `192.0.2.1,2001:db8::/32`. A server obeys them for its clients; ntpd does for its servers only.
 * - Lines that begin with `!`, `;`, `#` or `%` are comments, as is what stands behind a `#`.
 *
 * Errors tell no part of a key, nor of any other word, since a key may stand in a wrong place.
 *
 * @param text content of the file
 * @param options name for errors, and format
 * @throws {TypeError} if an option is wrong
 * @throws {NTPError} `malformed`, with name, line and column: a line that is none of these, a type that
 * is unknown, a key of a wrong length, an identifier given twice, or no key at all
 *
 * @example One key for chrony, one for ntpd
 * ```ts
 * import { parseKeyFile } from "@ntps/ntps";
 * import { assertEquals } from "@std/assert";
 *
 * const keys = parseKeyFile(`
 *   1 AES128 HEX:000102030405060708090A0B0C0D0E0F
 *   2 SHA1 0001020304050607080910111213141516171819 192.0.2.0/24 # ours
 * `);
 * assertEquals([...keys].map(({ id, type }) => `${id} ${type}`), ["1 AES128", "2 SHA1"]);
 * ```
 */
export function parseKeyFile(text: string, options: KeyFileOptions = {}): KeyStore {
  const { name = "keys", format } = options;
  if (format !== undefined && format !== "chrony" && format !== "ntpd") {
    throw new TypeError(`format is "chrony" or "ntpd", not ${String(format)}`);
  }
  const keys: (SymmetricKey | RestrictedKey)[] = [];
  const lineOf = new Map<number, number>();
  text.replace(/^\uFEFF/, "").split("\n").forEach((line, index) => {
    try {
      const words = wordsOf(line, format);
      if (words.length === 0) return;
      const id = parseId(words[0]!);
      const before = lineOf.get(id);
      if (before !== undefined) {
        throw new Fault(`key ${id} is in line ${before} already`, words[0]!.column);
      }
      lineOf.set(id, index + 1);
      keys.push(parseKey(id, words.slice(1), line, format));
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      const place = `${name}:${index + 1}:${error.column}`;
      throw new NTPError("malformed", `${place}: ${error.message}`);
    }
  });
  if (keys.length === 0) {
    throw new NTPError("malformed", `${name}:1:1: there is no key in it; a line is ID TYPE KEY`);
  }
  return new KeyStore(keys);
}

/** The words of a line; none of a comment. */
function wordsOf(line: string, format: KeyFileFormat | undefined): Word[] {
  const words: Word[] = [];
  const comments = format === "ntpd" ? "#" : "!;#%";
  for (const { 0: text, index } of line.matchAll(/[^ \t\v\f\r]+/g)) {
    const column = index + 1;
    if (words.length === 0 && comments.includes(text[0]!)) break;
    const end = format === "ntpd" ? text.indexOf("#") : -1;
    if (end > 0) words.push({ text: text.slice(0, end), column });
    if (end >= 0 || (format === undefined && text[0] === "#")) break;
    words.push({ text, column });
  }
  return words;
}

function parseId({ text, column }: Word): number {
  const id = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (id >= 1 && id <= 0xffffffff) return id;
  throw new Fault("a line begins with the key's id, a number from 1 to 4294967295", column);
}

/** The key that the words behind the id describe. */
function parseKey(
  id: number,
  words: readonly Word[],
  line: string,
  format: KeyFileFormat | undefined,
): SymmetricKey | RestrictedKey {
  const [first, second, addresses, junk] = words;
  const endOfLine = line.trimEnd().length + 1;
  if (first === undefined) throw new Fault("there is no type and no key behind the id", endOfLine);
  const isBare = second === undefined && format !== "ntpd";
  const type = isBare ? "MD5" : keyTypeNamed(first.text);
  if (isBare && format === undefined && keyTypeNamed(first.text) !== undefined) {
    throw new Fault("there is no key behind the type", endOfLine);
  }
  if (type === undefined) {
    const fault = `this is not a type of key: there are ${KEY_TYPES.join(", ")}`;
    throw new Fault(
      `${fault}; a line is ID TYPE KEY, and there are no blanks in a key`,
      first.column,
    );
  }
  const word = isBare ? first : second;
  if (word === undefined) throw new Fault("there is no key behind the type", endOfLine);
  if (addresses !== undefined && format === "chrony") {
    throw new Fault("nothing follows the key, in which there are no blanks", addresses.column);
  }
  if (junk !== undefined) throw new Fault("nothing follows the addresses", junk.column);
  const secret = secretOf(word.text, isBare ? "chrony" : format);
  if (typeof secret === "string") throw new Fault(secret, word.column);
  let key: SymmetricKey;
  try {
    key = new SymmetricKey({ id, type, secret });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new Fault(error.message, word.column);
  }
  return addresses === undefined ? key : { key, prefixes: parseAddresses(addresses) };
}

function parseAddresses({ text, column }: Word): string[] {
  let at = column;
  return text.split(",").map((prefix) => {
    if (typeof parseIpPrefix(prefix) === "string") {
      throw new Fault(
        "behind the key are the addresses that it is for, such as 192.0.2.1,2001:db8::/32, without " +
          "bits set behind a prefix; in a key there are no blanks",
        at,
      );
    }
    at += prefix.length + 1;
    return prefix;
  });
}
