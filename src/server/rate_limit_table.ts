import { completeRateLimit, type RateLimitOptions } from "./rate_limit_options.ts";

/** Of each entry: a tag and a time. */
const ENTRY_WORDS = 2;
/** Words of the hash's key. */
const KEY_WORDS = 2;

/**
 * The memory of a `RateLimiter`. It can be passed to another thread, whose limiter then shares it.
 *
 * Threads that share a table use no locks. What may go wrong costs next to nothing: when two charge
 * the same address at once, one of the charges may be lost, so an address that is answered by several
 * threads may gain a request now and then; when two fill the same place at once, one source may find
 * the debt of another for a moment, and is limited as long as that debt lasts at most, with the leak
 * that all who are limited have. Places are keyed, so nobody can aim at either.
 */
export interface RateLimitTable {
  /** Key of the hash that finds a place. */
  readonly key: Int32Array;
  /** Two words for each entry; the limiter says in what order. */
  readonly entries: Int32Array;
}

/**
 * Memory for a limiter, and a key of its own.
 *
 * @param options as of the limiter
 * @param isShared whether threads may share it; a check takes as long. Default false
 * @throws {TypeError} if an option has the wrong type
 * @throws {RangeError} if an option is out of range
 *
 * @example Two limiters that are one
 * ```ts
 * import { Endpoint, makeRateLimitTable, RateLimiter } from "@ntps/ntps";
 * import { assertEquals } from "@std/assert";
 *
 * const options = { burst: 1, leak: 0 };
 * const table = makeRateLimitTable(options, true); // may be posted to another thread
 * const { bytes } = new Endpoint("192.0.2.1", 123);
 * const now = new Uint32Array([3_900_000_000, 0]);
 * assertEquals(new RateLimiter(options, table).check(bytes, now), "within");
 * assertEquals(new RateLimiter(options, table).check(bytes, now), "address");
 * ```
 */
export function makeRateLimitTable(
  options: RateLimitOptions = {},
  isShared = false,
): RateLimitTable {
  const words = ENTRY_WORDS * 2 ** Math.ceil(Math.log2(completeRateLimit(options).capacity));
  const key = randomWords(KEY_WORDS, options.random);
  if (!isShared) return { key, entries: new Int32Array(words) };
  const bytes = words * Int32Array.BYTES_PER_ELEMENT;
  return { key, entries: new Int32Array(new SharedArrayBuffer(bytes)) };
}

/**
 * Random words.
 *
 * @param length how many
 * @param random fills bytes with random ones. Default: `crypto.getRandomValues`
 */
export function randomWords(
  length: number,
  random: RateLimitOptions["random"] = (into) =>
    void crypto.getRandomValues(into as Uint8Array<ArrayBuffer>),
): Int32Array {
  const words = new Int32Array(length);
  random(new Uint8Array(words.buffer));
  return words;
}
