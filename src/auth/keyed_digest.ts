import { beginsWith } from "./begins_with.ts";
import { nodeCrypto } from "./node_crypto.ts";

/** Values of the hexadecimal digits, by character code. */
const DIGITS = new Uint8Array(128);
for (let value = 0; value < 16; value++) DIGITS[value.toString(16).charCodeAt(0)] = value;

/**
 * The digest of a secret and a message, one behind the other: the MAC of RFC 5905 §7.3. It is no
 * HMAC.
 */
export class KeyedDigest {
  readonly #hash: (data: Uint8Array) => string;
  readonly #secretLength: number;
  /** The secret, and room for a message behind it. */
  #input: Uint8Array;
  /** The packet that was taken. */
  #taken = new Uint8Array(0);
  #takenLength = 0;
  #takenAt = 0;

  /**
   * Takes a secret.
   *
   * @param algorithm name of the digest, as `node:crypto` has it
   * @param secret any bytes; they are copied
   */
  constructor(algorithm: string, secret: Uint8Array) {
    const crypto = nodeCrypto();
    // As text a digest is there in half the time that it takes as bytes, on Node and on Deno.
    this.#hash = crypto.hash === undefined
      ? (data) => crypto.createHash(algorithm).update(data).digest("hex")
      : (data) => crypto.hash!(algorithm, data, "hex");
    this.#secretLength = secret.length;
    this.#input = new Uint8Array(secret.length + 128);
    this.#input.set(secret);
  }

  /**
   * The MAC of a message.
   *
   * @param message any bytes
   * @param most how many bytes of the digest are wanted; it may have fewer
   * @returns new bytes
   */
  sign(message: Uint8Array, most: number): Uint8Array {
    const length = this.#secretLength + message.length;
    if (this.#input.length < length) {
      const secret = this.#input.subarray(0, this.#secretLength);
      this.#input = new Uint8Array(length);
      this.#input.set(secret);
    }
    this.#input.set(message, this.#secretLength);
    const hex = this.#hash(this.#input.subarray(0, length));
    const digest = new Uint8Array(Math.min(most, hex.length / 2));
    for (let i = 0; i < digest.length; i++) {
      digest[i] = (DIGITS[hex.charCodeAt(2 * i)]! << 4) | DIGITS[hex.charCodeAt(2 * i + 1)]!;
    }
    return digest;
  }

  /**
   * Takes a message with its MAC, both of which {@linkcode KeyedDigest.answer} checks. They are copied.
   *
   * @param packet holds the message at its beginning, and the MAC at its end
   * @param length length of the message
   * @param at where the MAC begins in the packet
   * @param end where it ends
   */
  take(packet: Uint8Array, length: number, at: number, end: number): void {
    if (this.#taken.length !== end) this.#taken = new Uint8Array(end);
    for (let i = 0; i < end; i++) this.#taken[i] = packet[i]!;
    this.#takenLength = length;
    this.#takenAt = at;
  }

  /**
   * Checks the message taken last, and signs another one with as many bytes.
   *
   * @param packet holds the other message at its beginning
   * @param length length of that
   * @param at where its MAC is written, if the taken message's MAC is right
   * @returns whether that is right. It takes the same time wherever they differ
   */
  answer(packet: Uint8Array, length: number, at: number): boolean {
    const claimed = this.#taken.subarray(this.#takenAt);
    const right = this.sign(this.#taken.subarray(0, this.#takenLength), claimed.length);
    if (right.length !== claimed.length || !beginsWith(right, claimed)) return false;
    packet.set(this.sign(packet.subarray(0, length), claimed.length), at);
    return true;
  }
}
