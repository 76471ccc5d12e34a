import { readWord } from "../packet/header.ts";
import { completeRateLimit, type RateLimitOptions } from "./rate_limit_options.ts";
import { makeRateLimitTable, randomWords, type RateLimitTable } from "./rate_limit_table.ts";
import type { RateLimiterOccupancy } from "./statistics.ts";
import { timeUnits, UNITS } from "./time_units.ts";

/**
 * What a limiter says of a request: `"within"` the limits; above them but leaked, so to be answered
 * all the same; or limited since the `"address"` or its `"prefix"` asks too often.
 */
export type RateVerdict = "within" | "leaked" | "address" | "prefix";

/** Entries of one set: their tags and times are 16 bytes, never on two cache lines. */
const WAYS = 2;
/** Words that are hashed of an IPv4 address: its prefix and itself. */
const IPV4_LENGTH = 2;

/**
 * Limits how often addresses, and all addresses of a prefix together, are answered.
 *
 * Each has a token bucket, kept as one number: the time at which the bucket will be full again
 * (generic cell rate algorithm). All lie in one table of fixed size. A place in it is found by a
 * keyed hash; when a set is full, the entry goes that is full again soonest, which knows least. A
 * newcomer's bucket is full: to be forgotten never costs an honest client anything, and only
 * entries of other sources can be driven out, never made to look worse.
 *
 * @example Ten requests at once: eight are within the burst
 * ```ts
 * import { Endpoint, RateLimiter } from "@ntps/ntps";
 * import { assertEquals } from "@std/assert";
 *
 * const limiter = new RateLimiter({ interval: 8, burst: 8, leak: 0 });
 * const { bytes } = new Endpoint("192.0.2.1", 123);
 * const now = new Uint32Array([3_900_000_000, 0]);
 * const verdicts = Array.from({ length: 10 }, () => limiter.check(bytes, now));
 * assertEquals(verdicts.filter((verdict) => verdict === "within").length, 8);
 * ```
 */
export class RateLimiter {
  /** In each set of 4 words: 2 tags, then 2 times. */
  readonly #table: Int32Array;
  readonly #setMask: number;
  readonly #key: Int32Array;
  /** What is hashed. */
  readonly #words = new Int32Array(6);
  readonly #ipv4Mask: number;
  readonly #ipv6Masks = new Int32Array(4);
  readonly #ipv6Prefix: number;
  /** What a request costs, in units of time. */
  readonly #hostCost: number;
  readonly #prefixCost: number;
  /** How much may be owed before a request is above the limit, in units of time. */
  readonly #hostDepth: number;
  readonly #prefixDepth: number;
  /** The most that anybody can owe. */
  readonly #mostDebt: number;
  readonly #leak: number;
  /** State of the xorshift generator that the leak is drawn from. */
  #random: number;

