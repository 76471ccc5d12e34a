import { RateLimiter } from "./rate_limiter.ts";
import { timeUnits, UNITS } from "./time_units.ts";

/** Kisses that may be sent per second in all, and at once after a pause. */
const PER_SECOND = 16, BURST = 32;
/** Seconds between two kisses to one address, and to one prefix; kisses to a prefix at once. */
const ADDRESS_INTERVAL = 64, PREFIX_INTERVAL = 16, PREFIX_BURST = 4;
/** Addresses and prefixes that are remembered. */
const CAPACITY = 4096;

/**
 * How many kisses-o'-death a server sends: few per source, few in all. A source that does not heed
 * one gets silence, which costs it more and us less; and a spoofed flood cannot be turned into a
 * flood of kisses for a victim.
 */
export class KissBudget {
  readonly #sources: RateLimiter;
  readonly #words = new Int32Array(1);

  /**
   * Makes a budget.
   *
   * @param random fills bytes with random ones. Default: `crypto.getRandomValues`
   */
  constructor(random?: (into: Uint8Array) => void) {
    this.#sources = new RateLimiter({
      interval: ADDRESS_INTERVAL,
      burst: 1,
      prefixInterval: PREFIX_INTERVAL,
      prefixBurst: PREFIX_BURST,
      leak: 0,
      capacity: CAPACITY,
      ...(random !== undefined && { random }),
    });
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
