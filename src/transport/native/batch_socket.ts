import { Endpoint } from "../endpoint.ts";
import type { SendOutcome, TransmitStamps } from "../udp_transport.ts";
import { ClockComparison } from "./clock_comparison.ts";
import { findTimestamp, RECEIVE_CONTROL } from "./control_message.ts";
import {
  EAGAIN,
  EINTR,
  LAYOUT,
  MEMINFO_DROPS,
  MEMINFO_WORDS,
  MSG_DONTWAIT,
  MSG_WAITFORONE,
  SO_MEMINFO,
  SO_RCVTIMEO,
  SOL_SOCKET,
} from "./linux.ts";
import { MessageVector } from "./message_vector.ts";
import { OutgoingDatagrams, type OutgoingOptions } from "./outgoing_datagrams.ts";
import { RealtimeReading } from "./realtime_reading.ts";
import { Scratch } from "./scratch.ts";
import { readSocketAddress } from "./socket_address.ts";
import { type NativeSocket, type NativeSocketOptions, openNativeSocket } from "./socket_options.ts";
import type { SystemCalls } from "./system_calls.ts";

/** How many datagrams are taken at once. */
const BATCH = 64;
/** Room for any datagram that IPv4 or IPv6 can carry. */
const LONGEST_RECEIVED = 65536;
/** How a {@linkcode BatchSocket} is made. */
export interface BatchSocketOptions extends NativeSocketOptions, OutgoingOptions {
  /**
   * A socket that is bound already, by `openNativeSocket()`; it stays open when this one closes.
   * Default: one that is made as the other options say.
   */
  readonly socket?: NativeSocket | undefined;
  /** The only other end, if the socket is connected. */
  readonly remote?: Endpoint | undefined;
}

/**
 * A UDP socket that takes and sends many datagrams by one system call. The transport of the main
 * thread drives it when the event loop says that something has come, a worker in a loop:
 *
 * ```
 * while (!stopped) {
 *   const count = socket.receive(100); // waits up to 100 ms; 0: nothing came, or a signal
 *   for (let i = 0; i < count; i++) {
 *     const request = socket.take(i); // borrowed, like socket.source and socket.arrival
 *     responder.sendDelay = socket.sendDelay;
 *     const length = responder.respond(request, request.length, socket.source, socket.arrival, reply);
 *     if (length > 0) socket.send(reply.subarray(0, length), socket.source); // leaves in a chunk
 *   }
 *   socket.flush(); // what is left of the last chunk leaves; required after each receive()
 * }
 * socket.close();
 * ```
 *
 * Nothing is allocated for a datagram as long as the one before it in the same place of a batch.
 */
export class BatchSocket {
  readonly port: number;
  readonly fd: number;
  readonly family: 4 | 6;
  /** Where the datagram came from that was taken last. */
  readonly source: Endpoint = new Endpoint("", 0);
  /** When it arrived, as the clock would have told: seconds and fraction words. */
  readonly arrival: Uint32Array = new Uint32Array(2);
  readonly #calls: SystemCalls;
  readonly #options: BatchSocketOptions;
  readonly #socket: NativeSocket;
  readonly #scratch: Scratch;
  readonly #in: MessageVector;
  readonly #out: OutgoingDatagrams;
  readonly #views: Uint8Array[] = [];
  /** Of the user's clock with the system's; holds for one batch. */
  readonly #comparison: ClockComparison;
  readonly #time: RealtimeReading;
  readonly #nameOf: (index: number) => string;
  #count = 0;
  /** Which datagram of the batch is being handled; -1, none. */
  #current = -1;
  #waitNanoseconds = 0;
  #timeoutMs = -1;
  #isClosed = false;
  #overflows = 0;

