import { checkKeys } from "./check_keys.ts";
import { COOKIE_SECRET_LENGTH, CookieKey, keyIdOf } from "./cookie_key.ts";
import type { CookieKeys } from "./cookie_keys.ts";
import { checkRotation } from "./cookie_rotation.ts";
import type { NtsKeys } from "./nts_keys.ts";
import { type NtsRandom, RandomPool, systemRandom } from "./random_pool.ts";

/** A key of cookies, as it is saved. */
export interface SavedCookieKey {
  /** Its identifier. */
  readonly id: number;
  /** When it was made: milliseconds since 1970. */
  readonly createdMs: number;
  /** The secret, 32 bytes. */
  readonly secret: Uint8Array;
}

/** Options of {@linkcode RotatingCookieKeys}. */
export interface RotatingCookieKeysOptions {
  /** How long a key makes cookies, in seconds, 1 or more. Default 86400: a day. */
  rotateSeconds?: number;
  /**
   * Through how many rotations a cookie stays good, 1 to 64. Default 2: for two to three days of
   * `rotateSeconds`, longer than any client waits between two requests.
   */
  keep?: number;
  /** Keys to begin with, the newest first. Default: a new one. */
  saved?: readonly SavedCookieKey[];
  /** Told of all keys, the newest first, when there is a new one. They are secret. Default: nobody. */
  onRotate?: (keys: readonly SavedCookieKey[]) => void;
  /** Milliseconds since 1970. Default: `Date.now`. */
  now?: () => number;
  /** Fills bytes with random ones. Default: `crypto.getRandomValues`. */
  random?: NtsRandom;
}

interface Generation {
  readonly saved: SavedCookieKey;
  readonly key: CookieKey;
}

/**
 * Keys for cookies that are random, each the newest for a day: for one server. To be saved, so that a
 * restart does not send every client back to the key exchange: `openCookieKeyFile()` does.
 *
 * @example A cookie survives a rotation
 * ```ts
 * import { RotatingCookieKeys } from "@ntps/ntps/nts";
 * import { assertEquals } from "@std/assert";
 *
 * const cookieKeys = new RotatingCookieKeys({ keep: 2 });
 * const keys = { aead: 15, c2s: new Uint8Array(32).fill(1), s2c: new Uint8Array(32).fill(2) };
 * const cookie = cookieKeys.seal(keys);
 * cookieKeys.rotate();
 * assertEquals(cookieKeys.open(cookie), keys);
 * cookieKeys.rotate();
 * cookieKeys.rotate();
 * assertEquals(cookieKeys.open(cookie), undefined);
 * ```
 */
export class RotatingCookieKeys implements CookieKeys {
  readonly #rotateMs: number;
  readonly #keep: number;
  readonly #onRotate: ((keys: readonly SavedCookieKey[]) => void) | undefined;
  readonly #now: () => number;
  readonly #random: NtsRandom;
  readonly #pool: RandomPool;
  /** The newest first. */
  #generations: Generation[] = [];

  /**
   * Makes a set of keys.
   *
   * @param options all optional
   * @throws {TypeError} if an option has the wrong type
   * @throws {RangeError} if an option is out of range
   * @throws {NTPError} `unsupported` where the runtime lacks `node:crypto`
   */
  constructor(options: RotatingCookieKeysOptions = {}) {
    const { rotateSeconds = 86400, keep = 2, saved = [], onRotate } = options;
    checkRotation({ rotateSeconds, keep });
    this.#rotateMs = rotateSeconds * 1000;
    this.#keep = keep;
    this.#onRotate = onRotate;
    this.#now = options.now ?? Date.now;
    this.#random = options.random ?? systemRandom;
    this.#pool = new RandomPool(this.#random);
    this.#generations = saved.slice(0, keep + 1).map(generationOf);
    if (this.#generations.length === 0) this.rotate();
  }

  /** How many keys open cookies. */
  get size(): number {
    return this.#generations.length;
  }

  /**
   * Makes a cookie with the newest key.
   *
   * @param keys what it holds
   * @throws {RangeError} if the algorithm is unknown, or a key has a wrong length
   */
  seal(keys: NtsKeys): Uint8Array {
    checkKeys(keys);
    this.#rotateInTime();
    return this.#generations[0]!.key.seal(keys, this.#pool);
  }

  /**
   * Opens a cookie made with any key that is kept. Never throws.
   *
   * @param cookie any bytes
   */
  open(cookie: Uint8Array): NtsKeys | undefined {
    if (cookie.length < 4) return undefined;
    const id = keyIdOf(cookie);
    for (const { key } of this.#generations) {
      if (key.id === id) return key.open(cookie);
    }
    return undefined;
  }

  /** Makes a new key now, and forgets the oldest where there are more than are kept. */
  rotate(): void {
    const secret = new Uint8Array(COOKIE_SECRET_LENGTH);
    this.#random(secret);
    const id = this.#generations[0] === undefined ? 1 : (this.#generations[0].key.id + 1) >>> 0;
    const newest = generationOf({ id, createdMs: this.#now(), secret });
    this.#generations = [newest, ...this.#generations.slice(0, this.#keep)];
    this.#onRotate?.(this.#generations.map(({ saved }) => saved));
  }

  /** How many keys there are: never the keys. */
  toJSON(): { size: number } {
    return { size: this.size };
  }

  /** A key of the future was made while the clock was wrong, and is replaced like one too old. */
  #rotateInTime(): void {
    const age = this.#now() - this.#generations[0]!.saved.createdMs;
    if (age >= this.#rotateMs || age < -this.#rotateMs) this.rotate();
  }
}

function generationOf({ id, createdMs, secret }: SavedCookieKey): Generation {
  if (!(secret instanceof Uint8Array) || secret.length !== COOKIE_SECRET_LENGTH) {
    throw new RangeError(`saved: a secret is a Uint8Array of ${COOKIE_SECRET_LENGTH} bytes`);
  }
  if (!Number.isInteger(id) || id < 0 || id > 0xffffffff || !Number.isFinite(createdMs)) {
    throw new RangeError("saved: id is a whole number below 2^32, and createdMs a number");
  }
  return { saved: { id, createdMs, secret: secret.slice() }, key: new CookieKey(id, secret) };
}
