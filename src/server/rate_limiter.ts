import { readWord } from "../packet/header.ts";
import { isIpv4Mapped } from "../packet/ip_address.ts";
import { hashAddress } from "./address_hash.ts";

/**
 * What a limiter says of a request: `"within"` the limits; above them but leaked, so to be answered
 * all the same; or limited since the `"address"` or its `"prefix"` asks too often.
 */
export type RateVerdict = "within" | "leaked" | "address" | "prefix";

/** Options of {@linkcode RateLimiter}. */
export interface RateLimitOptions {
  /**
   * Seconds between requests that one address may keep up for ever, 1/4096 to 4096. Default 8, as
   * recommended: clients usually ask every 64 s at most.
   */
  interval?: number;
  /** Requests that one address may make at once after a pause, 1 to 255. Default 8. */
  burst?: number;
  /** The same for all addresses of one prefix together. Default: a 16th of `interval`. */
  prefixInterval?: number;
  /** The same for all addresses of one prefix together, 1 to 65535. Default: 16 times `burst`. */
  prefixBurst?: number;
  /** Length of an IPv4 prefix in bits, 1 to 32. Default 24. */
  ipv4Prefix?: number;
  /** Length of an IPv6 prefix in bits, 1 to 128. Default 64. */
  ipv6Prefix?: number;
  /**
   * Share of the requests above the limit that is answered all the same, at random, 0 to 1. Default
   * 0.25: a client whose address somebody else floods us with still gets answers.
   */
  leak?: number;
  /** Addresses and prefixes that are remembered, 1024 to 2^24; 8 bytes each. Default 2^20. */
  capacity?: number;
  /** Fills bytes with random ones. Default: `crypto.getRandomValues`. */
  random?: (into: Uint8Array) => void;
}

/** Entries of one set: their tags and times are half a cache line. */
const WAYS = 4;
/** Units of time in a second, a power of two. 32 bits of them are 12 days; differences wrap. */
export const UNITS = 4096;
const FRACTION_SHIFT = 20;
/** Longest time that a bucket may take to fill, in seconds: a quarter of what differences hold. */
const MAX_FILL = 2 ** 18;

/** Least and greatest value of each option. */
const BOUNDS = {
  interval: [1 / UNITS, 4096],
  burst: [1, 255],
  prefixInterval: [1 / UNITS, 4096],
  prefixBurst: [1, 65535],
  ipv4Prefix: [1, 32],
  ipv6Prefix: [1, 128],
  leak: [0, 1],
  capacity: [1024, 2 ** 24],
} as const;

const WHOLE: readonly string[] = ["burst", "prefixBurst", "ipv4Prefix", "ipv6Prefix", "capacity"];

