import { ln } from "./portable_math.ts";

const DRAWS_BEFORE_USE = 8;

/**
 * Random numbers that are the same on every run and every runtime: xoshiro128** (Blackman and
 * Vigna), seeded from a seed and a name. Streams of different names are independent, so whoever
 * draws from one changes nothing for the others. Not for secrets.
 *
 * @example Two streams of one seed
 * ```ts
 * import { RandomStream } from "@ntps/ntps/testing";
 * import { assertEquals, assertNotEquals } from "@std/assert";
 *
 * const delays = new RandomStream(1, "delays");
 * assertNotEquals(delays.uniform(), new RandomStream(1, "losses").uniform());
 * assertEquals(new RandomStream(1, "delays").uniform(), new RandomStream(1).fork("delays").uniform());
 * ```
 */
export class RandomStream {
  readonly #path: string;
  readonly #state: Int32Array = new Int32Array(4);
  #spare = NaN;

  /**
   * Makes a stream.
   *
   * @param seed any number or text
   * @param name tells streams of one seed apart. Default `""`
   */
  constructor(seed: number | string, name = "") {
    this.#path = `${seed}`;
    if (name !== "") this.#path += `/${name}`;
    for (let lane = 0; lane < 4; lane++) this.#state[lane] = scatter(this.#path, lane);
    if (this.#state.every((word) => word === 0)) this.#state[0] = 1; // its one fixed point
    for (let i = 0; i < DRAWS_BEFORE_USE; i++) this.word();
  }

  /**
   * Another stream, which depends on the seed and the names alone, not on what was drawn so far.
   *
   * @param name tells it apart from others of this one
   */
  fork(name: string): RandomStream {
    return new RandomStream(this.#path, name);
  }

  /** 32 random bits: a whole number from 0 to 2^32 − 1. */
  word(): number {
    const state = this.#state;
    const a = state[0]!, b = state[1]!, c = state[2]! ^ a, d = state[3]! ^ b;
    const scrambled = Math.imul(rotate(Math.imul(b, 5), 7), 9);
    state[0] = a ^ d;
    state[1] = b ^ c;
    state[2] = c ^ (b << 9);
    state[3] = rotate(d, 11);
    return scrambled >>> 0;
  }

  /** A number from 0 up to 1, of 53 random bits. */
  uniform(): number {
    return ((this.word() >>> 5) * 67108864 + (this.word() >>> 6)) / 9007199254740992;
  }

  /** A number of the normal distribution of mean 0 and variance 1 (Marsaglia's polar method). */
  normal(): number {
    const spare = this.#spare;
    if (spare === spare) {
      this.#spare = NaN;
      return spare;
    }
    for (;;) {
      const x = 2 * this.uniform() - 1, y = 2 * this.uniform() - 1;
      const square = x * x + y * y;
      if (square >= 1 || square === 0) continue;
      const factor = Math.sqrt(-2 * ln(square) / square);
      this.#spare = y * factor;
      return x * factor;
    }
  }

  /** A number of the exponential distribution of mean 1, 0 or more. */
  exponential(): number {
    return -ln(1 - this.uniform());
  }

  /**
   * A whole number from 0 to below a limit.
   *
   * @param limit 1 to 2^32
   * @throws {RangeError} if `limit` is no such number
   */
  integer(limit: number): number {
    if (!Number.isInteger(limit) || limit < 1 || limit > 4294967296) {
      throw new RangeError(`limit must be a whole number from 1 to 2^32, not ${limit}`);
    }
    return Math.floor(this.uniform() * limit);
  }

  /**
   * Whether something happens that has this probability. Draws a number in any case.
   *
   * @param probability 0 (never) to 1 (always)
   */
  chance(probability: number): boolean {
    return this.uniform() < probability;
  }

  /**
   * Fills bytes with random ones: for what takes `crypto.getRandomValues`.
   *
   * @param into written
   */
  fill(into: Uint8Array): void {
    for (let at = 0; at < into.length; at += 4) {
      const word = this.word();
      for (let i = at; i < Math.min(at + 4, into.length); i++) into[i] = word >>> (8 * (i - at));
    }
  }
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

/** 32 bits made of a text, different ones for each lane. */
function scatter(text: string, lane: number): number {
  let hash = 0x9e3779b9 + Math.imul(lane, 0x85ebca6b) | 0;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0xcc9e2d51);
    hash ^= hash >>> 15;
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
