import type { NtsKeys } from "./nts_keys.ts";

/**
 * The keys that a server makes its cookies with, and opens them again (RFC 8915 §6). Key exchange and
 * NTP server have the same set; nothing else passes between them.
 */
export interface CookieKeys {
  /**
   * Makes a cookie with the newest key.
   *
   * @param keys what it holds: the session's algorithm and keys
   * @returns new bytes
   * @throws {RangeError} if the algorithm is unknown, or a key has a wrong length
   */
  seal(keys: NtsKeys): Uint8Array;
  /**
   * Opens a cookie, with any key of the set. Never throws.
   *
   * @param cookie any bytes
   * @returns what it holds; `undefined` where it was not made with one of these keys
   */
  open(cookie: Uint8Array): NtsKeys | undefined;
}