function checked(options: RateLimitOptions): Required<Omit<RateLimitOptions, "random">> {
  const { interval = 8, burst = 8 } = options;
  const values = {
    interval,
    burst,
    prefixInterval: options.prefixInterval ?? Math.max(1 / UNITS, interval / 16),
    prefixBurst: options.prefixBurst ?? 16 * burst,
    ipv4Prefix: options.ipv4Prefix ?? 24,
    ipv6Prefix: options.ipv6Prefix ?? 64,
    leak: options.leak ?? 0.25,
    capacity: options.capacity ?? 2 ** 20,
  };
  for (const [name, [least, most]] of Object.entries(BOUNDS)) {
    const value: unknown = values[name as keyof typeof BOUNDS];
    if (typeof value !== "number") {
      throw new TypeError(`rateLimit.${name} is a number, not ${typeof value}: ${String(value)}`);
    }
    const whole = WHOLE.includes(name);
    if (!(value >= least && value <= most) || (whole && !Number.isInteger(value))) {
      throw new RangeError(
        `rateLimit.${name} is a ${
          whole ? "whole " : ""
        }number from ${least} to ${most}, not ${value}`,
      );
    }
  }
  for (
    const [interval, burst] of [["interval", "burst"], ["prefixInterval", "prefixBurst"]] as const
  ) {
    if (values[interval] * values[burst] > MAX_FILL) {
      throw new RangeError(
        `rateLimit.${interval} × ${burst} is at most ${MAX_FILL} s (3 days), not ` +
          `${values[interval]} × ${values[burst]}`,
      );
    }
  }
  return values;
}

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
  /** In each set of 8 words: 4 tags, then 4 times. */
  readonly #table: Int32Array;
  readonly #setMask: number;
  readonly #key: Int32Array;
  /** What is hashed, and what comes out of it. */
  readonly #words = new Int32Array(8);
  readonly #hashes = new Int32Array(4);
  readonly #mask4: number;
  readonly #masks6 = new Uint32Array(4);
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
   * @throws {TypeError} if an option has the wrong type
   * @throws {RangeError} if an option is out of range
   */
  constructor(options: RateLimitOptions = {}) {
    const values = checked(options);
    const sets = 2 ** Math.ceil(Math.log2(values.capacity / WAYS));
    this.#table = new Int32Array(sets * 2 * WAYS);
    this.#setMask = sets - 1;
    const seed = new Uint32Array(3);
    const random = options.random ??
      ((into) => void crypto.getRandomValues(into as Uint8Array<ArrayBuffer>));
    random(new Uint8Array(seed.buffer));
    this.#key = Int32Array.from(seed);
    this.#random = seed[2]! | 1;
    this.#mask4 = maskOf(values.ipv4Prefix);
    for (let i = 0; i < 4; i++) this.#masks6[i] = maskOf(values.ipv6Prefix - 32 * i);
    this.#hostCost = Math.round(values.interval * UNITS);
    this.#prefixCost = Math.round(values.prefixInterval * UNITS);
    this.#hostDepth = this.#hostCost * (values.burst - 1);
    this.#prefixDepth = this.#prefixCost * (values.prefixBurst - 1);
    this.#mostDebt = Math.max(
      this.#hostDepth + this.#hostCost,
      this.#prefixDepth + this.#prefixCost,
    );
    this.#leak = Math.round(values.leak * 2 ** 32);
  }

  /**
   * Judges a request, and charges it to its address and prefix when it is within both limits. Takes
   * the same time whatever the table holds, and allocates nothing.
   *
   * @param address 16 bytes, IPv4 in its IPv4-mapped form
   * @param now when the request arrived: seconds and fraction words of an NTP timestamp
   */
  check(address: Uint8Array, now: Uint32Array): RateVerdict {
    const time = timeUnits(now);
    const words = this.#words, hashes = this.#hashes;
    if (isIpv4Mapped(address)) {
      const w3 = readWord(address, 12);
      words[0] = w3 & this.#mask4;
      words[1] = w3;
      hashAddress(this.#key, words, 1, 2, hashes);
    } else {
      for (let i = 0; i < 4; i++) {
        const word = readWord(address, 4 * i);
        words[i] = word & this.#masks6[i]!;
        words[i + 4] = word;
      }
      hashAddress(this.#key, words, 4, 8, hashes);
    }
    // The lowest bit tells prefixes from addresses.
    const prefix = this.#find(hashes[0]!, hashes[1]! | 1, time);
    const host = this.#find(hashes[2]!, hashes[3]! & ~1, time);

    // How long until each bucket is full again. More than anybody can owe means that the clock was
    // set back, or that the entry is days old.
    const table = this.#table;
    let hostDebt = (table[host]! - time) | 0, prefixDebt = (table[prefix]! - time) | 0;
    if (hostDebt < 0 || hostDebt > this.#mostDebt) hostDebt = 0;
    if (prefixDebt < 0 || prefixDebt > this.#mostDebt) prefixDebt = 0;
    if (hostDebt <= this.#hostDepth && prefixDebt <= this.#prefixDepth) {
      table[host] = time + hostDebt + this.#hostCost;
      table[prefix] = time + prefixDebt + this.#prefixCost;
      return "within";
    }
    if (this.#draw() < this.#leak) return "leaked";
    return prefixDebt > this.#prefixDepth ? "prefix" : "address";
  }

  /**
   * Where the time of `tag` stands in the table. If it has no place it gets one: of an entry that
   * knows nothing any more, else of the one that will soonest.
   */
  #find(place: number, tag: number, time: number): number {
    const table = this.#table;
    const set = (place & this.#setMask) << 3;
    if (table[set] === tag) return set + WAYS;
    if (table[set + 1] === tag) return set + WAYS + 1;
    if (table[set + 2] === tag) return set + WAYS + 2;
    if (table[set + 3] === tag) return set + WAYS + 3;
    let victim = set, least = this.#mostDebt;
    for (let at = set; at < set + WAYS; at++) {
      const debt = (table[at + WAYS]! - time) | 0;
      if (debt <= 0 || debt > this.#mostDebt) {
        victim = at;
        break;
      }
      if (debt < least) {
        least = debt;
        victim = at;
      }
    }
    table[victim] = tag;
    table[victim + WAYS] = time;
    return victim + WAYS;
  }

  /** A random number of 32 bits (xorshift, Marsaglia 2003): good enough for the leak. */
  #draw(): number {
    let x = this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x;
    return x >>> 0;
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

/**
 * A time in units of {@linkcode UNITS}, 32 bits of it.
 *
 * @param now seconds and fraction words of an NTP timestamp
 */
export function timeUnits(now: Uint32Array): number {
  return ((now[0]! << (32 - FRACTION_SHIFT)) | (now[1]! >>> FRACTION_SHIFT)) | 0;
}

function maskOf(bits: number): number {
  return bits <= 0 ? 0 : bits >= 32 ? 0xffffffff : (0xffffffff << (32 - bits)) >>> 0;
}
