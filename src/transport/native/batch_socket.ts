import { HEADER_LENGTH } from "../../packet/header.ts";
import { Endpoint } from "../endpoint.ts";
import type { SendOutcome, TransmitStamps } from "../udp_transport.ts";
import { CHUNK, SendDelay } from "./send_delay.ts";
import {
  findTimestamp,
  RECEIVE_CONTROL,
  SEND_CONTROL,
  writeReplySource,
  writeStampRequest,
} from "./control_message.ts";
import {
  EAGAIN,
  ECONNREFUSED,
  EINTR,
  EINVAL,
  EMSGSIZE,
  ENOBUFS,
  LAYOUT,
  MEMINFO_DROPS,
  MEMINFO_WORDS,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  MSG_WAITFORONE,
  SO_MEMINFO,
  SO_RCVTIMEO,
  SOL_SOCKET,
} from "./linux.ts";
import { ClockComparison } from "./clock_comparison.ts";
import { KernelClock } from "./kernel_clock.ts";
import { MessageVector } from "./message_vector.ts";
import { RealtimeReading } from "./realtime_reading.ts";
import { Scratch } from "./scratch.ts";
import { readSocketAddress, writeSocketAddress } from "./socket_address.ts";
import {
  allowFragments,
  type NativeSocket,
  type NativeSocketOptions,
  openNativeSocket,
  startStamping,
} from "./socket_options.ts";
import type { SystemCalls } from "./system_calls.ts";
import { StampQueue } from "./transmit_stamps.ts";

/** How many datagrams are taken at once. */
const BATCH = 64;
/** Room for any datagram that IPv4 or IPv6 can carry. */
const LONGEST_RECEIVED = 65536;
/** Longest datagram that waits for others; longer ones are sent at once. */
const LONGEST_IN_CHUNK = 2048;
/** How often one datagram is tried whose call was ended by a signal or by another's refusal. */
const MAX_TRIES = 16;

