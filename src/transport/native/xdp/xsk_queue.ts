import { Endpoint } from "../../endpoint.ts";
import type { Pointer } from "../ffi/ffi.ts";
import { SystemCallError } from "../linux.ts";
import { FrameCodec } from "./frame_codec.ts";
import { STAMP_LENGTH } from "./redirect_program.ts";
import { CLOCK_MONOTONIC, EAGAIN, EBUSY, EINTR, ENOBUFS, MSG_DONTWAIT } from "./xsk_constants.ts";
import type { XdpSystemCalls } from "./xdp_system_calls.ts";
import { FRAME_SIZE, type XskSocket } from "./xsk_socket.ts";

/** Most frames that are taken at once. Their replies leave together, after the last is written. */
export const BATCH = 64;
/** How often the kernel is asked to send without getting on: it may lack memory, or room. */
const MAX_FUTILE_TRIES = 4;
/** Errors that pass. */
const PASSING = new Set([EAGAIN, EBUSY, EINTR, ENOBUFS]);
/** A stamp older than this is none (2 s in ns): the memory was not written by our program. */
const OLDEST_STAMP = 2e9;
const UNITS_PER_NANOSECOND = 2 ** 32 / 1e9;

/** What a queue tells. */
export interface XskQueueEvents {
  /** As {@linkcode DatagramHandler}; must not throw. May call {@linkcode XskQueue.reply}. */
  onDatagram(data: Uint8Array, source: Endpoint, arrival: Uint32Array): void;
  /** A frame that was not right was dropped. */
  onBadFrame(): void;
  /** The kernel refuses to send, or the clock to tell the time. Told each time. */
  onError(error: unknown): void;
}

/**
 * Takes frames from the socket of one queue, has them answered in place and sends them. Nothing is
 * allocated on the way of a frame whose reply is the next thing its handler does.
 */
export class XskQueue {
  readonly socket: XskSocket;
  /** Where the last datagram came from. */
  readonly source: Endpoint = new Endpoint("", 0);
  readonly #calls: XdpSystemCalls;
  readonly #clock: { read(into: Uint32Array): void };
  readonly #events: XskQueueEvents;
  readonly #codec: FrameCodec;
  /** Payloads by length: a view for each, made when one of that length first comes. */
  readonly #payloads: Uint8Array[] = [];
  readonly #frames: Int32Array;
  readonly #now = new Uint32Array(2);
  readonly #arrival = new Uint32Array(2);
  readonly #monotonic = new Int32Array(new ArrayBuffer(16));
  readonly #monotonicPointer: Pointer;
  /** Our counters of the rings. */
  #received: number;
  #completed: number;
  #filled: number;
  #transmitted: number;
  /** Of the frame that is being handled: length of its payload, and of the reply, or 0. */
  #isHandling = false;
  #payloadLength = 0;
  #replyLength = 0;

  /**
   * @param socket its socket
   * @param calls the system
   * @param clock tells arrivals
   * @param events what it tells
   * @param interfaceIndex of the interface, for link-local sources
   * @param interfaceName of the same
   */
  constructor(
    socket: XskSocket,
    calls: XdpSystemCalls,
    clock: { read(into: Uint32Array): void },
    events: XskQueueEvents,
    interfaceIndex: number,
    interfaceName: string,
  ) {
    this.socket = socket;
    this.#calls = calls;
    this.#clock = clock;
    this.#events = events;
    this.#codec = new FrameCodec(socket.memory, interfaceIndex, interfaceName);
    this.#frames = new Int32Array(socket.memory);
    this.#monotonicPointer = calls.pointer(this.#monotonic.buffer);
    this.#received = socket.receive.consumed;
    this.#completed = socket.completion.consumed;
    this.#filled = socket.fill.produced;
    this.#transmitted = socket.transmit.produced;
  }

  /** Whether a frame waits. */
  get isReady(): boolean {
    return this.socket.receive.produced !== this.#received;
  }

