import { HEADER_LENGTH } from "../../packet/header.ts";
import { Endpoint } from "../endpoint.ts";
import type { SendOutcome } from "../udp_transport.ts";
import type { ClockComparison } from "./clock_comparison.ts";
import { SEND_CONTROL, writeReplySource, writeStampRequest } from "./control_message.ts";
import { KernelClock } from "./kernel_clock.ts";
import {
  EAGAIN,
  ECONNREFUSED,
  EINTR,
  EINVAL,
  EMSGSIZE,
  ENOBUFS,
  LAYOUT,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
} from "./linux.ts";
import { MessageVector } from "./message_vector.ts";
import type { RealtimeReading } from "./realtime_reading.ts";
import { Rehearsal } from "./rehearsal.ts";
import { Scratch } from "./scratch.ts";
import { CHUNK, COLD_AFTER, SendDelay } from "./send_delay.ts";
import { readSocketAddress, writeSocketAddress } from "./socket_address.ts";
import { allowFragments, type NativeSocket, startStamping } from "./socket_options.ts";
import type { SystemCalls } from "./system_calls.ts";
import { StampQueue } from "./transmit_stamps.ts";

/** Longest datagram that waits for others; longer ones are sent at once. */
const LONGEST_IN_CHUNK = 2048;
/** Room for any datagram that IPv4 or IPv6 can carry. */
const LONGEST_SENT = 65536;
/** How often one datagram is tried whose call was ended by a signal or by another's refusal. */
const MAX_TRIES = 16;

/** What concerns sending of the options of a `BatchSocket`. */
export interface OutgoingOptions {
  /** The only other end, if the socket is connected. */
  readonly remote?: Endpoint | undefined;
  /** Stamps the datagrams. */
  readonly clock: { read(into: Uint32Array): void };
  /** Whether that clock is the system's itself. */
  readonly isSystemTime?: boolean;
  /** Told when a datagram that was taken could not be sent; `to` is borrowed. */
  readonly onSendError?: (errno: number, to: Endpoint) => void;
  /** Told of errors that came instead of a datagram. */
  readonly onReceiveError?: (errno: number) => void;
}

/**
 * What a `BatchSocket` sends: while a batch is handled, replies wait for each other in chunks, each
 * laid out before its transmit timestamp is read; else each datagram leaves at once.
 */
export class OutgoingDatagrams {
  /** When datagrams leave. */
  readonly stamps: StampQueue;
  /** See `UdpTransport.sendDelay`. */
  sendDelay = 0;
  /** Datagrams that were taken to be sent, but were not. */
  unsent = 0;
  readonly #calls: SystemCalls;
  readonly #options: OutgoingOptions;
  readonly #socket: NativeSocket;
  readonly #scratch: Scratch;
  readonly #comparison: ClockComparison;
  readonly #time: RealtimeReading;
  readonly #out: MessageVector;
  #large: MessageVector | undefined;
  readonly #delays = new SendDelay();
  readonly #failedTo = new Endpoint("", 0);
  readonly #nameOf: (index: number) => string;
  readonly #indexOf: (name: string) => number;
  #isInBatch = false;
  #key = 0;
  /** Whether the next place in the chunk is made ready for a reply. */
  #isPrepared = false;
  #isStamped = false;
  #controlLength = 0;
  #pending = 0;
  /** How many datagrams are sent together. */
  #chunk = CHUNK;
  #hasStamped = false;
  #mayFragment = false;
  /** Whether the datagram before was answered: what is not answered is not rehearsed for. */
  #hasAnswered = false;
  /** Opened when first needed; null, there can be none. */
  #rehearsal: Rehearsal | null | undefined;

