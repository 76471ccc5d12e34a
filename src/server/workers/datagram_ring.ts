import type { Endpoint } from "../../transport/endpoint.ts";

/** Datagrams that a ring holds, a power of two, and the longest of them in bytes. */
const SLOTS = 64;
export const MAX_RING_DATAGRAM = 2048;
/** Longest text of an address that there is, with a scope behind it. */
const MAX_HOSTNAME = 64;

/** Words before the slots: how many datagrams were put in, were taken out, found no room. */
const PUT = 0, TAKEN = 1, LOST = 2;
/** Word: whether the reader has been told, and has not come yet. */
const TOLD = 3;
const HEAD_WORDS = 4;

/** Words of a slot: arrival, port, lengths of hostname and data; behind them the two. */
const ARRIVAL = 0, PORT = 2, HOSTNAME_LENGTH = 3, DATA_LENGTH = 4, SLOT_HEAD_WORDS = 5;
const SLOT_BYTES = 4 * SLOT_HEAD_WORDS + MAX_HOSTNAME + MAX_RING_DATAGRAM;

/** Takes one datagram out of a ring. All is borrowed, and from a stranger as it came. */
export type RingReader = (
  data: Uint8Array,
  hostname: string,
  port: number,
  arrival: Uint32Array,
) => void;

/** Memory for a ring. */
export function makeDatagramRing(): SharedArrayBuffer {
  return new SharedArrayBuffer(4 * HEAD_WORDS + SLOTS * SLOT_BYTES);
}

/**
 * Datagrams on their way from one thread to one other, through shared memory: bounded, without locks.
 * What finds no room is lost, as UDP may lose it, and counted.
 */
export class DatagramRing {
  readonly #words: Int32Array;
  readonly #unsigned: Uint32Array;
  readonly #bytes: Uint8Array;
  readonly #data = new Uint8Array(MAX_RING_DATAGRAM);
  readonly #arrival = new Uint32Array(2);

  /** @param memory as `makeDatagramRing()` makes it */
  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory);
    this.#unsigned = new Uint32Array(memory);
    this.#bytes = new Uint8Array(memory);
  }

  /** How many found no room. */
  get lost(): number {
    return Atomics.load(this.#words, LOST);
  }

  /**
   * Puts a datagram in. For the one thread that writes.
   *
   * @returns whether the reader must be told; it has been already if not
   */
  put(data: Uint8Array, source: Endpoint, arrival: Uint32Array): boolean {
    const words = this.#words;
    const at = Atomics.load(words, PUT);
    const { rawHostname } = source;
    const isFull = ((at - Atomics.load(words, TAKEN)) | 0) >= SLOTS;
    if (isFull || data.length > MAX_RING_DATAGRAM || rawHostname.length > MAX_HOSTNAME) {
      Atomics.add(words, LOST, 1);
      return false;
    }
    const byte = slotAt(at), slot = byte / 4;
    words[slot + ARRIVAL] = arrival[0]!;
    words[slot + ARRIVAL + 1] = arrival[1]!;
    words[slot + PORT] = source.port;
    words[slot + HOSTNAME_LENGTH] = rawHostname.length;
    words[slot + DATA_LENGTH] = data.length;
    const text = byte + 4 * SLOT_HEAD_WORDS;
    for (let i = 0; i < rawHostname.length; i++) this.#bytes[text + i] = rawHostname.charCodeAt(i);
    this.#bytes.set(data, text + MAX_HOSTNAME);
    Atomics.store(words, PUT, (at + 1) | 0); // what stands before it is seen by who sees this
    return Atomics.exchange(words, TOLD, 1) === 0;
  }

  /** Takes all datagrams out. For the one thread that reads, when it has been told. */
  takeAll(reader: RingReader): void {
    const words = this.#words;
    Atomics.store(words, TOLD, 0); // first of all: what comes from now on tells anew
    // No more than a ring full at a time: who floods us must not keep this thread from all else.
    for (let i = 0; i < SLOTS; i++) {
      const at = Atomics.load(words, TAKEN);
      if (at === Atomics.load(words, PUT)) return;
      const byte = slotAt(at), slot = byte / 4;
      const text = byte + 4 * SLOT_HEAD_WORDS;
      const length = Math.min(words[slot + DATA_LENGTH]!, MAX_RING_DATAGRAM);
      const data = this.#data.subarray(0, length);
      data.set(this.#bytes.subarray(text + MAX_HOSTNAME, text + MAX_HOSTNAME + length));
      let hostname = "";
      for (let i = 0; i < words[slot + HOSTNAME_LENGTH]!; i++) {
        hostname += String.fromCharCode(this.#bytes[text + i]!);
      }
      this.#arrival[0] = this.#unsigned[slot + ARRIVAL]!;
      this.#arrival[1] = this.#unsigned[slot + ARRIVAL + 1]!;
      const port = words[slot + PORT]!;
      Atomics.store(words, TAKEN, (at + 1) | 0);
      reader(data, hostname, port, this.#arrival);
    }
  }
}

function slotAt(at: number): number {
  return 4 * HEAD_WORDS + (at & (SLOTS - 1)) * SLOT_BYTES;
}
