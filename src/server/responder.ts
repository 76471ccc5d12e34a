import type { Clock } from "../clock/clock.ts";
import {
  HEADER_LENGTH,
  modeOf,
  ORIGIN_TIMESTAMP_AT,
  POLL_AT,
  RECEIVE_TIMESTAMP_AT,
  TRANSMIT_TIMESTAMP_AT,
  versionOf,
  writeWord,
} from "../packet/header.ts";
import { MODE_CLIENT, MODE_RESERVED, MODE_SERVER } from "../packet/mode.ts";
import { trailerPart } from "../packet/trailer.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import {
  DROP_AUTHENTICATION,
  DROP_CLOCK,
  DROP_MALFORMED,
  DROP_MODE,
  DROP_SHORT,
  DROP_VERSION,
} from "./drop_reason.ts";
import {
  type SystemVariables,
  VARIABLES_LENGTH,
  writeSystemVariables,
} from "./system_variables.ts";

/** Port of NTP servers. A version 1 packet without mode that comes from it is no client's. */
const NTP_PORT = 123;
/** Bounds of the poll exponent in a reply (RFC 5905 §7.2: MINPOLL, MAXPOLL). */
const MIN_POLL = 4, MAX_POLL = 17;

/** What a responder needs to know of its server. */
export interface ResponderOptions {
  /** Tells the transmit time of each reply. */
  readonly clock: Pick<Clock, "read">;
  /** Tells the system variables; asked when the second changes. */
  readonly variables: () => SystemVariables;
  /** Told when the clock or the system variables fail, at most once a second. Default: nobody. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/**
 * The server's side of the protocol as a function: a request, where it came from and when it
 * arrived go in; a reply or a reason for silence comes out. Knows no socket. Every transport, the
 * benchmarks and the fuzzer use this one.
 *
 * @example Answering a request
 * ```ts
 * import { Endpoint, NTPPacket, Responder, SystemClock } from "@ntps/ntps";
 * import { assertEquals } from "@std/assert";
 *
 * const clock = new SystemClock();
 * const responder = new Responder({
 *   clock,
 *   variables: () => ({
 *     leapIndicator: 0,
 *     stratum: 1,
 *     precision: clock.precision,
 *     rootDelay: 0,
 *     rootDispersion: 0,
 *     referenceId: 0x47505300,
 *     referenceTimestamp: clock.now(),
 *   }),
 * });
 * const request = new NTPPacket({ transmitTimestamp: 7n }).encode();
 * const arrival = new Uint32Array(2);
 * clock.read(arrival);
 * const reply = new Uint8Array(48);
 * const source = new Endpoint("192.0.2.1", 50123);
 * assertEquals(responder.respond(request, request.length, source, arrival, reply), 48);
 * assertEquals(NTPPacket.decode(reply).originTimestamp, 7n);
 * ```
 */
export class Responder {
  readonly #clock: Pick<Clock, "read">;
  readonly #variables: () => SystemVariables;
  readonly #onError: ((error: unknown) => void) | undefined;
  readonly #transmit = new Uint32Array(2);
  /** The first bytes of every reply of this second, ready-made. */
  readonly #ready = new Uint8Array(VARIABLES_LENGTH);
  /** Second that `#ready` was made in; -1, none. */
  #readySecond = -1;
  /** Second in which an error was last reported; -1, none. */
  #errorSecond = -1;

  /**
   * Makes a responder.
   *
   * @param options clock and system variables
   */
  constructor(options: ResponderOptions) {
    this.#clock = options.clock;
    this.#variables = options.variables;
    this.#onError = options.onError;
  }

  /** Makes the next reply ask for the system variables, though the second is the same. */
  refresh(): void {
    this.#readySecond = -1;
  }

  /**
   * Answers a datagram, or says why not. Allocates nothing but once a second, and never throws.
   *
   * @param request holds the datagram at its beginning
   * @param length length of the datagram, in bytes
   * @param source where it came from
   * @param arrival when it arrived: seconds and fraction words
   * @param reply at least 48 bytes, written; may be `request` itself
   * @returns length of the reply, never more than `length`; or a negative reason (see
   * `DROP_REASONS`)
   */
  respond(
    request: Uint8Array,
    length: number,
    source: Endpoint,
    arrival: Uint32Array,
    reply: Uint8Array,
  ): number {
    if (length < HEADER_LENGTH) return DROP_SHORT;
    const first = request[0]!;
    const version = versionOf(first), mode = modeOf(first);
    if (version === 0 || version > 4) return DROP_VERSION;
    if (mode !== MODE_CLIENT) {
      // RFC 1059 had no modes: only there is 0 a request, unless a server's port sent it.
      if (mode !== MODE_RESERVED || version !== 1 || source.port === NTP_PORT) return DROP_MODE;
    }
    if (length > HEADER_LENGTH) {
      let at = HEADER_LENGTH, part: number;
      while ((part = trailerPart(request, at, length, version)) > 0) at += part;
      if (part !== 0) return (part & 3) === 0 ? DROP_AUTHENTICATION : DROP_MALFORMED;
    }
    if (!this.#prepare(arrival[0]!)) return DROP_CLOCK;

    // The request's fields are read before they are overwritten: reply may be request.
    const poll = (request[POLL_AT]! << 24) >> 24;
    for (let i = 0; i < 8; i++) {
      reply[ORIGIN_TIMESTAMP_AT + i] = request[TRANSMIT_TIMESTAMP_AT + i]!;
    }
    const ready = this.#ready;
    for (let i = 0; i < VARIABLES_LENGTH; i++) reply[i] = ready[i]!;
    reply[0] = ready[0]! | (version << 3) | MODE_SERVER;
    reply[POLL_AT] = poll < MIN_POLL ? MIN_POLL : poll > MAX_POLL ? MAX_POLL : poll;
    writeWord(reply, RECEIVE_TIMESTAMP_AT, arrival[0]!);
    writeWord(reply, RECEIVE_TIMESTAMP_AT + 4, arrival[1]!);

    const transmit = this.#transmit;
    try {
      this.#clock.read(transmit); // last of all: what comes after it makes the reply late
    } catch (error) {
      this.#report(error, arrival[0]!);
      return DROP_CLOCK;
    }
    writeWord(reply, TRANSMIT_TIMESTAMP_AT, transmit[0]!);
    writeWord(reply, TRANSMIT_TIMESTAMP_AT + 4, transmit[1]!);
    return HEADER_LENGTH;
  }

  /** Has the ready-made bytes of this second; false when the system variables fail. */
  #prepare(second: number): boolean {
    if (second === this.#readySecond) return true;
    try {
      writeSystemVariables(this.#variables(), this.#ready);
    } catch (error) {
      this.#report(error, second);
      return false;
    }
    this.#readySecond = second;
    return true;
  }

  #report(error: unknown, second: number): void {
    if (second === this.#errorSecond) return;
    this.#errorSecond = second;
    try {
      this.#onError?.(error);
    } catch {
      // What reports errors must not make more; the drop is counted all the same.
    }
  }
}
