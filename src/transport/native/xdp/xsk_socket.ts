import type { Pointer } from "../ffi/ffi.ts";
import { SystemCallError } from "../linux.ts";
import {
  AF_XDP,
  MAP_POPULATE,
  MAP_SHARED,
  PGOFF_COMPLETION_RING,
  PGOFF_FILL_RING,
  PGOFF_RX_RING,
  PGOFF_TX_RING,
  PROT_READ_WRITE,
  SOCK_CLOEXEC,
  SOCK_RAW,
  SOL_XDP,
  XDP_COPY,
  XDP_MAX_TX_SKB_BUDGET,
  XDP_MMAP_OFFSETS,
  XDP_RX_RING,
  XDP_STATISTICS,
  XDP_TX_RING,
  XDP_UMEM_COMPLETION_RING,
  XDP_UMEM_FILL_RING,
  XDP_UMEM_REG,
  XDP_USE_NEED_WAKEUP,
} from "./xsk_constants.ts";
import type { XdpSystemCalls } from "./xdp_system_calls.ts";
import { XskRing } from "./xsk_ring.ts";

/** Size of a frame's memory. The kernel leaves 256 bytes before the frame for what it notes. */
export const FRAME_SIZE = 2048;
/** Number of frames, and size of the fill ring, which can hold them all. */
export const FRAMES = 2048;
/**
 * Entries of the other rings. What is in the receive ring waits: a thousand are 2 ms of work, and a
 * later reply is worse than none.
 */
export const RING_SIZE = 1024;
const PAGE = 4096;
/** Bytes of an entry: an address, or a descriptor (address, length, options). */
const ADDRESS_LENGTH = 8, DESCRIPTOR_LENGTH = 16;
/** How many frames one call sends. */
const TRANSMIT_BUDGET = 128;
const SCRATCH_LENGTH = 256;
/** Where the kernel finds the length of what it is to write. */
const LENGTH_AT = 192;
/** `struct xdp_statistics`, and the counters in it of what was lost for want of room. */
const STATISTICS_LENGTH = 48;
const LOST_AT = [0, 24, 32] as const; // rx_dropped, rx_ring_full, rx_fill_ring_empty_descs

/** An AF_XDP socket of one receive queue: its descriptor, its rings and the memory of its frames. */
export class XskSocket {
  readonly fd: number;
  readonly queue: number;
  /** Frames, from `framesAt` on; what the kernel calls UMEM. */
  readonly memory: ArrayBuffer;
  readonly framesAt: number;
  readonly receive: XskRing;
  readonly transmit: XskRing;
  readonly fill: XskRing;
  readonly completion: XskRing;
  readonly #calls: XdpSystemCalls;
  readonly #scratch = new ArrayBuffer(SCRATCH_LENGTH);
  readonly #view = new DataView(this.#scratch);
  readonly #pointer: Pointer;
  readonly #lengthPointer: Pointer;
  readonly #mapped: [Pointer, bigint][] = [];
  #isClosed = false;

