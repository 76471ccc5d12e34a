import { beginsWith } from "../../auth/begins_with.ts";

const BLOCK = 16;

/** Both halves of a key of AES-SIV: one makes MACs, the other a stream (RFC 5297 §2.2). */
export interface SivKey {
  /** AES-CMAC of a block of zeros, which every vector begins with (RFC 5297 §2.4). */
  readonly zeroMac: Uint8Array;
  /**
   * AES-CMAC of a message with the first half (RFC 4493).
   *
   * @param message any bytes
   * @param into 16 bytes; written
   */
  cmac(message: Uint8Array, into: Uint8Array): void;
  /**
   * Encrypts or decrypts in counter mode with the second half.
   *
   * @param counter first counter block, 16 bytes; changed
   * @param data the input
   * @param into as long as the input, which it may be; written
   */
  ctr(counter: Uint8Array, data: Uint8Array, into: Uint8Array): void;
}

const mac = new Uint8Array(BLOCK), sum = new Uint8Array(BLOCK), counter = new Uint8Array(BLOCK);
let tail = new Uint8Array(256);

/** Adds one to a block, as a number of 128 bits. */
export function increment(block: Uint8Array): void {
  for (let i = BLOCK - 1; i >= 0; i--) {
    block[i]!++;
    if (block[i] !== 0) return;
  }
}

/** Doubles a block in place (RFC 5297 §2.3). */
function double(block: Uint8Array): void {
  const carry = block[0]! >>> 7;
  for (let i = 0; i < BLOCK - 1; i++) block[i] = (block[i]! << 1) | (block[i + 1]! >>> 7);
  block[BLOCK - 1] = (block[BLOCK - 1]! << 1) ^ (0x87 * carry);
}

function xorInto(block: Uint8Array, other: Uint8Array, at: number): void {
  for (let i = 0; i < BLOCK; i++) block[at + i]! ^= other[i]!;
}

/** The synthetic initialisation vector (RFC 5297 §2.4): left in `mac`. */
function s2v(key: SivKey, components: readonly Uint8Array[], plaintext: Uint8Array): void {
  sum.set(key.zeroMac);
  for (let i = 0; i < components.length; i++) {
    double(sum);
    key.cmac(components[i]!, mac);
    xorInto(sum, mac, 0);
  }
  const { length } = plaintext;
  const padded = Math.max(BLOCK, length);
  if (tail.length < padded) tail = new Uint8Array(2 * padded);
  tail.set(plaintext);
  if (length >= BLOCK) {
    xorInto(tail, sum, length - BLOCK);
  } else {
    double(sum);
    tail[length] = 0x80;
    tail.fill(0, length + 1, BLOCK);
    xorInto(tail, sum, 0);
  }
  key.cmac(tail.subarray(0, padded), mac);
}

/** The first counter block (RFC 5297 §2.5: two bits are cleared). */
function startCounter(vector: Uint8Array): void {
  counter.set(vector.subarray(0, BLOCK));
  counter[8]! &= 0x7f;
  counter[12]! &= 0x7f;
}

/**
 * AES-SIV encryption (RFC 5297 §2.6).
 *
 * @param key both halves of the key
 * @param components what is authenticated and not encrypted; a nonce is the last of them (§3)
 * @param plaintext what is encrypted
 * @param into 16 bytes more than the plaintext; written
 */
export function sivSeal(
  key: SivKey,
  components: readonly Uint8Array[],
  plaintext: Uint8Array,
  into: Uint8Array,
): void {
  s2v(key, components, plaintext);
  into.set(mac);
  if (plaintext.length === 0) return;
  startCounter(mac);
  key.ctr(counter, plaintext, into.subarray(BLOCK));
}

/**
 * AES-SIV decryption (RFC 5297 §2.7).
 *
 * @param key both halves of the key
 * @param components what is authenticated and not encrypted; a nonce is the last of them (§3)
 * @param ciphertext what was sealed
 * @param into 16 bytes fewer than the ciphertext; written
 * @returns whether it is authentic; if not, `into` holds zeros
 */
export function sivOpen(
  key: SivKey,
  components: readonly Uint8Array[],
  ciphertext: Uint8Array,
  into: Uint8Array,
): boolean {
  if (ciphertext.length < BLOCK) return false;
  if (into.length > 0) {
    startCounter(ciphertext);
    key.ctr(counter, ciphertext.subarray(BLOCK), into);
  }
  s2v(key, components, into);
  if (beginsWith(mac, ciphertext.subarray(0, BLOCK))) return true;
  into.fill(0);
  return false;
}