/** How a {@linkcode BatchSocket} is made. */
export interface BatchSocketOptions extends NativeSocketOptions {
  /**
   * A socket that is bound already, by `openNativeSocket()`; it stays open when this one closes.
   * Default: one that is made as the other options say.
   */
  readonly socket?: NativeSocket | undefined;
  /** Stamps the arrivals. */
  readonly clock: { read(into: Uint32Array): void };
  /** Whether that clock is the system's itself, so that the kernel's stamps need no conversion. */
  readonly isSystemTime?: boolean;
  /** Told when a datagram that was taken could not be sent; `to` is borrowed. */
  readonly onSendError?: (errno: number, to: Endpoint) => void;
  /** Told of errors that came instead of a datagram. */
  readonly onReceiveError?: (errno: number) => void;
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
  /** See `UdpTransport.sendDelay`. */
  sendDelay = 0;
  /** Datagrams that were taken to be sent, but were not. */
  unsent = 0;
  readonly #calls: SystemCalls;
  readonly #options: BatchSocketOptions;
  readonly #socket: NativeSocket;
  readonly #scratch: Scratch;
  readonly #in: MessageVector;
  readonly #out: MessageVector;
  #large: MessageVector | undefined;
  readonly #views: Uint8Array[] = [];
  readonly #delays = new SendDelay();
  readonly #stamps: StampQueue;
  /** Of the user's clock with the system's; holds for one batch. */
  readonly #comparison: ClockComparison;
  readonly #time: RealtimeReading;
  readonly #failedTo = new Endpoint("", 0);
  readonly #nameOf: (index: number) => string;
  readonly #indexOf: (name: string) => number;
  #count = 0;
  /** Which datagram of the batch is being handled; -1, none. */
  #current = -1;
  #key = 0;
  /** Whether the next place in the outgoing chunk is made ready for a reply to `source`. */
  #isPrepared = false;
  #isStamped = false;
  #controlLength = 0;
  #waitNanoseconds = 0;
  #pending = 0;
  /** How many datagrams are sent together. */
  #chunk = CHUNK;
  #hasStamped = false;
  #mayFragment = false;
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
    this.#indexOf = (name) => nameScratch.interfaceIndex(name);
    this.#socket = options.socket ?? openNativeSocket(calls, scratch, options);
    const { fd, port, family } = this.#socket;
    this.fd = fd;
    this.port = port;
    this.family = family;
    const name = LAYOUT.sockaddrIn6;
    this.#in = new MessageVector(calls, BATCH, {
      name,
      control: RECEIVE_CONTROL,
      data: LONGEST_RECEIVED,
    });
    this.#out = new MessageVector(calls, CHUNK, {
      name,
      control: SEND_CONTROL,
      data: LONGEST_IN_CHUNK,
    });
    for (let i = 0; i < BATCH; i++) this.#views.push(this.#view(i, 48));
    this.#comparison = new ClockComparison(calls, options.clock, options.isSystemTime === true);
    this.#stamps = new StampQueue(calls, this.#comparison, this.#delays);
    this.#time = new RealtimeReading(calls);
  }

  /** When datagrams leave, if the system tells. */
  get stamps(): TransmitStamps | undefined {
    return this.#socket.stamps === "both" ? this.#stamps : undefined;
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
        if (this.#stamps.isExpecting) this.#takeStamps();
      } else this.#options.onReceiveError?.(error);
      return 0;
    }
    this.#time.mark();
    this.#comparison.expire();
    this.#count = count;
    this.#chunk = count === BATCH ? CHUNK : 1;
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
    this.#prepareReply(i);
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
    if (data.length > LONGEST_IN_CHUNK) return this.#sendLarge(data, to);
    const out = this.#out, i = this.#pending;
    const isReply = to === this.source && this.#isPrepared;
    if (isReply) this.#finishReply(out, i, data.length);
    else this.#address(out, i, data.length, to);
    out.bytes.set(data, out.data + i * out.dataStride);
    this.#pending++;
    if (this.#count === 0) return this.#sendNow(out, 0);
    // The last of a batch need not wait for whoever handles it to come back.
    if (this.#pending >= this.#chunk || (isReply && this.#current === this.#count - 1)) {
      this.#sendChunk();
    }
    return "queued";
  }

  /** Ends a batch: sends what still waits. */
  flush(): void {
    this.#sendChunk();
    if (this.#count === 0) return;
    this.#in.prepare(this.#count);
    this.#count = 0;
    this.#current = -1;
    this.#isPrepared = false;
    this.sendDelay = 0;
  }

  /** Sends what waits, and frees the port. Harmless when called again. */
  close(): void {
    if (this.#isClosed) return;
    this.#sendChunk();
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

  /**
   * Writes all of a reply but its bytes: where it goes, from which address, and whether it is to be
   * stamped. Done before its transmit timestamp is read, and for nothing if there is none.
   */
  #prepareReply(current: number): void {
    const out = this.#out, i = this.#pending;
    const delays = this.#delays;
    const idle = current === 0 ? this.#time.idleNanoseconds : 0;
    const place = this.#chunk === 1 ? -1 : i;
    const key = delays.key(place, idle, this.#waitNanoseconds);
    this.#key = key;
    this.sendDelay = delays.units(key);
    let nameLength = 0, controlLength = 0;
    if (this.#options.remote === undefined) {
      const from = this.#in, { words } = out;
      const at = (out.name + i * out.nameStride) >> 2;
      const name = (from.name + current * from.nameStride) >> 2;
      nameLength = this.family === 4 ? LAYOUT.sockaddrIn : LAYOUT.sockaddrIn6;
      for (let w = 0; w < nameLength >> 2; w++) words[at + w] = from.words[name + w]!;
      if (this.#socket.tellsDestination) {
        const control = (out.control + i * out.controlStride) >> 2;
        const request = (from.control + current * from.controlStride) >> 2;
        const size = from.controlLength(current);
        controlLength = writeReplySource(words, control, from.words, request, size, this.family);
      }
    }
    this.#isStamped = this.#socket.stamps === "both" && delays.wants(key);
    if (this.#isStamped) controlLength += this.#writeStampRequest(out, i, controlLength);
    this.#controlLength = controlLength;
    this.#isPrepared = true;
    out.setLengths(i, nameLength, controlLength, HEADER_LENGTH);
  }

  /** What is left to do for a reply that was prepared. */
  #finishReply(out: MessageVector, i: number, length: number): void {
    this.#isPrepared = false;
    if (length !== HEADER_LENGTH) out.setDataLength(i, length);
    if (!this.#isStamped && this.#stamps.isRequested && this.#socket.stamps === "both") {
      const control = this.#controlLength;
      out.setControlLength(i, control + this.#writeStampRequest(out, i, control));
      this.#isStamped = true;
    }
    if (this.#isStamped) this.#noteStamp(this.#key);
  }

  /** Writes where a datagram goes that is no reply, or one more to the same request. */
  #address(out: MessageVector, i: number, length: number, to: Endpoint): void {
    this.#isPrepared = false; // its place is taken
    let nameLength = 0, controlLength = 0;
    if (this.#options.remote === undefined) {
      const at = out.name + i * out.nameStride;
      nameLength = writeSocketAddress(to, this.family, out.bytes, at, this.#indexOf);
    }
    if (this.#stamps.isRequested && this.#socket.stamps === "both") {
      controlLength = this.#writeStampRequest(out, i, 0);
      this.#noteStamp(-1);
    }
    out.setLengths(i, nameLength, controlLength, length);
  }

  #writeStampRequest(out: MessageVector, i: number, at: number): number {
    return writeStampRequest(out.words, (out.control + i * out.controlStride + at) >> 2);
  }

  /** Notes that a datagram is stamped; of what is no reply nothing is learned: its key is -1. */
  #noteStamp(key: number): void {
    this.#hasStamped = true;
    const since = this.#sinceWhen(key >= 0);
    this.#stamps.add(key, since.seconds, since.nanoseconds);
  }

  /**
   * When the way of a datagram begins: when its transmit timestamp was read, which on the system's
   * clock is the last reading, unless nobody has read it for this datagram; else now.
   */
  #sinceWhen(isReply: boolean): RealtimeReading {
    const { clock, isSystemTime } = this.#options;
    const time = this.#time;
    if (isReply && isSystemTime && clock instanceof KernelClock) {
      const { reading } = clock, waited = reading.seconds - time.seconds;
      if (waited === 0 ? reading.nanoseconds >= time.nanoseconds : waited === 1) return reading;
    }
    time.read();
    return time;
  }

  /** Sends one datagram, whose outcome is of interest, from a vector of its own. */
  #sendNow(out: MessageVector, tries: number): SendOutcome {
    const { sendmmsg, errno } = this.#calls;
    this.#pending = 0;
    for (;; tries++) {
      if (sendmmsg(this.fd, out.pointers[0]!, 1, MSG_DONTWAIT | MSG_NOSIGNAL) === 1) {
        this.#readStamps();
        return "sent";
      }
      const error = errno();
      if (tries < MAX_TRIES && this.#mayTryAgain(error, out, 0)) continue;
      this.#forgetStamps();
      if (error === EAGAIN || error === ENOBUFS) return "full";
      this.#tellUnsent(error, out, 0);
      return "failed";
    }
  }

  #sendChunk(): void {
    const { sendmmsg, errno } = this.#calls;
    const out = this.#out, count = this.#pending;
    if (count === 0) return;
    this.#pending = 0;
    let tries = 0;
    for (let i = 0; i < count;) {
      const left = count - i;
      const sent = sendmmsg(this.fd, out.pointers[i]!, left, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent > 0) {
        i += sent;
        tries = 0;
        continue;
      }
      const error = errno();
      if (tries++ < MAX_TRIES && this.#mayTryAgain(error, out, i)) continue;
      this.unsent++;
      this.#forgetStamps();
      this.#tellUnsent(error, out, i);
      i++;
      tries = 0;
    }
    this.#readStamps();
  }

  /** Whether the same datagram may go out on another try. */
  #mayTryAgain(error: number, out: MessageVector, i: number): boolean {
    if (error === EINTR) return true;
    if (error === ECONNREFUSED) {
      // The refusal of an earlier datagram, which is gone once told.
      this.#options.onReceiveError?.(error);
      return true;
    }
    if (error === EMSGSIZE && !this.#mayFragment) {
      this.#mayFragment = true;
      allowFragments(this.#calls, this.#scratch, this.fd);
      return true;
    }
    if (error !== EINVAL) return false;
    // The request was sent to an address that nobody can send from, such as a subnet's broadcast.
    const { words, header } = out;
    const at = header + ((i * LAYOUT.mmsghdr + LAYOUT.controlLength) >> 2);
    if (words[at] === 0) return false;
    words[at] = 0;
    return true;
  }

  #tellUnsent(error: number, out: MessageVector, i: number): void {
    const to = this.#failedTo, { remote, onSendError } = this.#options;
    if (onSendError === undefined) return;
    if (remote !== undefined) to.assign(remote.rawHostname, remote.port);
    else {
      const at = out.name + i * out.nameStride;
      readSocketAddress(to, this.family, out.bytes, at, this.#nameOf);
    }
    onSendError(error, to);
  }

  #readStamps(): void {
    if (!this.#hasStamped && !this.#stamps.isExpecting) return;
    this.#hasStamped = false;
    this.#takeStamps();
  }

  #takeStamps(): void {
    // Outside of a batch nobody says when a comparison is too old.
    if (this.#count === 0) this.#comparison.expire();
    this.#stamps.read(this.fd);
  }

  /** A datagram that fails may have been numbered or not: numbers begin anew. */
  #forgetStamps(): void {
    if (!this.#hasStamped && !this.#stamps.isExpecting) return;
    this.#hasStamped = false;
    this.#takeStamps();
    this.#stamps.reset();
    startStamping(this.#calls, this.#scratch, this.fd);
  }

  #sendLarge(data: Uint8Array, to: Endpoint): SendOutcome {
    this.#sendChunk(); // what came first leaves first
    const out = this.#large ??= new MessageVector(this.#calls, 1, {
      name: LAYOUT.sockaddrIn6,
      control: SEND_CONTROL,
      data: LONGEST_RECEIVED,
    });
    out.bytes.set(data, out.data);
    this.#address(out, 0, data.length, to);
    return this.#sendNow(out, 0);
  }
}
