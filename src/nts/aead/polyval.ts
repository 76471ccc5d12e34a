/** What is added when the four lowest bits are shifted out of a product, by those bits. */
const REDUCTION = new Int32Array(16);

/**
 * Multiplies by x in the field of GHASH, whose bits run the other way round: a shift to the right.
 *
 * @param words four words, the first one the highest; changed
 */
function multiplyByX(words: Int32Array): void {
  const [a, b, c, d] = words as unknown as [number, number, number, number];
  words[3] = (d >>> 1) | (c << 31);
  words[2] = (c >>> 1) | (b << 31);
  words[1] = (b >>> 1) | (a << 31);
  words[0] = (a >>> 1) ^ (0xe1000000 & -(d & 1));
}

for (let bits = 0; bits < 16; bits++) {
  const words = new Int32Array([0, 0, 0, bits]);
  for (let i = 0; i < 4; i++) multiplyByX(words);
  REDUCTION[bits] = words[0]!;
}

/**
 * POLYVAL (RFC 8452 §3), computed as GHASH of bytes in reverse (appendix A), four bits at a time.
 */
export class Polyval {
  /** Products of the key and each four bits, four words each. */
  readonly #products = new Int32Array(64);
  readonly #sum = new Int32Array(4);
  readonly #key = new Int32Array(4);

  /**
   * Begins anew.
   *
   * @param key 16 bytes
   */
  start(key: Uint8Array): void {
    const products = this.#products, power = this.#key;
    for (let i = 0; i < 4; i++) power[i] = reversedWord(key, 12 - 4 * i);
    multiplyByX(power);
    for (let bit = 8; bit > 0; bit >>= 1) {
      products.set(power, 4 * bit);
      multiplyByX(power);
    }
    for (let bits = 3; bits < 16; bits++) {
      const one = bits & -bits, others = bits ^ one;
      if (others === 0) continue;
      for (let i = 0; i < 4; i++) {
        products[4 * bits + i] = products[4 * one + i]! ^ products[4 * others + i]!;
      }
    }
    this.#sum.fill(0);
  }

  /**
   * Takes bytes, with zeros behind them up to a whole block.
   *
   * @param bytes any bytes
   */
  take(bytes: Uint8Array): void {
    const sum = this.#sum;
    const { length } = bytes;
    const whole = length & ~15;
    for (let at = 0; at < whole; at += 16) {
      for (let i = 0; i < 4; i++) sum[i]! ^= reversedWord(bytes, at + 12 - 4 * i);
      this.#multiply();
    }
    if (whole === length) return;
    // Byte i of a block is byte 15 - i of its reverse: the lowest of the last word comes first.
    for (let i = whole; i < length; i++) {
      const at = i - whole;
      sum[3 - (at >> 2)]! ^= bytes[i]! << (8 * (at & 3));
    }
    this.#multiply();
  }

  /**
   * Tells the sum.
   *
   * @param into 16 bytes; written
   */
  finish(into: Uint8Array): void {
    for (let i = 0; i < 16; i++) into[i] = this.#sum[3 - (i >> 2)]! >>> (8 * (i & 3));
  }

  #multiply(): void {
    const sum = this.#sum, products = this.#products;
    let a = 0, b = 0, c = 0, d = 0;
    for (let i = 3; i >= 0; i--) {
      const word = sum[i]!;
      for (let shift = 0; shift < 32; shift += 4) {
        const out = REDUCTION[d & 15]!;
        d = (d >>> 4) | (c << 28);
        c = (c >>> 4) | (b << 28);
        b = (b >>> 4) | (a << 28);
        a = (a >>> 4) ^ out;
        const at = 4 * ((word >>> shift) & 15);
        a ^= products[at]!;
        b ^= products[at + 1]!;
        c ^= products[at + 2]!;
        d ^= products[at + 3]!;
      }
    }
    sum[0] = a;
    sum[1] = b;
    sum[2] = c;
    sum[3] = d;
  }
}

function reversedWord(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}