  /**
   * Makes and binds a socket.
   *
   * @throws {SystemCallError} what the system says, whose `code` is like that of `node:dgram`
   */
  constructor(calls: SystemCalls, options: BatchSocketOptions) {
    this.#calls = calls;
    this.#options = options;
    const scratch = this.#scratch = new Scratch(calls);
    const nameScratch = new Scratch(calls);
    this.#nameOf = (index) => nameScratch.interfaceName(index);
    this.#socket = options.socket ?? openNativeSocket(calls, scratch, options);
    const { fd, port, family } = this.#socket;
    this.fd = fd;
    this.port = port;
    this.family = family;
    this.#in = new MessageVector(calls, BATCH, {
      name: LAYOUT.sockaddrIn6,
      control: RECEIVE_CONTROL,
      data: LONGEST_RECEIVED,
    });
    for (let i = 0; i < BATCH; i++) this.#views.push(this.#view(i, 48));
    this.#comparison = new ClockComparison(calls, options.clock, options.isSystemTime === true);
    this.#time = new RealtimeReading(calls);
    this.#out = new OutgoingDatagrams(calls, options, this.#socket, this.#time, this.#comparison);
  }

  /** See `UdpTransport.sendDelay`. */
  get sendDelay(): number {
    return this.#out.sendDelay;
  }

  /** Datagrams that were taken to be sent, but were not. */
  get unsent(): number {
    return this.#out.unsent;
  }

  /** When datagrams leave, if the system tells. */
  get stamps(): TransmitStamps | undefined {
    return this.#socket.stamps === "both" ? this.#out.stamps : undefined;
  }

  /** Datagrams that the kernel dropped for want of room since the socket was made. */
  get overflows(): number {
    if (this.#isClosed) return this.#overflows;
    const scratch = this.#scratch;
    scratch.length = 4 * MEMINFO_WORDS;
    const { pointer, lengthPointer } = scratch;
    if (this.#calls.getsockopt(this.fd, SOL_SOCKET, SO_MEMINFO, pointer, lengthPointer) === 0) {
      this.#overflows = scratch.view.getUint32(4 * MEMINFO_DROPS, true);
    }
    return this.#overflows;
  }

  /** Whether a batch is being handled: what is sent now waits for {@linkcode BatchSocket.flush}. */
  get isHandling(): boolean {
    return this.#count > 0;
  }

  /**
   * Takes what has come.
   *
   * @param timeoutMs how long to wait for it, in whole milliseconds; 0 does not wait
   * @returns how many datagrams {@linkcode BatchSocket.take} can be called for
   */
  receive(timeoutMs: number): number {
    if (this.#isClosed) return 0;
    if (timeoutMs > 0 && timeoutMs !== this.#timeoutMs) this.#setTimeout(timeoutMs);
    const { recvmmsg, nullPointer, errno } = this.#calls;
    const flags = timeoutMs > 0 ? MSG_WAITFORONE : MSG_DONTWAIT;
    const count = recvmmsg(this.fd, this.#in.pointers[0]!, BATCH, flags, nullPointer);
    if (count <= 0) {
      const error = errno();
      if (error === EAGAIN || error === EINTR) {
        if (this.#out.stamps.isExpecting) this.#out.takeStamps();
      } else this.#options.onReceiveError?.(error);
      return 0;
    }
    this.#time.mark();
    this.#comparison.expire();
    this.#count = count;
    this.#out.begin(count === BATCH);
    return count;
  }

  /**
   * One datagram of the batch.
   *
   * @param i from 0, ascending
   * @returns its bytes, borrowed until the next {@linkcode BatchSocket.receive}
   * @throws what the clock throws
   */
  take(i: number): Uint8Array {
    const messages = this.#in;
    this.#current = i;
    const name = messages.name + i * messages.nameStride;
    readSocketAddress(this.source, this.family, messages.bytes, name, this.#nameOf);
    this.#stampArrival(i);
    this.#out.prepareReply(messages, i, this.#waitNanoseconds);
    const length = messages.length(i);
    const view = this.#views[i]!;
    return view.length === length ? view : this.#views[i] = this.#view(i, length);
  }

  /**
   * Sends a datagram: while a batch is handled, together with others, else at once. The bytes are
   * copied.
   *
   * @param data at most 65,507 bytes
   * @param to where to; if it is {@linkcode BatchSocket.source} itself, the datagram leaves from the
   * address that the one taken last was sent to
   */
  send(data: Uint8Array, to: Endpoint): SendOutcome {
    if (this.#isClosed) return "closed";
    return this.#out.send(data, to, to === this.source, this.#current === this.#count - 1);
  }

  /** Ends a batch: sends what still waits. */
  flush(): void {
    this.#out.flush();
    if (this.#count === 0) return;
    this.#in.prepare(this.#count);
    this.#count = 0;
    this.#current = -1;
    this.#out.end();
  }

  /** Sends what waits, and frees the port. Harmless when called again. */
  close(): void {
    if (this.#isClosed) return;
    this.#out.flush();
    this.#out.close();
    this.#overflows = this.overflows;
    this.#isClosed = true;
    if (this.#options.socket === undefined) this.#calls.close(this.fd);
  }

  #view(i: number, length: number): Uint8Array {
    const messages = this.#in;
    return new Uint8Array(messages.buffer, messages.data + i * messages.dataStride, length);
  }

  #setTimeout(timeoutMs: number): void {
    const { view, pointer } = this.#scratch;
    view.setBigUint64(0, BigInt(Math.floor(timeoutMs / 1000)), true);
    view.setBigUint64(8, BigInt(timeoutMs % 1000) * 1000n, true);
    this.#calls.setsockopt(this.fd, SOL_SOCKET, SO_RCVTIMEO, pointer, LAYOUT.timespec);
    this.#timeoutMs = timeoutMs;
  }

  /** The kernel's stamp by the user's clock; without one, or with a senseless one, the time now. */
  #stampArrival(i: number): void {
    const { words, control, controlStride } = this.#in, arrival = this.arrival;
    const at = (control + i * controlStride) >> 2;
    const stamp = findTimestamp(words, at, this.#in.controlLength(i));
    // Where the system's clock was set meanwhile, the age of the stamp means nothing.
    const age = stamp < 0 ? -1 : this.#time.seconds - words[stamp]!;
    if (age < 0 || age > 1) {
      this.#waitNanoseconds = 0;
      return this.#options.clock.read(arrival);
    }
    this.#waitNanoseconds = age * 1e9 + this.#time.nanoseconds - words[stamp + 2]!;
    this.#comparison.refresh();
    this.#comparison.convert(words[stamp]!, words[stamp + 2]!, arrival);
  }
}
