import { beginsWith } from "../../auth/begins_with.ts";
import type { Aead } from "./aead.ts";
import { encryptBlock, expandKey, SCHEDULE_WORDS } from "./aes.ts";
import { Polyval } from "./polyval.ts";

const BLOCK = 16;

/**
 * AES-128-GCM-SIV (RFC 8452). Its keys are half as long as AES-SIV's, and so its cookies are shorter.
 */
export class AesGcmSiv implements Aead {
  readonly id = 30;
  readonly name = "AEAD_AES_128_GCM_SIV";
  readonly keyLength = 16;
  readonly nonceLength = 12;
  readonly minNonceLength = 12;
  readonly maxNonceLength = 12;
  readonly #schedule = new Int32Array(SCHEDULE_WORDS);
  readonly #words = new Int32Array(4);
  readonly #block = new Uint8Array(BLOCK);
  readonly #keys = new Uint8Array(2 * BLOCK);
  readonly #tag = new Uint8Array(BLOCK);
  readonly #lengths = new Uint8Array(BLOCK);
  readonly #polyval = new Polyval();
  #count = 0;

  seal(
    key: Uint8Array,
    nonce: Uint8Array,
    associatedData: Uint8Array,
    plaintext: Uint8Array,
    into: Uint8Array,
  ): void {
    this.#deriveKeys(key, nonce);
    this.#makeTag(nonce, associatedData, plaintext);
    into.set(this.#tag, plaintext.length);
    this.#stream(this.#tag, plaintext, plaintext.length, into);
  }

  open(
    key: Uint8Array,
    nonce: Uint8Array,
    associatedData: Uint8Array,
    ciphertext: Uint8Array,
    into: Uint8Array,
  ): boolean {
    const length = ciphertext.length - BLOCK;
    if (length < 0 || nonce.length !== this.nonceLength) return false;
    const tag = ciphertext.subarray(length);
    this.#deriveKeys(key, nonce);
    this.#stream(tag, ciphertext, length, into);
    this.#makeTag(nonce, associatedData, into);
    if (beginsWith(this.#tag, tag)) return true;
    into.fill(0);
    return false;
  }

  /** Keys for this nonce (RFC 8452 §4): the one of POLYVAL, then the one of AES, which is expanded. */
  #deriveKeys(key: Uint8Array, nonce: Uint8Array): void {
    this.#count = expandKey(key, 0, this.keyLength, this.#schedule);
    for (let i = 0; i < 4; i++) {
      this.#block.fill(0);
      this.#block[0] = i;
      this.#block.set(nonce, 4);
      this.#encrypt();
      for (let j = 0; j < 8; j++) this.#keys[8 * i + j] = this.#block[j]!;
    }
    this.#count = expandKey(this.#keys, BLOCK, BLOCK, this.#schedule);
  }

  #makeTag(nonce: Uint8Array, associatedData: Uint8Array, plaintext: Uint8Array): void {
    const polyval = this.#polyval, lengths = this.#lengths, block = this.#block;
    polyval.start(this.#keys.subarray(0, BLOCK));
    polyval.take(associatedData);
    polyval.take(plaintext);
    writeBits(lengths, 0, associatedData.length);
    writeBits(lengths, 8, plaintext.length);
    polyval.take(lengths);
    polyval.finish(block);
    for (let i = 0; i < nonce.length; i++) block[i]! ^= nonce[i]!;
    block[BLOCK - 1]! &= 0x7f;
    this.#encrypt();
    this.#tag.set(block);
  }

  /** Encrypts or decrypts with a counter of 32 bits that begins with the tag. */
  #stream(tag: Uint8Array, data: Uint8Array, length: number, into: Uint8Array): void {
    const block = this.#block;
    let counter = tag[0]! | (tag[1]! << 8) | (tag[2]! << 16) | (tag[3]! << 24);
    for (let at = 0; at < length; at += BLOCK, counter++) {
      block.set(tag);
      for (let i = 0; i < 4; i++) block[i] = counter >>> (8 * i);
      block[BLOCK - 1]! |= 0x80;
      this.#encrypt();
      const most = Math.min(BLOCK, length - at);
      for (let i = 0; i < most; i++) into[at + i] = data[at + i]! ^ block[i]!;
    }
  }

  /** Encrypts the block that is kept, in place. */
  #encrypt(): void {
    const block = this.#block, words = this.#words;
    for (let i = 0; i < 4; i++) {
      const at = 4 * i;
      words[i] = (block[at]! << 24) | (block[at + 1]! << 16) | (block[at + 2]! << 8) |
        block[at + 3]!;
    }
    encryptBlock(this.#schedule, this.#count, words);
    for (let i = 0; i < BLOCK; i++) block[i] = words[i >> 2]! >>> (24 - 8 * (i & 3));
  }
}

/** A length in bits, as 64 bits, the lowest first. No length here has more than 32 bits. */
function writeBits(into: Uint8Array, at: number, bytes: number): void {
  const bits = bytes * 8;
  for (let i = 0; i < 8; i++) into[at + i] = Math.floor(bits / 2 ** (8 * i));
}