  /**
   * @param time the reading of the system's clock by which the batch was taken
   * @param comparison of the user's clock with the system's
   */
  constructor(
    calls: SystemCalls,
    options: OutgoingOptions,
    socket: NativeSocket,
    time: RealtimeReading,
    comparison: ClockComparison,
  ) {
    this.#calls = calls;
    this.#options = options;
    this.#socket = socket;
    this.#time = time;
    this.#comparison = comparison;
    const scratch = this.#scratch = new Scratch(calls);
    this.#nameOf = (index) => scratch.interfaceName(index);
    this.#indexOf = (name) => scratch.interfaceIndex(name);
    this.stamps = new StampQueue(calls, comparison, this.#delays);
    this.#out = new MessageVector(calls, CHUNK, {
      name: LAYOUT.sockaddrIn6,
      control: SEND_CONTROL,
      data: LONGEST_IN_CHUNK,
    });
  }

  /**
   * Begins a batch.
   *
   * @param isFull whether more may be waiting: replies then leave together
   */
  begin(isFull: boolean): void {
    this.#isInBatch = true;
    this.#chunk = isFull ? CHUNK : 1;
  }

  /** Ends a batch. */
  end(): void {
    this.#isInBatch = false;
    this.#isPrepared = false;
    this.sendDelay = 0;
  }

  /**
   * Sends a datagram, or lets it wait for others. The bytes are copied.
   *
   * @param isReply whether it answers what {@linkcode OutgoingDatagrams.prepareReply} was called for
   * @param isLast whether nothing else of the batch follows
   */
  send(data: Uint8Array, to: Endpoint, isReply: boolean, isLast: boolean): SendOutcome {
    if (data.length > LONGEST_IN_CHUNK) return this.#sendLarge(data, to);
    const out = this.#out, i = this.#pending;
    const isPrepared = isReply && this.#isPrepared;
    if (isPrepared) this.#finishReply(out, i, data.length);
    else this.#address(out, i, data.length, to);
    out.bytes.set(data, out.data + i * out.dataStride);
    this.#pending++;
    if (!this.#isInBatch) return this.#sendNow(out, 0);
    // The last of a batch need not wait for whoever handles it to come back.
    if (this.#pending >= this.#chunk || (isPrepared && isLast)) this.flush();
    return "queued";
  }

  /**
   * Writes all of a reply but its bytes: where it goes, from which address, and whether it is to be
   * stamped. Done before its transmit timestamp is read, and for nothing if there is none.
   *
   * @param from the batch that came
   * @param current which of it is answered
   * @param waitNanoseconds how long ago it came
   */
  prepareReply(from: MessageVector, current: number, waitNanoseconds: number): void {
    const out = this.#out, i = this.#pending;
    const delays = this.#delays;
    const idle = current === 0 ? this.#time.idleNanoseconds : 0;
    const place = this.#chunk === 1 ? -1 : i;
    const isCold = place < 0 && idle >= COLD_AFTER && this.#hasAnswered;
    const rehearsal = isCold ? this.#rehearse() : 0;
    const key = delays.key(place, idle, waitNanoseconds, rehearsal);
    this.#hasAnswered = false;
    this.#key = key;
    this.sendDelay = delays.units(key);
    let nameLength = 0, controlLength = 0;
    if (this.#options.remote === undefined) {
      const { words } = out;
      const at = (out.name + i * out.nameStride) >> 2;
      const name = (from.name + current * from.nameStride) >> 2;
      nameLength = this.#socket.family === 4 ? LAYOUT.sockaddrIn : LAYOUT.sockaddrIn6;
      for (let w = 0; w < nameLength >> 2; w++) words[at + w] = from.words[name + w]!;
      if (this.#socket.tellsDestination) {
        const control = (out.control + i * out.controlStride) >> 2;
        const request = (from.control + current * from.controlStride) >> 2;
        const size = from.controlLength(current);
        controlLength = writeReplySource(
          words,
          control,
          from.words,
          request,
          size,
          this.#socket.family,
        );
      }
    }
    this.#isStamped = this.#socket.stamps === "both" && delays.wants(key);
    if (this.#isStamped) controlLength += this.#writeStampRequest(out, i, controlLength);
    this.#controlLength = controlLength;
    this.#isPrepared = true;
    out.setLengths(i, nameLength, controlLength, HEADER_LENGTH);
  }

  /** Returns how long that took, in nanoseconds; 0, there is none. */
  #rehearse(): number {
    if (this.#socket.stamps !== "both") return 0; // nothing is learned
    if (this.#rehearsal === undefined) this.#rehearsal = Rehearsal.open(this.#calls) ?? null;
    return this.#rehearsal?.run() ?? 0;
  }

  /** What is left to do for a reply that was prepared. */
  #finishReply(out: MessageVector, i: number, length: number): void {
    this.#isPrepared = false;
    this.#hasAnswered = true;
    if (length !== HEADER_LENGTH) out.setDataLength(i, length);
    if (!this.#isStamped && this.stamps.isRequested && this.#socket.stamps === "both") {
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
      nameLength = writeSocketAddress(to, this.#socket.family, out.bytes, at, this.#indexOf);
    }
    if (this.stamps.isRequested && this.#socket.stamps === "both") {
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
    this.stamps.add(key, since.seconds, since.nanoseconds);
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
      if (sendmmsg(this.#socket.fd, out.pointers[0]!, 1, MSG_DONTWAIT | MSG_NOSIGNAL) === 1) {
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

  /** Sends what waits. */
  flush(): void {
    const { sendmmsg, errno } = this.#calls;
    const out = this.#out, count = this.#pending;
    if (count === 0) return;
    this.#pending = 0;
    let tries = 0;
    for (let i = 0; i < count;) {
      const left = count - i;
      const sent = sendmmsg(this.#socket.fd, out.pointers[i]!, left, MSG_DONTWAIT | MSG_NOSIGNAL);
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
      allowFragments(this.#calls, this.#scratch, this.#socket.fd);
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
      readSocketAddress(to, this.#socket.family, out.bytes, at, this.#nameOf);
    }
    onSendError(error, to);
  }

  #readStamps(): void {
    if (!this.#hasStamped && !this.stamps.isExpecting) return;
    this.#hasStamped = false;
    this.takeStamps();
  }

  /** Takes the stamps that have come. */
  takeStamps(): void {
    // Outside of a batch nobody says when a comparison is too old.
    if (!this.#isInBatch) this.#comparison.expire();
    this.stamps.read(this.#socket.fd);
  }

  /** A datagram that fails may have been numbered or not: numbers begin anew. */
  #forgetStamps(): void {
    if (!this.#hasStamped && !this.stamps.isExpecting) return;
    this.#hasStamped = false;
    this.takeStamps();
    this.stamps.reset();
    startStamping(this.#calls, this.#scratch, this.#socket.fd);
  }

  /** Frees what it has opened itself. What waits is not sent. */
  close(): void {
    this.#rehearsal?.close();
  }

  #sendLarge(data: Uint8Array, to: Endpoint): SendOutcome {
    this.flush(); // what came first leaves first
    const out = this.#large ??= new MessageVector(this.#calls, 1, {
      name: LAYOUT.sockaddrIn6,
      control: SEND_CONTROL,
      data: LONGEST_SENT,
    });
    out.bytes.set(data, out.data);
    this.#address(out, 0, data.length, to);
    return this.#sendNow(out, 0);
  }
}