  /**
   * Takes what has arrived, at most {@linkcode BATCH} frames, and sends the replies.
   *
   * @returns how many frames were taken
   */
  receive(): number {
    const { receive } = this.socket;
    const waiting = (receive.produced - this.#received) | 0;
    if (waiting === 0) return 0;
    const count = waiting < BATCH ? waiting : BATCH;
    const isTold = this.#readClocks();
    const { words, entries, mask } = receive;
    for (let i = 0; i < count; i++) {
      const at = entries + (((this.#received + i) & mask) << 2);
      this.#take(words[at]!, words[at + 2]!, isTold);
    }
    this.#received = (this.#received + count) | 0;
    receive.consumed = this.#received;
    this.send();
    this.#reclaim();
    return count;
  }

  /**
   * Makes the frame that is being handled the reply.
   *
   * @param data its payload; copied
   * @returns whether there is room; `undefined` when there is no such frame, it is answered already,
   * or the reply is longer
   */
  reply(data: Uint8Array): "sent" | "full" | undefined {
    if (!this.#isHandling || this.#replyLength !== 0 || data.length > this.#payloadLength) {
      return undefined;
    }
    // One half of the frames at most is on the way out, so there are always some to receive into.
    if (((this.#transmitted - this.#completed) | 0) > this.socket.transmit.mask) return "full";
    this.#replyLength = this.#codec.reply(data);
    return "sent";
  }

  /**
   * Has the kernel send what is written. What it cannot send now stays until the next call.
   *
   * @returns errno of what keeps it from sending, or 0
   */
  send(): number {
    const { transmit, fd } = this.socket;
    let futile = 0, sent = transmit.consumed;
    transmit.produced = this.#transmitted;
    while (sent !== this.#transmitted && transmit.needsWakeup) {
      const errno = this.probe(fd);
      const now = transmit.consumed;
      if (errno !== 0 && !PASSING.has(errno)) {
        this.#events.onError(new SystemCallError("sendto", errno));
        return errno;
      }
      if (now === sent && ++futile === MAX_FUTILE_TRIES) return errno;
      sent = now;
    }
    return 0;
  }

  /** Wakes the kernel up to send; returns errno or 0. */
  probe(fd: number = this.socket.fd): number {
    const { sendto, nullPointer, errno } = this.#calls;
    return sendto(fd, nullPointer, nullPointer, MSG_DONTWAIT, nullPointer, 0) < 0 ? errno() : 0;
  }

  #take(address: number, length: number, isTold: boolean): void {
    const frame = this.socket.framesAt + address;
    const payloadLength = isTold ? this.#codec.read(frame, length, this.source) : 0;
    this.#replyLength = 0;
    if (payloadLength < 0) this.#events.onBadFrame();
    else if (isTold) {
      this.#stamp(frame);
      this.#isHandling = true;
      this.#payloadLength = payloadLength;
      const payload = this.#payloads[payloadLength] ??= this.#codec.payload.subarray(
        0,
        payloadLength,
      );
      this.#events.onDatagram(payload, this.source, this.#arrival);
      this.#isHandling = false;
    }
    if (this.#replyLength === 0) return this.#giveBack(address);
    const { words, entries, mask } = this.socket.transmit;
    const at = entries + ((this.#transmitted & mask) << 2);
    words[at] = address;
    words[at + 1] = 0;
    words[at + 2] = this.#replyLength;
    words[at + 3] = 0;
    this.#transmitted = (this.#transmitted + 1) | 0;
  }

  /** Reads both clocks, one right after the other; false when that of the options throws. */
  #readClocks(): boolean {
    this.#calls.clock_gettime(CLOCK_MONOTONIC, this.#monotonicPointer);
    try {
      this.#clock.read(this.#now);
      return true;
    } catch (error) {
      this.#events.onError(error);
      return false;
    }
  }

  /**
   * When the frame arrived: now, less the age of the stamp that our program left before it. Both
   * clocks are slewed alike, so an age is the same by each.
   */
  #stamp(frame: number): void {
    const now = this.#now, arrival = this.#arrival;
    arrival[0] = now[0]!;
    arrival[1] = now[1]!;
    if ((frame & 3) !== 0) return;
    const frames = this.#frames, at = (frame - STAMP_LENGTH) >> 2;
    const low = frames[at]! >>> 0, high = frames[at + 1]! >>> 0;
    if ((low | high) === 0) return;
    // So that whoever uses the frame next is not told our time.
    frames[at] = 0;
    frames[at + 1] = 0;
    const monotonic = this.#monotonic;
    const age = monotonic[0]! * 1e9 + monotonic[2]! - (high * 2 ** 32 + low);
    if (!(age > 0 && age < OLDEST_STAMP)) return; // less than 0: it came while the batch was taken
    const units = now[1]! - age * UNITS_PER_NANOSECOND;
    const seconds = Math.floor(units / 2 ** 32);
    arrival[0] = now[0]! + seconds;
    arrival[1] = units - seconds * 2 ** 32;
  }

  /** Gives a frame to the kernel, to be received into. */
  #giveBack(address: number): void {
    const { words, entries, mask } = this.socket.fill;
    const at = entries + ((this.#filled & mask) << 1);
    words[at] = address & -FRAME_SIZE;
    words[at + 1] = 0;
    this.#filled = (this.#filled + 1) | 0;
  }

  /** Takes back the frames that were sent. */
  #reclaim(): void {
    const { completion, fill, fd } = this.socket;
    const { words, entries, mask } = completion;
    const count = (completion.produced - this.#completed) | 0;
    for (let i = 0; i < count; i++) {
      this.#giveBack(words[entries + (((this.#completed + i) & mask) << 1)]!);
    }
    if (count > 0) {
      this.#completed = (this.#completed + count) | 0;
      completion.consumed = this.#completed;
    }
    fill.produced = this.#filled;
    if (fill.needsWakeup) {
      const { recvfrom, nullPointer } = this.#calls;
      recvfrom(fd, nullPointer, nullPointer, MSG_DONTWAIT, nullPointer, nullPointer);
    }
  }
}
