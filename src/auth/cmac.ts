import { type BlockCipher, nodeCrypto } from "./node_crypto.ts";

/** Length of a block of AES, and of a MAC, in bytes. */
const BLOCK = 16;

/** Doubles a block in the field of RFC 4493 §2.3. */
function double(block: Uint8Array): Uint8Array {
  const carry = block[0]! >>> 7;
  return block.map((byte, i) =>
    i === BLOCK - 1 ? (byte << 1) ^ (0x87 * carry) : (byte << 1) | (block[i + 1]! >>> 7)
  );
}

/**
 * AES-CMAC (RFC 4493) with one key. Making a cipher costs more than a whole MAC, so one in CBC mode
 * is kept and never ended: since it goes on from the last block that it put out, that block is taken
 * out of the next message's first one, which then is encrypted as by a new cipher.
 */
export class Cmac {
  readonly #cipher: BlockCipher;
  readonly #whole: Uint8Array;
  readonly #padded: Uint8Array;
  readonly #last: Uint8Array;
  #buffer: Uint8Array = new Uint8Array(4 * BLOCK);

  /**
   * Expands a key.
   *
   * @param key 16 or 32 bytes
   */
  constructor(key: Uint8Array) {
    const zero = new Uint8Array(BLOCK);
    this.#cipher = nodeCrypto().createCipheriv(`aes-${8 * key.length}-cbc`, key, zero);
    this.#cipher.setAutoPadding(false);
    this.#last = new Uint8Array(this.#cipher.update(zero));
    this.#whole = double(this.#last);
    this.#padded = double(this.#whole);
  }

  /**
   * The MAC of a message.
   *
   * @param message any bytes
   * @returns new bytes, 16 of them
   */
  sign(message: Uint8Array): Uint8Array {
    const { length } = message;
    const blocks = Math.max(1, Math.ceil(length / BLOCK));
    if (this.#buffer.length < blocks * BLOCK) this.#buffer = new Uint8Array(blocks * BLOCK);
    const input = this.#buffer.subarray(0, blocks * BLOCK);
    input.set(message);
    const isWhole = length === input.length;
    if (!isWhole) input.fill(0, length).fill(0x80, length, length + 1);
    const mask = isWhole ? this.#whole : this.#padded;
    const end = input.length - BLOCK;
    for (let i = 0; i < BLOCK; i++) {
      input[i]! ^= this.#last[i]!;
      input[end + i]! ^= mask[i]!;
    }
    this.#last.set(this.#cipher.update(input).subarray(-BLOCK));
    return this.#last.slice();
  }
}
