import type { RateLimitOptions } from "./rate_limit_options.ts";
import { makeRateLimitTable, type RateLimitTable } from "./rate_limit_table.ts";
import { RateLimiter } from "./rate_limiter.ts";
import { timeUnits, UNITS } from "./time_units.ts";

/** Kisses that may be sent per second in all, and at once after a pause. */
const PER_SECOND = 16, BURST = 32;
/** Seconds between two kisses to one address, and to one prefix; kisses to a prefix at once. */
const ADDRESS_INTERVAL = 64, PREFIX_INTERVAL = 16, PREFIX_BURST = 4;
/** Addresses and prefixes that are remembered. */
const CAPACITY = 4096;

const SOURCES: RateLimitOptions = {
  interval: ADDRESS_INTERVAL,
  burst: 1,
  prefixInterval: PREFIX_INTERVAL,
  prefixBurst: PREFIX_BURST,
  leak: 0,
  capacity: CAPACITY,
};

/**
 * The memory of a budget. Threads may share it, as they may a {@linkcode RateLimitTable}: when two
 * send a kiss at once, one of the charges may be lost.
 */
export interface KissTable {
  /** Who was kissed when. */
  readonly sources: RateLimitTable;
  /** Time at which the budget of all together will be full again. */
  readonly all: Int32Array;
}

/**
 * Memory for a budget.
 *
 * @param isShared whether threads may share it. Default false
 * @param random fills bytes with random ones. Default: `crypto.getRandomValues`
 *
 * @example Two budgets that are one
 * ```ts
 * import { Endpoint, KissBudget, makeKissTable } from "@ntps/ntps";
 * import { assertEquals } from "@std/assert";
 *
 * const table = makeKissTable(true); // may be posted to another thread
 * const { bytes } = new Endpoint("192.0.2.1", 123);
 * const now = new Uint32Array([3_900_000_000, 0]);
 * assertEquals(new KissBudget(undefined, table).allows(bytes, now), true);
 * assertEquals(new KissBudget(undefined, table).allows(bytes, now), false);
 * ```
 */
export function makeKissTable(
  isShared = false,
  random?: (into: Uint8Array) => void,
): KissTable {
  const { BYTES_PER_ELEMENT: length } = Int32Array;
  return {
    sources: makeRateLimitTable({ ...SOURCES, ...(random && { random }) }, isShared),
    all: isShared ? new Int32Array(new SharedArrayBuffer(length)) : new Int32Array(1),
  };
}

/**
 * How many kisses-o'-death a server sends: few per source, few in all. A source that does not heed
 * one gets silence, which costs it more and us less; and a spoofed flood cannot be turned into a
 * flood of kisses for a victim.
 */
export class KissBudget {
  readonly #sources: RateLimiter;
  readonly #words: Int32Array;

  /**
   * Makes a budget.
   *
   * @param random fills bytes with random ones. Default: `crypto.getRandomValues`
   * @param table its memory. Default: memory of its own
   */
  constructor(
    random?: (into: Uint8Array) => void,
    table: KissTable = makeKissTable(false, random),
  ) {
    this.#sources = new RateLimiter({ ...SOURCES, ...(random && { random }) }, table.sources);
    this.#words = table.all;
  }

  /**
   * Whether a kiss may be sent; it is charged if so. Allocates nothing.
   *
   * @param address 16 bytes, IPv4 in its IPv4-mapped form
   * @param now seconds and fraction words of an NTP timestamp
   */
  allows(address: Uint8Array, now: Uint32Array): boolean {
    const time = timeUnits(now), cost = UNITS / PER_SECOND;
    let debt = (this.#words[0]! - time) | 0;
    if (debt < 0 || debt > cost * BURST) debt = 0;
    if (debt > cost * (BURST - 1)) return false;
    if (this.#sources.check(address, now) !== "within") return false;
    this.#words[0] = time + debt + cost;
    return true;
  }
}
