import {
  ORIGIN_TIMESTAMP_AT,
  readWord,
  RECEIVE_TIMESTAMP_AT,
  TRANSMIT_TIMESTAMP_AT,
} from "../packet/header.ts";

/** Replies that are remembered unless told otherwise. */
const DEFAULT_CAPACITY = 65536;
/** Least and greatest number of replies that can be remembered. */
const LEAST_CAPACITY = 64, GREATEST_CAPACITY = 2 ** 22;
/** Replies in a bucket: whose hash is the same push each other out only when there are more. */
const BUCKET = 4;

/** Words of each reply. */
const COLUMNS = 5;

/** No reply is to be stamped. */
export const NO_SLOT = -1;

/**
 * Memory that an `Interleaved` needs.
 *
 * @param capacity replies that can be remembered
 * @returns bytes
 * @throws {RangeError} if `capacity` is out of range
 */
export function interleavedBytes(capacity: number = DEFAULT_CAPACITY): number {
  if (
    !Number.isInteger(Math.log2(capacity)) || capacity < LEAST_CAPACITY ||
    capacity > GREATEST_CAPACITY
  ) {
    throw new RangeError(
      `capacity is a power of two from ${LEAST_CAPACITY} to ${GREATEST_CAPACITY}, not ${capacity}`,
    );
  }
  return (4 * COLUMNS + 1 / BUCKET) * capacity;
}

/**
 * When replies have left, for clients that want to know it with the next one (interleaved mode, RFC
 * 9769 §2): such a reply carries the true transmit timestamp of the one before, which no reply can
 * know of itself.
 *
 * A client is recognised by what it gives back: the receive timestamp of the reply before, and its
 * address must be the same. So nothing is kept for those who do not ask for it, and memory is bounded:
 * who is forgotten is answered in basic mode.
 */
export class Interleaved {
  /** Transmit timestamp of the reply before, as two words, after `find` was true. */
  readonly transmit: Uint32Array = new Uint32Array(2);
  readonly #bucketMask: number;
  /** Of each reply: seconds and fraction of its receive timestamp; who it went to; when it left. */
  readonly #receiveSeconds: Uint32Array;
  readonly #receiveFraction: Uint32Array;
  readonly #source: Uint32Array;
  readonly #transmitSeconds: Uint32Array;
  readonly #transmitFraction: Uint32Array;
  /** Which of a bucket is the oldest. */
  readonly #oldest: Uint8Array;
  readonly #secret: number;

  /**
   * Makes a memory that is empty.
   *
   * @param capacity replies that can be remembered, 64 to 4,194,304: a power of two; 20 bytes each
   * @param secret 32 random bits, so that nobody knows which clients push each other out
   * @param memory zeros, as much as `interleavedBytes()` says, which threads may share: they need no
   * locks, since a place that two take at once is one client's that is answered in basic mode, once
   * @throws {RangeError} if `capacity` is out of range
   */
  constructor(
    capacity: number = DEFAULT_CAPACITY,
    secret: number = 0,
    memory: ArrayBufferLike = new ArrayBuffer(interleavedBytes(capacity)),
  ) {
    this.#bucketMask = capacity / BUCKET - 1;
    const words = (column: number) => new Uint32Array(memory, 4 * capacity * column, capacity);
    this.#receiveSeconds = words(0);
    this.#receiveFraction = words(1);
    this.#source = words(2);
    this.#transmitSeconds = words(3);
    this.#transmitFraction = words(4);
    this.#oldest = new Uint8Array(memory, 4 * capacity * COLUMNS, capacity / BUCKET);
    this.#secret = secret;
  }

  /**
   * Looks whether a request is in interleaved mode, and the reply that it goes on from is remembered
   * (RFC 9769 §2). Each is found once.
   *
   * @param request 48 bytes
   * @param source 16 bytes of the client's address
   * @returns whether to answer in interleaved mode, with {@linkcode Interleaved.transmit}
   */
  find(request: Uint8Array, source: Uint8Array): boolean {
    const seconds = readWord(request, ORIGIN_TIMESTAMP_AT);
    const fraction = readWord(request, ORIGIN_TIMESTAMP_AT + 4);
    if (seconds === 0 && fraction === 0) return false;
    // A request whose receive and transmit timestamps are the same could not tell the reply's mode.
    if (
      readWord(request, RECEIVE_TIMESTAMP_AT) === readWord(request, TRANSMIT_TIMESTAMP_AT) &&
      readWord(request, RECEIVE_TIMESTAMP_AT + 4) === readWord(request, TRANSMIT_TIMESTAMP_AT + 4)
    ) return false;
    const who = hashOf(source, this.#secret);
    const first = this.#bucketOf(seconds, fraction) * BUCKET;
    for (let slot = first; slot < first + BUCKET; slot++) {
      if (
        this.#receiveFraction[slot] !== fraction || this.#receiveSeconds[slot] !== seconds ||
        this.#source[slot] !== who || this.#transmitSeconds[slot] === 0
      ) continue;
      this.transmit[0] = this.#transmitSeconds[slot]!;
      this.transmit[1] = this.#transmitFraction[slot]!;
      this.#transmitSeconds[slot] = 0;
      return true;
    }
    return false;
  }

  /**
   * Remembers a reply, if the client may want to know when it left: one that gives nothing back does
   * not know the mode, and needs no memory.
   *
   * @param request 48 bytes
   * @param source 16 bytes of the client's address
   * @param receive receive timestamp of the reply, as two words
   * @returns where, for {@linkcode Interleaved.stamp}; or {@linkcode NO_SLOT}
   */
  remember(request: Uint8Array, source: Uint8Array, receive: Uint32Array): number {
    if (
      readWord(request, ORIGIN_TIMESTAMP_AT) === 0 &&
      readWord(request, ORIGIN_TIMESTAMP_AT + 4) === 0
    ) return NO_SLOT;
    const bucket = this.#bucketOf(receive[0]!, receive[1]!);
    const place = this.#oldest[bucket]!, slot = bucket * BUCKET + place;
    this.#oldest[bucket] = (place + 1) % BUCKET;
    this.#receiveSeconds[slot] = receive[0]!;
    this.#receiveFraction[slot] = receive[1]!;
    this.#source[slot] = hashOf(source, this.#secret);
    this.#transmitSeconds[slot] = 0;
    return slot;
  }

  /**
   * Notes when a reply left.
   *
   * @param slot as `remember` gave it
   * @param receiveFraction fraction word of its receive timestamp: the place may be another's by now
   * @param transmit when it left: two words
   */
  stamp(slot: number, receiveFraction: number, transmit: Uint32Array): void {
    if (this.#receiveFraction[slot] !== receiveFraction) return;
    this.#transmitFraction[slot] = transmit[1]!;
    this.#transmitSeconds[slot] = transmit[0]!; // the last, since it says that there is one
  }

  #bucketOf(seconds: number, fraction: number): number {
    return mix(fraction ^ Math.imul(seconds, 0x9e3779b1) ^ this.#secret) & this.#bucketMask;
  }
}

/** Spreads all bits of a word over all bits (a finaliser of MurmurHash3). */
function mix(word: number): number {
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return (word ^ (word >>> 16)) >>> 0;
}

/** 32 bits of an address. */
function hashOf(bytes: Uint8Array, secret: number): number {
  let hash = secret;
  for (let i = 0; i < 16; i += 4) hash = mix(hash ^ readWord(bytes, i));
  return hash;
}
