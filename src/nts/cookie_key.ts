import { NativeSivKey } from "./aead/native_siv_key.ts";
import { aeadWith } from "./aead/registry.ts";
import { sivOpen, sivSeal } from "./aead/siv.ts";
import { TAG_LENGTH } from "./aead/aead.ts";
import type { NtsKeys } from "./nts_keys.ts";
import type { RandomPool } from "./random_pool.ts";

/** Length of the secret that a key of cookies is made of: AES-SIV-CMAC-256. */
export const COOKIE_SECRET_LENGTH = 32;

const ID_LENGTH = 4;
/** Random bytes in each cookie, so that no two of a session are alike. */
const NONCE_LENGTH = 16;
/** Nonce, algorithm, and two bytes that are zero. */
const CONTENT_HEADER = NONCE_LENGTH + 4;
const NOTHING: readonly Uint8Array[] = [];

/**
 * One key that cookies are made with (RFC 8915 §6). A cookie of ours is the identifier of its key in
 * four bytes, and behind it, sealed with AES-SIV: 16 random bytes, the algorithm's identifier, and
 * both keys of the session. With the random bytes inside, nothing else need be authenticated, and to
 * open a cookie takes two calls of the runtime's AES.
 */
export class CookieKey {
  /** What cookies call it: 0 to 2^32 - 1. */
  readonly id: number;
  readonly #key: NativeSivKey;

  /**
   * Expands a key.
   *
   * @param id its identifier
   * @param secret {@linkcode COOKIE_SECRET_LENGTH} bytes
   * @throws {NTPError} `unsupported` where the runtime lacks `node:crypto`
   */
  constructor(id: number, secret: Uint8Array) {
    this.id = id >>> 0;
    this.#key = new NativeSivKey(secret);
  }

  /**
   * Makes a cookie.
   *
   * @param keys what it holds
   * @param random where its random bytes come from
   * @returns new bytes: 40 more than both keys together
   */
  seal({ aead, c2s, s2c }: NtsKeys, random: RandomPool): Uint8Array {
    const content = new Uint8Array(CONTENT_HEADER + c2s.length + s2c.length);
    random.fill(content, 0, NONCE_LENGTH);
    content[NONCE_LENGTH] = aead >>> 8;
    content[NONCE_LENGTH + 1] = aead;
    content.set(c2s, CONTENT_HEADER);
    content.set(s2c, CONTENT_HEADER + c2s.length);
    const cookie = new Uint8Array(ID_LENGTH + TAG_LENGTH + content.length);
    for (let i = 0; i < ID_LENGTH; i++) cookie[i] = this.id >>> (24 - 8 * i);
    sivSeal(this.#key, NOTHING, content, cookie.subarray(ID_LENGTH));
    return cookie;
  }

  /**
   * Opens a cookie.
   *
   * @param cookie any bytes
   * @returns what it holds; `undefined` where it is none of this key's
   */
  open(cookie: Uint8Array): NtsKeys | undefined {
    const length = cookie.length - ID_LENGTH - TAG_LENGTH;
    if (!isCookieLength(cookie.length)) return undefined;
    const content = new Uint8Array(length);
    if (!sivOpen(this.#key, NOTHING, cookie.subarray(ID_LENGTH), content)) return undefined;
    const aead = (content[NONCE_LENGTH]! << 8) | content[NONCE_LENGTH + 1]!;
    const keyLength = aeadWith(aead)?.keyLength ?? 0;
    if (length !== CONTENT_HEADER + 2 * keyLength) return undefined;
    const middle = CONTENT_HEADER + keyLength;
    return { aead, c2s: content.subarray(CONTENT_HEADER, middle), s2c: content.subarray(middle) };
  }
}

/** Whether a cookie of ours can have a length: that of two keys of 16, 32, 48 or 64 bytes. */
function isCookieLength(length: number): boolean {
  const keys = length - ID_LENGTH - TAG_LENGTH - CONTENT_HEADER;
  return keys === 32 || keys === 64 || keys === 96 || keys === 128;
}

/**
 * Which key a cookie says that it was made with.
 *
 * @param cookie four bytes or more
 */
export function keyIdOf(cookie: Uint8Array): number {
  return ((cookie[0]! << 24) | (cookie[1]! << 16) | (cookie[2]! << 8) | cookie[3]!) >>> 0;
}
