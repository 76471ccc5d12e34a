import type { Pointer } from "./ffi/ffi.ts";
import { LAYOUT } from "./linux.ts";
import type { SystemCalls } from "./system_calls.ts";

/** How many bytes each message of a vector has room for. */
export interface MessageRoom {
  /** Address: 0, none. */
  readonly name: number;
  /** Control messages: 0, none. */
  readonly control: number;
  /** Payload: 0, none. */
  readonly data: number;
}

/**
 * An array of `struct mmsghdr` with all that it points to, laid out once in memory that does not
 * move. What changes from call to call are lengths and contents.
 */
export class MessageVector {
  readonly count: number;
  readonly room: MessageRoom;
  readonly bytes: Uint8Array;
  /** The same memory as words of this machine, which is little-endian. */
  readonly words: Int32Array;
  /** Where message 0 begins in {@linkcode MessageVector.words}; the next is 16 words behind. */
  readonly header: number;
  /** Where address, control messages and payload of message 0 begin, in bytes, and their strides. */
  readonly name: number;
  readonly nameStride: number;
  readonly control: number;
  readonly controlStride: number;
  readonly data: number;
  readonly dataStride: number;
  /** First words of the `iovec`s. */
  readonly iovec: number;
  /** Addresses of the messages, for calls that begin with one of them. */
  readonly pointers: readonly Pointer[];
  /** Owner of the memory that the pointers lead to. */
  readonly buffer: ArrayBuffer;

  /**
   * @param calls tells addresses
   * @param count how many messages
   * @param room for each
   */
  constructor(calls: SystemCalls, count: number, room: MessageRoom) {
    let size = 0;
    const take = (bytes: number): number => {
      const at = size;
      size += align(bytes, 64);
      return at;
    };
    this.count = count;
    this.room = room;
    this.nameStride = align(room.name, 8);
    this.controlStride = align(room.control, 8);
    // One line more, so that equal offsets of neighbours do not compete for the same cache lines.
    this.dataStride = room.data === 0 ? 0 : align(room.data, 64) + 64;
    const header = take(count * LAYOUT.mmsghdr), iovec = take(count * LAYOUT.iovec);
    this.name = take(count * this.nameStride);
    this.control = take(count * this.controlStride);
    this.data = take(count * this.dataStride);
    this.header = header >> 2;
    this.iovec = iovec >> 2;
    this.buffer = new ArrayBuffer(size);
    this.bytes = new Uint8Array(this.buffer);
    this.words = new Int32Array(this.buffer);
    const view = new DataView(this.buffer);
    const base = calls.address(this.buffer);
    const point = (at: number, to: number) => view.setBigUint64(at, base + BigInt(to), true);
    const pointers: Pointer[] = [];
    for (let i = 0; i < count; i++) {
      const at = header + i * LAYOUT.mmsghdr, vector = iovec + i * LAYOUT.iovec;
      pointers.push(calls.pointer(this.buffer, at));
      if (room.name > 0) point(at + LAYOUT.name, this.name + i * this.nameStride);
      if (room.control > 0) point(at + LAYOUT.control, this.control + i * this.controlStride);
      if (room.data > 0) {
        point(at + LAYOUT.iov, vector);
        view.setUint32(at + LAYOUT.iovCount, 1, true);
        point(vector, this.data + i * this.dataStride);
        view.setUint32(vector + LAYOUT.iovecLength, room.data, true);
      }
    }
    this.pointers = pointers;
    this.prepare(count);
  }

  /** Makes the first messages ready to be received into: the kernel has written lengths over. */
  prepare(count: number): void {
    const { words, room } = this;
    for (let i = 0, at = this.header; i < count; i++, at += LAYOUT.mmsghdr >> 2) {
      words[at + (LAYOUT.nameLength >> 2)] = room.name;
      words[at + (LAYOUT.controlLength >> 2)] = room.control;
    }
  }

  /** Length of a message received. */
  length(i: number): number {
    return this.words[this.header + ((i * LAYOUT.mmsghdr + LAYOUT.mmsghdrLength) >> 2)]!;
  }

  /** Length of the control messages received with one. */
  controlLength(i: number): number {
    return this.words[this.header + ((i * LAYOUT.mmsghdr + LAYOUT.controlLength) >> 2)]!;
  }

  /** Sets the lengths of a message to be sent. */
  setLengths(i: number, name: number, control: number, data: number): void {
    this.words[this.header + ((i * LAYOUT.mmsghdr + LAYOUT.nameLength) >> 2)] = name;
    this.setControlLength(i, control);
    this.setDataLength(i, data);
  }

  /** Sets the length of the control messages of one to be sent. */
  setControlLength(i: number, control: number): void {
    this.words[this.header + ((i * LAYOUT.mmsghdr + LAYOUT.controlLength) >> 2)] = control;
  }

  /** Sets the length of the payload of one to be sent. */
  setDataLength(i: number, data: number): void {
    this.words[this.iovec + ((i * LAYOUT.iovec + LAYOUT.iovecLength) >> 2)] = data;
  }
}

function align(bytes: number, to: number): number {
  return Math.ceil(bytes / to) * to;
}
