import {
  HEADER_LENGTH,
  ORIGIN_TIMESTAMP_AT,
  readWord,
  RECEIVE_TIMESTAMP_AT,
  REFERENCE_TIMESTAMP_AT,
  TRANSMIT_TIMESTAMP_AT,
  writeWord,
} from "../../src/packet/header.ts";
import type { Random } from "./random.ts";

/** Largest payload of a UDP datagram over IPv4. */
const MAX_LENGTH = 65507;
/** Mutations do not grow a packet beyond this, but for the rare ones that are as long as can be. */
const USUAL_LENGTH = 1400;

const TIMESTAMPS = [
  REFERENCE_TIMESTAMP_AT,
  ORIGIN_TIMESTAMP_AT,
  RECEIVE_TIMESTAMP_AT,
  TRANSMIT_TIMESTAMP_AT,
];
/** First bytes of the packets that get furthest. */
const FIRSTS = [0x23, 0x1b, 0x13, 0x0b, 0x08, 0x24, 0x1c, 0xe3, 0xe4, 0x64, 0xa4, 0x25];
const BYTES = [0, 1, 2, 15, 16, 17, 0x7f, 0x80, 0x81, 0xfe, 0xff];
const WORDS = [0, 1, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];
/** Lengths at which the rules of RFC 7822 §3 change, of MACs, and some in between. */
const LENGTHS = [1, 2, 3, 4, 8, 12, 16, 20, 24, 25, 28, 32, 36, 40, 52, 68, 72, 104];
const FIELD_LENGTHS = [0, 3, 4, 8, 12, 15, 16, 17, 20, 24, 27, 28, 29, 32, 36, 0xfffc, 0xffff];

/** Makes packets out of packets: mostly right, wrong somewhere. */
export class Mutator {
  /** Where the packets are made. Behind a packet stand remains of earlier ones. */
  readonly buffer: Uint8Array = new Uint8Array(MAX_LENGTH + 1);
  /** Length of the packet made last. */
  length = 0;
  readonly #corpus: readonly Uint8Array[];
  readonly #preferred: readonly Uint8Array[];
  readonly #random: Random;
  readonly #mutations = [
    () => this.#flipBit(),
    () => this.#flipBit(),
    () => this.#flipBit(),
    () => this.#setByte(),
    () => this.#setByte(),
    () => this.#setFirst(),
    () => this.#setWord(),
    () => this.#setWord(),
    () => this.#setTimestamp(),
    () => this.#setTimestamp(),
    () => this.#truncate(),
    () => this.#extend(),
    () => this.#splice(),
    () => this.#setFieldLength(),
    () => this.#setFieldLength(),
    () => this.#cut(),
    () => this.#repeat(),
  ];

  /**
   * Makes a mutator.
   *
   * @param corpus what to begin with
   * @param preferred those of them to begin with most often
   * @param random decides
   */
  constructor(corpus: readonly Uint8Array[], preferred: readonly Uint8Array[], random: Random) {
    this.#corpus = corpus;
    this.#preferred = preferred;
    this.#random = random;
  }

  /**
   * Takes a packet as it is.
   *
   * @param packet copied to `buffer[0, length)`
   */
  take(packet: Uint8Array): void {
    this.buffer.set(packet);
    this.length = packet.length;
  }

  /** Makes the next packet in `buffer[0, length)`. */
  next(): void {
    const random = this.#random;
    if (random.below(32) === 0) return this.#noise();
    const seed = random.pick(random.below(4) ? this.#preferred : this.#corpus);
    this.take(seed);
    for (let i = random.below(3); i >= 0; i--) random.pick(this.#mutations)();
    if (random.below(8192) === 0) this.#fill(MAX_LENGTH);
  }

  /** Makes the packet longer, with zeros or noise. */
  #fill(end: number): void {
    const noise = this.#random.below(2) === 0;
    while (this.length < end) this.buffer[this.length++] = noise ? this.#random.word() : 0;
  }

  #noise(): void {
    this.length = 0;
    this.#fill(this.#random.below(160));
    if (this.#random.below(4) > 0) this.#setFirst();
  }

  /** Somewhere in the packet, or at its beginning when it is empty. */
  #somewhere(): number {
    return this.#random.below(this.length);
  }

  #flipBit(): void {
    this.buffer[this.#somewhere()]! ^= 1 << this.#random.below(8);
  }

  #setByte(): void {
    const random = this.#random;
    this.buffer[this.#somewhere()] = random.below(2) ? random.pick(BYTES) : random.word();
  }

  #setFirst(): void {
    const random = this.#random;
    this.buffer[0] = random.below(4) ? random.pick(FIRSTS) : random.word();
  }

  #setWord(): void {
    const random = this.#random;
    const word = random.below(2) ? random.pick(WORDS) : random.word();
    writeWord(this.buffer, this.#somewhere() & ~3, word);
  }

  /** Zero, another timestamp of the packet, or one that is a little off. */
  #setTimestamp(): void {
    const random = this.#random, { buffer } = this;
    const to = random.pick(TIMESTAMPS), from = random.pick(TIMESTAMPS);
    if (random.below(3) === 0) buffer.fill(0, to, to + 8);
    else buffer.copyWithin(to, from, from + 8);
    if (random.below(2)) writeWord(buffer, to + 4, random.word());
    if (random.below(4) === 0) writeWord(buffer, to, readWord(buffer, to) + random.below(11) - 5);
  }

  #truncate(): void {
    const random = this.#random;
    const length = random.below(2)
      ? HEADER_LENGTH + random.pick(LENGTHS)
      : random.below(this.length + 1);
    this.length = Math.min(this.length, random.below(4) ? length & ~3 : length);
  }

  #extend(): void {
    this.#fill(Math.min(USUAL_LENGTH, this.length + this.#random.pick(LENGTHS)));
  }

  /** The beginning of this packet and the end of another. */
  #splice(): void {
    const random = this.#random, other = random.pick(this.#corpus);
    const from = random.below(2) ? HEADER_LENGTH : random.below(other.length + 1);
    const to = random.below(2)
      ? Math.min(this.length, HEADER_LENGTH)
      : random.below(this.length + 1);
    const tail = other.subarray(from, from + USUAL_LENGTH - to);
    this.buffer.set(tail, to);
    this.length = to + tail.length;
  }

  /** Has one of the extension fields claim another length. */
  #setFieldLength(): void {
    const random = this.#random, { buffer } = this;
    let at = HEADER_LENGTH;
    for (let i = random.below(4); i > 0; i--) {
      const length = readWord(buffer, at) & 0xffff;
      if (length < 4 || at + length + 4 > this.length) break;
      at += length;
    }
    const rest = this.length - at;
    if (rest < 4) return;
    const length = random.below(3)
      ? random.pick(FIELD_LENGTHS)
      : Math.max(0, rest + random.pick([-28, -24, -20, -16, -4, -1, 0, 1, 4]));
    buffer[at + 2] = length >>> 8;
    buffer[at + 3] = length;
  }

  /** Takes some bytes out. */
  #cut(): void {
    const at = this.#somewhere();
    const length = Math.min(this.#random.pick(LENGTHS), this.length - at);
    this.buffer.copyWithin(at, at + length, this.length);
    this.length -= length;
  }

  /** Repeats some bytes behind themselves. */
  #repeat(): void {
    const at = this.#somewhere();
    const length = Math.min(
      this.#random.pick(LENGTHS),
      this.length - at,
      USUAL_LENGTH - this.length,
    );
    if (length <= 0) return;
    this.buffer.copyWithin(at + length, at, this.length);
    this.length += length;
  }
}
