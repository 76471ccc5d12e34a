import { checkKeys } from "./check_keys.ts";
import { COOKIE_SECRET_LENGTH, CookieKey, keyIdOf } from "./cookie_key.ts";
import type { CookieKeys } from "./cookie_keys.ts";
import { checkRotation } from "./cookie_rotation.ts";
import { hkdfSha256 } from "./hkdf.ts";
import type { NtsKeys } from "./nts_keys.ts";
import { type NtsRandom, RandomPool, systemRandom } from "./random_pool.ts";

/** Shortest secret, in bytes. */
const MIN_SECRET = 32;
const NO_SALT = new Uint8Array(0);
/** What the derived keys are for, before the number of the time slot. */
const PURPOSE = "ntps cookie key 1 ";

/** Options of {@linkcode SharedCookieKeys}. */
export interface SharedCookieKeysOptions {
  /** What all servers share and nobody else knows: 32 random bytes or more. They are copied. */
  secret: Uint8Array;
  /** How long a key makes cookies, in seconds, 1 or more: the same everywhere. Default 86400. */
  rotateSeconds?: number;
  /** Through how many rotations a cookie stays good, 1 to 64. Default 2. */
  keep?: number;
  /** Milliseconds since 1970. Default: `Date.now`. */
  now?: () => number;
  /** Fills bytes with random ones. Default: `crypto.getRandomValues`. */
  random?: NtsRandom;
}

/**
 * Keys for cookies that many servers have without telling each other: derived from a secret that they
 * share and from the time (HKDF, RFC 5869). So several machines can stand behind one address, and any
 * of them, or another process, can do the key exchange: whatever it is, all open each other's cookies.
 *
 * Clocks need to agree within one time slot only. A secret that became known opens old cookies, too;
 * change it everywhere then, and clients come back to the key exchange.
 *
 * @example Two servers behind one address
 * ```ts
 * import { SharedCookieKeys } from "@ntps/ntps/nts";
 * import { assertEquals } from "@std/assert";
 *
 * const secret = crypto.getRandomValues(new Uint8Array(32)); // both read it from a file, say
 * const one = new SharedCookieKeys({ secret }), other = new SharedCookieKeys({ secret });
 * const keys = { aead: 15, c2s: new Uint8Array(32).fill(1), s2c: new Uint8Array(32).fill(2) };
 * assertEquals(other.open(one.seal(keys)), keys);
 * ```
 */
export class SharedCookieKeys implements CookieKeys {
  readonly #secret: Uint8Array;
  readonly #rotateMs: number;
  readonly #keep: number;
  readonly #now: () => number;
  readonly #pool: RandomPool;
  /** By time slot: those that cookies may be made with, and no others. */
  readonly #keys = new Map<number, CookieKey>();

  /**
   * Makes a set of keys.
   *
   * @param options the secret, and how it is used
   * @throws {TypeError} if the secret is no Uint8Array
   * @throws {RangeError} if an option is out of range
   * @throws {NTPError} `unsupported` where the runtime lacks `node:crypto`
   */
  constructor(options: SharedCookieKeysOptions) {
    const { secret, rotateSeconds = 86400, keep = 2 } = options;
    if (!(secret instanceof Uint8Array)) {
      throw new TypeError(`secret is a Uint8Array, not ${typeof secret}`);
    }
    if (secret.length < MIN_SECRET) {
      throw new RangeError(`secret has ${MIN_SECRET} bytes or more, not ${secret.length}`);
    }
    checkRotation({ rotateSeconds, keep });
    this.#secret = secret.slice();
    this.#rotateMs = rotateSeconds * 1000;
    this.#keep = keep;
    this.#now = options.now ?? Date.now;
    this.#pool = new RandomPool(options.random ?? systemRandom);
    this.#keyOf(this.#slot()); // what does not work must not be found out by a packet
  }

  /**
   * Makes a cookie with the newest key.
   *
   * @param keys what it holds
   * @throws {RangeError} if the algorithm is unknown, or a key has a wrong length
   */
  seal(keys: NtsKeys): Uint8Array {
    checkKeys(keys);
    return this.#keyOf(this.#slot()).seal(keys, this.#pool);
  }

  /**
   * Opens a cookie made with any key that is kept. Never throws.
   *
   * @param cookie any bytes
   */
  open(cookie: Uint8Array): NtsKeys | undefined {
    if (cookie.length < 4) return undefined;
    const now = this.#slot();
    // Another server's clock may have come to the next slot already.
    const age = (now - keyIdOf(cookie)) | 0;
    return age < -1 || age > this.#keep ? undefined : this.#keyOf(now - age).open(cookie);
  }

  /** Nothing: all that there is, is secret. */
  toJSON(): Record<string, never> {
    return {};
  }

  #slot(): number {
    return Math.floor(this.#now() / this.#rotateMs);
  }

  #keyOf(slot: number): CookieKey {
    let key = this.#keys.get(slot);
    if (key === undefined) {
      const info = new TextEncoder().encode(PURPOSE + slot);
      key = new CookieKey(slot, hkdfSha256(this.#secret, NO_SALT, info, COOKIE_SECRET_LENGTH));
      this.#keys.set(slot, key);
      if (this.#keys.size > this.#keep + 2) this.#forgetFarFrom(slot);
    }
    return key;
  }

  #forgetFarFrom(slot: number): void {
    let farthest = slot;
    for (const other of this.#keys.keys()) {
      if (Math.abs(other - slot) > Math.abs(farthest - slot)) farthest = other;
    }
    this.#keys.delete(farthest);
  }
}