  /**
   * Opens and binds a socket. No frame arrives before a program redirects some to it.
   *
   * @param calls the system
   * @param interfaceIndex of the network interface
   * @param queue number of the receive queue, from 0
   * @param zeroCopy whether the driver may write frames where we read them, if it can
   * @throws {SystemCallError} what failed: `EINVAL` at `bind` if there is no such queue
   */
  constructor(calls: XdpSystemCalls, interfaceIndex: number, queue: number, zeroCopy: boolean) {
    this.#calls = calls;
    this.queue = queue;
    this.#pointer = calls.pointer(this.#scratch);
    this.#lengthPointer = calls.pointer(this.#scratch, LENGTH_AT);
    this.memory = new ArrayBuffer(FRAMES * FRAME_SIZE + PAGE);
    const address = calls.address(this.memory);
    this.framesAt = Number(-address & BigInt(PAGE - 1));
    this.fd = check("socket", calls.socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0), calls);
    try {
      this.#registerFrames(address + BigInt(this.framesAt));
      this.#setOption(XDP_UMEM_FILL_RING, FRAMES);
      this.#setOption(XDP_UMEM_COMPLETION_RING, RING_SIZE);
      this.#setOption(XDP_RX_RING, RING_SIZE);
      this.#setOption(XDP_TX_RING, RING_SIZE);
      this.#view.setInt32(0, TRANSMIT_BUDGET, true);
      // Only faster: no matter if the kernel does not know it.
      calls.setsockopt(this.fd, SOL_XDP, XDP_MAX_TX_SKB_BUDGET, this.#pointer, 4);
      this.#get(XDP_MMAP_OFFSETS, 128);
      const offsets = [0, 32, 64, 96].map((at) => ({
        producer: this.#offset(at),
        consumer: this.#offset(at + 8),
        descriptors: this.#offset(at + 16),
        flags: this.#offset(at + 24),
      }));
      const ring = (at: number, size: number, entry: number, offset: bigint) => {
        const length = offsets[at]!.descriptors + size * entry;
        return new XskRing(this.#map(length, offset), offsets[at]!, size);
      };
      this.receive = ring(0, RING_SIZE, DESCRIPTOR_LENGTH, PGOFF_RX_RING);
      this.transmit = ring(1, RING_SIZE, DESCRIPTOR_LENGTH, PGOFF_TX_RING);
      this.fill = ring(2, FRAMES, ADDRESS_LENGTH, PGOFF_FILL_RING);
      this.completion = ring(3, RING_SIZE, ADDRESS_LENGTH, PGOFF_COMPLETION_RING);
      const { words, entries } = this.fill;
      for (let i = 0; i < FRAMES; i++) {
        words[entries + 2 * i] = i * FRAME_SIZE;
        words[entries + 2 * i + 1] = 0;
      }
      this.fill.produced = FRAMES;
      this.#bind(interfaceIndex, zeroCopy ? 0 : XDP_COPY);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** How many datagrams were lost because they came faster than they were taken. */
  get lost(): number {
    if (this.#isClosed) return 0;
    this.#view.setUint32(LENGTH_AT, STATISTICS_LENGTH, true);
    const { getsockopt } = this.#calls;
    if (getsockopt(this.fd, SOL_XDP, XDP_STATISTICS, this.#pointer, this.#lengthPointer) < 0) {
      return 0;
    }
    let lost = 0;
    for (const at of LOST_AT) lost += this.#offset(at);
    return lost;
  }

  /** Gives everything back. The rings must not be touched any more. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const [pointer, length] of this.#mapped) this.#calls.munmap(pointer, length);
    this.#calls.close(this.fd);
  }

  #registerFrames(address: bigint): void {
    const view = this.#view;
    new Uint8Array(this.#scratch).fill(0, 0, 32);
    view.setBigUint64(0, address, true);
    view.setBigUint64(8, BigInt(FRAMES * FRAME_SIZE), true);
    view.setUint32(16, FRAME_SIZE, true);
    const result = this.#calls.setsockopt(this.fd, SOL_XDP, XDP_UMEM_REG, this.#pointer, 32);
    check("setsockopt XDP_UMEM_REG", result, this.#calls);
  }

  #setOption(option: number, value: number): void {
    this.#view.setInt32(0, value, true);
    const result = this.#calls.setsockopt(this.fd, SOL_XDP, option, this.#pointer, 4);
    check(`setsockopt ${option} of SOL_XDP`, result, this.#calls);
  }

  #get(option: number, length: number): void {
    this.#view.setUint32(LENGTH_AT, length, true);
    const { getsockopt } = this.#calls;
    const result = getsockopt(this.fd, SOL_XDP, option, this.#pointer, this.#lengthPointer);
    check(`getsockopt ${option} of SOL_XDP`, result, this.#calls);
  }

  #offset(at: number): number {
    return Number(this.#view.getBigUint64(at, true));
  }

  #map(length: number, offset: bigint): ArrayBuffer {
    const { mmap, nullPointer } = this.#calls;
    const flags = MAP_SHARED | MAP_POPULATE;
    const pointer = mmap(nullPointer, BigInt(length), PROT_READ_WRITE, flags, this.fd, offset);
    // MAP_FAILED is -1, which on Bun comes out as 2^64.
    if (this.#calls.addressOf(pointer) >= 1n << 63n) {
      throw new SystemCallError("mmap", this.#calls.errno());
    }
    this.#mapped.push([pointer, BigInt(length)]);
    return this.#calls.memory(pointer, length);
  }

  #bind(interfaceIndex: number, flags: number): void {
    const view = this.#view;
    view.setUint16(0, AF_XDP, true);
    view.setUint16(2, flags | XDP_USE_NEED_WAKEUP, true);
    view.setUint32(4, interfaceIndex, true);
    view.setUint32(8, this.queue, true);
    view.setUint32(12, 0, true);
    check("bind", this.#calls.bind(this.fd, this.#pointer, 16), this.#calls);
  }
}

/** @throws {SystemCallError} if a system call has failed */
export function check(call: string, result: number, calls: XdpSystemCalls): number {
  if (result < 0) throw new SystemCallError(call, calls.errno());
  return result;
}
