import { Cmac } from "../../auth/cmac.ts";
import { type BlockCipher, nodeCrypto } from "../../auth/node_crypto.ts";
import { increment, type SivKey } from "./siv.ts";

const BLOCK = 16;

/**
 * A key of AES-SIV for the runtime's AES, which takes the same time whatever it encrypts. For keys
 * that strangers can have used on what they choose, and that are kept: to make its ciphers takes long.
 */
export class NativeSivKey implements SivKey {
  readonly zeroMac: Uint8Array;
  readonly #mac: Cmac;
  readonly #stream: BlockCipher;
  #blocks = new Uint8Array(8 * BLOCK);

  /**
   * Expands a key.
   *
   * @param key both halves, 32 or 64 bytes in all
   * @throws {NTPError} `unsupported` where the runtime lacks `node:crypto`
   */
  constructor(key: Uint8Array) {
    const half = key.length >> 1;
    this.#mac = new Cmac(key.subarray(0, half));
    // Most of the time goes to calls of a cipher: this one is made once.
    this.zeroMac = this.#mac.sign(new Uint8Array(BLOCK));
    this.#stream = nodeCrypto().createCipheriv(`aes-${8 * half}-ecb`, key.subarray(half), null);
    this.#stream.setAutoPadding(false);
  }

  cmac(message: Uint8Array, into: Uint8Array): void {
    into.set(this.#mac.sign(message));
  }

  ctr(counter: Uint8Array, data: Uint8Array, into: Uint8Array): void {
    const { length } = data;
    const padded = (length + BLOCK - 1) & -BLOCK;
    if (this.#blocks.length < padded) this.#blocks = new Uint8Array(padded);
    const blocks = this.#blocks.subarray(0, padded);
    for (let at = 0; at < padded; at += BLOCK) {
      blocks.set(counter, at);
      increment(counter);
    }
    const stream = this.#stream.update(blocks);
    for (let i = 0; i < length; i++) into[i] = data[i]! ^ stream[i]!;
  }
}