  /**
   * Makes a limiter; all its memory is taken now.
   *
   * @param options see {@linkcode RateLimitOptions}
   * @param table its memory, which limiters of other threads may share; their options must be the
   * same. Default: memory of its own
   * @throws {TypeError} if an option has the wrong type
   * @throws {RangeError} if an option is out of range
   */
  constructor(
    options: RateLimitOptions = {},
    table: RateLimitTable = makeRateLimitTable(options),
  ) {
    const values = completeRateLimit(options);
    this.#table = table.entries;
    this.#setMask = this.#table.length / (2 * WAYS) - 1;
    this.#key = table.key;
    this.#random = randomWords(1, options.random)[0]! | 1;
    this.#ipv4Mask = maskOf(values.ipv4Prefix);
    for (let i = 0; i < 4; i++) this.#ipv6Masks[i] = maskOf(values.ipv6Prefix - 32 * i);
    this.#ipv6Prefix = values.ipv6Prefix;
    this.#hostCost = Math.round(values.interval * UNITS);
    this.#prefixCost = Math.round(values.prefixInterval * UNITS);
    this.#hostDepth = this.#hostCost * (values.burst - 1);
    this.#prefixDepth = this.#prefixCost * (values.prefixBurst - 1);
    this.#mostDebt = Math.max(
      this.#hostDepth + this.#hostCost,
      this.#prefixDepth + this.#prefixCost,
    );
    this.#leak = Math.round(values.leak * 2 ** 31);
  }

  /**
   * Judges a request, and charges it to its address and prefix when it is within both limits. Takes
   * the same time whatever the table holds, and allocates nothing.
   *
   * @param address 16 bytes, IPv4 in its IPv4-mapped form
   * @param now when the request arrived: seconds and fraction words of an NTP timestamp
   */
  check(address: Uint8Array, now: Uint32Array): RateVerdict {
    // Prefix and address are hashed with HalfSipHash-1-3. The prefix's state (p) is taken on the way
    // to the address's (v), and both are finished side by side, as the processor likes it. This is no
    // function of its own since V8 does not inline one so long, and calls cost a sixth of the time.
    const length = this.#readWords(address), words = this.#words;
    const prefixLength = length === IPV4_LENGTH ? 1 : this.#ipv6Prefix > 64 ? 4 : 2;
    const k0 = this.#key[0]! ^ length, k1 = this.#key[1]!;
    let v0 = k0, v1 = k1 ^ 0xee, v2 = k0 ^ 0x6c796765, v3 = k1 ^ 0x74656462;
    let p0 = 0, p1 = 0, p2 = 0, p3 = 0;
    for (let i = 0; i < length; i++) {
      const word = words[i]!;
      v3 ^= word;
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= word;
      if (i < prefixLength) {
        p0 = v0;
        p1 = v1;
        p2 = v2;
        p3 = v3;
      }
    }
    p2 ^= 0xee;
    v2 ^= 0xee;
    for (let round = 0; round < 3; round++) {
      p0 = (p0 + p1) | 0;
      p1 = ((p1 << 5) | (p1 >>> 27)) ^ p0;
      p0 = (p0 << 16) | (p0 >>> 16);
      p2 = (p2 + p3) | 0;
      p3 = ((p3 << 8) | (p3 >>> 24)) ^ p2;
      p0 = (p0 + p3) | 0;
      p3 = ((p3 << 7) | (p3 >>> 25)) ^ p0;
      p2 = (p2 + p1) | 0;
      p1 = ((p1 << 13) | (p1 >>> 19)) ^ p2;
      p2 = (p2 << 16) | (p2 >>> 16);
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
    }

    const table = this.#table, time = timeUnits(now);
    // The lowest bit tells prefixes from addresses.
    const prefixTag = (p0 ^ p2) | 1, hostTag = (v0 ^ v2) & ~1;
    // Both are looked for before either is used, to wait for the memory only once.
    const prefix = this.#find(p1 ^ p3, prefixTag, time);
    const host = this.#find(v1 ^ v3, hostTag, time);
    const prefixDebt = table[prefix] === prefixTag
      ? this.#debt(prefix, time, this.#prefixDepth + this.#prefixCost)
      : 0;
    if (prefixDebt > this.#prefixDepth) return this.#draw() < this.#leak ? "leaked" : "prefix";
    const hostDebt = table[host] === hostTag
      ? this.#debt(host, time, this.#hostDepth + this.#hostCost)
      : 0;
    if (hostDebt > this.#hostDepth) return this.#draw() < this.#leak ? "leaked" : "address";
    table[prefix] = prefixTag;
    table[prefix + WAYS] = time + prefixDebt + this.#prefixCost;
    table[host] = hostTag;
    table[host + WAYS] = time + hostDebt + this.#hostCost;
    return "within";
  }

  /**
   * Writes what is to be hashed: words of the masked prefix, then words of the address.
   *
   * @returns how many
   */
  #readWords(address: Uint8Array): number {
    const words = this.#words;
    const w0 = readWord(address, 0), w1 = readWord(address, 4), w2 = readWord(address, 8);
    const w3 = readWord(address, 12);
    if ((w0 | w1) === 0 && w2 === 0xffff) { // IPv4-mapped
      words[0] = w3 & this.#ipv4Mask;
      words[1] = w3;
      return IPV4_LENGTH;
    }
    // In halves: of a /64, the first is the prefix, and only the second is left of the address.
    const masks = this.#ipv6Masks, bits = this.#ipv6Prefix;
    words[0] = w0 & masks[0]!;
    words[1] = w1 & masks[1]!;
    let length = 2;
    if (bits > 64) {
      words[2] = w2 & masks[2]!;
      words[3] = w3 & masks[3]!;
      length = 4;
    } else if (bits < 64) {
      words[2] = w0;
      words[3] = w1;
      length = 4;
    }
    words[length] = w2;
    words[length + 1] = w3;
    return length + 2;
  }

  /**
   * Where `tag` stands in the table. If it has no place, whose place it may take: of an entry that
   * knows nothing any more, else of the one that will soonest.
   */
  #find(place: number, tag: number, time: number): number {
    const table = this.#table;
    const set = (place & this.#setMask) * (2 * WAYS);
    // No branch chooses between the two entries: every second time it would be mispredicted.
    const other = table[set]! ^ tag;
    const at = set + ((other | -other) >>> 31);
    if (table[at] === tag) return at;
    // How much is lacking from the most that can be owed; greatest where nothing is owed any more.
    const most = (time + this.#mostDebt) | 0;
    const lacking0 = (most - table[set + WAYS]!) >>> 1;
    const lacking1 = (most - table[set + WAYS + 1]!) >>> 1;
    return set + ((lacking0 - lacking1) >>> 31);
  }

  /**
   * How long until the bucket at `at` is full again. More than `most`, which can be owed, means that
   * the clock was set back, or that the entry is days old.
   */
  #debt(at: number, time: number, most: number): number {
    const debt = (this.#table[at + WAYS]! - time) | 0;
    return debt < 0 || debt > most ? 0 : debt;
  }

  /**
   * How full the table is. Reads all of it: not for each request.
   *
   * @param now seconds and fraction words of an NTP timestamp
   */
  occupancy(now: Uint32Array): RateLimiterOccupancy {
    const table = this.#table, time = timeUnits(now);
    let used = 0;
    for (let set = 0; set < table.length; set += 2 * WAYS) {
      for (let at = set; at < set + WAYS; at++) {
        if (this.#debt(at, time, this.#mostDebt) > 0) used++;
      }
    }
    return { used, capacity: table.length / 2 };
  }

  /** A random number of 31 bits (xorshift, Marsaglia 2003): good enough for the leak. */
  #draw(): number {
    let x = this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x;
    return x >>> 1;
  }

  /** Shortest poll that keeps within the limit of an address, log2 of seconds. */
  get poll(): number {
    return Math.ceil(Math.log2(this.#hostCost / UNITS));
  }

  /** Memory of the table, in bytes; it never grows. */
  get byteLength(): number {
    return this.#table.byteLength;
  }
}

/** A word whose first `bits` bits are set; none for less than 0, all for more than 32. */
function maskOf(bits: number): number {
  return bits <= 0 ? 0 : bits >= 32 ? -1 : -1 << (32 - bits);
}
