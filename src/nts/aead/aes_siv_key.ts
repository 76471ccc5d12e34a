import { encryptBlock, expandKey, SCHEDULE_WORDS } from "./aes.ts";
import { increment, type SivKey } from "./siv.ts";

const BLOCK = 16;

function readWord(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

function writeBlock(bytes: Uint8Array, block: Int32Array): void {
  for (let i = 0; i < BLOCK; i++) bytes[i] = block[i >> 2]! >>> (24 - 8 * (i & 3));
}

/** Doubles a block of words (RFC 4493 §2.3). */
function double(block: Int32Array): void {
  const [a, b, c, d] = block as unknown as [number, number, number, number];
  block[0] = (a << 1) | (b >>> 31);
  block[1] = (b << 1) | (c >>> 31);
  block[2] = (c << 1) | (d >>> 31);
  block[3] = (d << 1) ^ (0x87 & (a >> 31));
}

/**
 * A key of AES-SIV for our own AES. One object is given one key after the other.
 */
export class AesSivKey implements SivKey {
  readonly zeroMac: Uint8Array = new Uint8Array(BLOCK);
  readonly #mac = new Int32Array(SCHEDULE_WORDS);
  readonly #stream = new Int32Array(SCHEDULE_WORDS);
  readonly #block = new Int32Array(4);
  readonly #whole = new Int32Array(4);
  readonly #padded = new Int32Array(4);
  readonly #last = new Uint8Array(BLOCK);
  #words = 0;

  /**
   * Takes a key.
   *
   * @param key both halves, 32, 48 or 64 bytes in all
   */
  set(key: Uint8Array): void {
    const half = key.length >> 1;
    this.#words = expandKey(key, 0, half, this.#mac);
    expandKey(key, half, half, this.#stream);
    this.#whole.fill(0);
    encryptBlock(this.#mac, this.#words, this.#whole);
    double(this.#whole);
    this.#padded.set(this.#whole);
    double(this.#padded);
    this.#block.set(this.#whole); // zeros and the mask of a whole block
    encryptBlock(this.#mac, this.#words, this.#block);
    writeBlock(this.zeroMac, this.#block);
  }

  cmac(message: Uint8Array, into: Uint8Array): void {
    const block = this.#block.fill(0);
    const { length } = message;
    const rest = length === 0 ? 0 : ((length - 1) & 15) + 1;
    const end = length - rest;
    for (let at = 0; at < end; at += BLOCK) this.#take(message, at);
    const isWhole = rest === BLOCK;
    const mask = isWhole ? this.#whole : this.#padded;
    for (let i = 0; i < 4; i++) block[i]! ^= mask[i]!;
    if (isWhole) {
      this.#take(message, end);
    } else {
      const last = this.#last.fill(0);
      for (let i = 0; i < rest; i++) last[i] = message[end + i]!;
      last[rest] = 0x80;
      this.#take(last, 0);
    }
    writeBlock(into, block);
  }

  ctr(counter: Uint8Array, data: Uint8Array, into: Uint8Array): void {
    const block = this.#block, stream = this.#last;
    for (let at = 0; at < data.length; at += BLOCK) {
      for (let i = 0; i < 4; i++) block[i] = readWord(counter, 4 * i);
      encryptBlock(this.#stream, this.#words, block);
      writeBlock(stream, block);
      const most = Math.min(BLOCK, data.length - at);
      for (let i = 0; i < most; i++) into[at + i] = data[at + i]! ^ stream[i]!;
      increment(counter);
    }
  }

  #take(bytes: Uint8Array, at: number): void {
    const block = this.#block;
    for (let i = 0; i < 4; i++) block[i]! ^= readWord(bytes, at + 4 * i);
    encryptBlock(this.#mac, this.#words, block);
  }
}
