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

/** Bytes that a message takes in whole blocks. */
function roomFor(length: number): number {
  return Math.max(1, Math.ceil(length / BLOCK)) * BLOCK;
}

/**
 * AES-CMAC (RFC 4493) with one key. Making a cipher costs more than a whole MAC, so one in CBC mode
 * is kept and never ended: since it goes on from the last block that it put out, that block is taken
 * out of the next message's first one, which then is encrypted as by a new cipher.
 *
 * Most of the rest is the call of the cipher, so {@linkcode Cmac.take} and {@linkcode Cmac.answer}
 * make two MACs by one.
 */
export class Cmac {
  readonly #cipher: BlockCipher;
  readonly #whole: Uint8Array;
  readonly #padded: Uint8Array;
  readonly #last: Uint8Array;
  /** What is about to be encrypted by {@linkcode Cmac.sign}. */
  #input: Uint8Array = new Uint8Array(3 * BLOCK);
  /** The message that was taken, and room for the answer. */
  #pair: Uint8Array = new Uint8Array(6 * BLOCK);
  /** Bytes of `#pair` that the taken message has. */
  #taken = 0;
  readonly #claimed = new Uint8Array(BLOCK);

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
    const end = roomFor(message.length);
    if (this.#input.length !== end) this.#input = new Uint8Array(end);
    const input = this.#input;
    this.#put(message, message.length, input, 0, this.#last);
    const output = this.#cipher.update(input);
    const last = this.#last, mac = new Uint8Array(BLOCK);
    for (let i = 0; i < BLOCK; i++) mac[i] = last[i] = output[end - BLOCK + i]!;
    return mac;
  }

  /**
   * Takes a message with its MAC, both of which {@linkcode Cmac.answer} checks. They are copied.
   *
   * @param packet holds the message at its beginning
   * @param length length of the message
   * @param at where the MAC begins in the packet: 16 bytes
   */
  take(packet: Uint8Array, length: number, at: number): void {
    const end = this.#taken = roomFor(length);
    if (this.#pair.length < end) this.#pair = new Uint8Array(end);
    this.#put(packet, length, this.#pair, 0, this.#last);
    for (let i = 0; i < BLOCK; i++) this.#claimed[i] = packet[at + i]!;
  }

  /**
   * Checks the message taken last, and signs another one. The cipher goes from the one to the other
   * by the block that is the MAC of the first: if that is what was claimed, the second MAC is right
   * too; else neither is worth anything.
   *
   * @param packet holds the other message at its beginning
   * @param length length of that
   * @param at where its MAC is written: 16 bytes, if the taken message's MAC is right
   * @returns whether that is right. It takes the same time wherever they differ
   */
  answer(packet: Uint8Array, length: number, at: number): boolean {
    const begin = this.#taken, end = begin + roomFor(length), claimed = this.#claimed;
    if (this.#pair.length !== end) {
      const pair = new Uint8Array(end);
      pair.set(this.#pair.subarray(0, begin));
      this.#pair = pair;
    }
    this.#put(packet, length, this.#pair, begin, claimed);
    const output = this.#cipher.update(this.#pair);
    let difference = 0;
    for (let i = 0; i < BLOCK; i++) difference |= output[begin - BLOCK + i]! ^ claimed[i]!;
    const last = this.#last;
    for (let i = 0; i < BLOCK; i++) last[i] = output[end - BLOCK + i]!;
    if (difference !== 0) return false;
    for (let i = 0; i < BLOCK; i++) packet[at + i] = last[i]!;
    return true;
  }

  /** Writes a message as it is encrypted, behind a block that the cipher adds to it. */
  #put(
    message: Uint8Array,
    length: number,
    into: Uint8Array,
    at: number,
    before: Uint8Array,
  ): void {
    const end = at + roomFor(length);
    for (let i = 0; i < length; i++) into[at + i] = message[i]!;
    const isWhole = length === end - at;
    if (!isWhole) {
      into[at + length] = 0x80;
      for (let i = at + length + 1; i < end; i++) into[i] = 0;
    }
    const mask = isWhole ? this.#whole : this.#padded;
    for (let i = 0; i < BLOCK; i++) {
      into[at + i]! ^= before[i]!;
      into[end - BLOCK + i]! ^= mask[i]!;
    }
  }
}
