/** Where the parts of a ring stand in its memory, in bytes (`struct xdp_ring_offset`). */
export interface RingOffsets {
  readonly producer: number;
  readonly consumer: number;
  readonly descriptors: number;
  readonly flags: number;
}

/** In a ring's flags: the kernel has to be called before it goes on. */
const NEED_WAKEUP = 1;

/**
 * One of the four rings that an AF_XDP socket shares with the kernel: fill and completion rings of
 * addresses, receive and transmit rings of descriptors. One side produces, the other consumes; each
 * has a counter of 32 bits that wraps, and publishes it when the entries are written or read. So
 * counters are read and written by atomic operations, entries are not.
 *
 * @see https://docs.kernel.org/networking/af_xdp.html
 */
export class XskRing {
  /** All of it, as words. */
  readonly words: Int32Array;
  /** First word of the entries. */
  readonly entries: number;
  /** Number of entries, a power of two, less one. */
  readonly mask: number;
  readonly #producer: number;
  readonly #consumer: number;
  readonly #flags: number;

  /**
   * @param memory of the ring, shared with the kernel
   * @param offsets of its parts
   * @param size number of entries, a power of two
   */
  constructor(memory: ArrayBufferLike, offsets: RingOffsets, size: number) {
    this.words = new Int32Array(memory);
    this.entries = offsets.descriptors >> 2;
    this.mask = size - 1;
    this.#producer = offsets.producer >> 2;
    this.#consumer = offsets.consumer >> 2;
    this.#flags = offsets.flags >> 2;
  }

  /** Counter of the side that writes entries. */
  get produced(): number {
    return Atomics.load(this.words, this.#producer);
  }

  set produced(count: number) {
    Atomics.store(this.words, this.#producer, count | 0);
  }

  /** Counter of the side that reads them. */
  get consumed(): number {
    return Atomics.load(this.words, this.#consumer);
  }

  set consumed(count: number) {
    Atomics.store(this.words, this.#consumer, count | 0);
  }

  /** Whether the kernel is to be called. */
  get needsWakeup(): boolean {
    return (Atomics.load(this.words, this.#flags) & NEED_WAKEUP) !== 0;
  }
}
