/** Fills bytes with random ones, as `crypto.getRandomValues` does. */
export type NtsRandom = (into: Uint8Array) => void;

/** The runtime's randomness. */
export const systemRandom: NtsRandom = (into) =>
  void crypto.getRandomValues(into as Uint8Array<ArrayBuffer>);

const SIZE = 4096;

/** Random bytes, fetched many at once: a call for 16 of them takes as long as encrypting them. */
export class RandomPool {
  readonly #random: NtsRandom;
  readonly #bytes = new Uint8Array(SIZE);
  #at: number = SIZE;

  /**
   * Makes a pool.
   *
   * @param random where the bytes come from
   */
  constructor(random: NtsRandom) {
    this.#random = random;
  }

  /**
   * Fills some bytes; no byte is given out twice.
   *
   * @param into holds them
   * @param at where to begin
   * @param length how many, up to 4096
   */
  fill(into: Uint8Array, at: number, length: number): void {
    if (this.#at + length > SIZE) {
      this.#random(this.#bytes);
      this.#at = 0;
    }
    for (let i = 0; i < length; i++) {
      into[at + i] = this.#bytes[this.#at]!;
      this.#bytes[this.#at++] = 0;
    }
  }
}
