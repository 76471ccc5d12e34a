import type { SymmetricKey } from "../auth/symmetric_key.ts";
import type { Clock } from "../clock/clock.ts";
import { NTS_ABSENT, NTS_AUTHENTIC, NTS_MALFORMED, type NtsGuard } from "../nts/nts_guard.ts";
import {
  firstByte,
  HEADER_LENGTH,
  modeOf,
  ORIGIN_TIMESTAMP_AT,
  POLL_AT,
  RECEIVE_TIMESTAMP_AT,
  REFERENCE_ID_AT,
  REFERENCE_TIMESTAMP_AT,
  STRATUM_AT,
  TRANSMIT_TIMESTAMP_AT,
  versionOf,
  writeTimestamp,
  writeWord,
} from "../packet/header.ts";
import { MODE_CLIENT, MODE_RESERVED, MODE_SERVER } from "../packet/mode.ts";
import { referenceIdFromText } from "../packet/reference_id.ts";
import { CRYPTO_NAK_LENGTH, trailerPart } from "../packet/trailer.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import { type Admission, RATE, SERVE, SERVE_AUTHENTICATED } from "./admission.ts";
import { checkDecision, type Decision, type DecisionHook } from "./decision.ts";
import {
  DROP_AUTHENTICATION,
  DROP_CLOCK,
  DROP_HOOK,
  DROP_MALFORMED,
  DROP_MODE,
  DROP_NTS,
  DROP_SHORT,
  DROP_VERSION,
} from "./drop_reason.ts";
import { type Interleaved, NO_SLOT } from "./interleaved.ts";
import { KissBudget } from "./kiss_budget.ts";
import { asksForNtpv5, NTPV5_UPGRADE, type Ntpv5Guard } from "./ntpv5_guard.ts";
import { unitsBetween } from "./reply_delays.ts";
import { keyOfRequest, type KeySource } from "./request_mac.ts";
import type { ReplyKind } from "./statistics.ts";
import { type SystemVariables, writeSystemVariables } from "./system_variables.ts";

/** Port of NTP servers. A version 1 packet without mode that comes from it is no client's. */
const NTP_PORT = 123;
/** Bounds of the poll exponent in a reply (RFC 5905 §7.2: MINPOLL, MAXPOLL). */
const MIN_POLL = 4, MAX_POLL = 17;
/** Leap indicator of a first byte. */
const LEAP_BITS = 0xc0;
/**
 * Where the fields stand that each reply has of its own. V8 makes constants of this module part of
 * the code, but reads imported ones from memory and checks them, for every byte: 10 ns a packet.
 */
const POLL = POLL_AT, ORIGIN = ORIGIN_TIMESTAMP_AT;
const RECEIVE = RECEIVE_TIMESTAMP_AT, TRANSMIT = TRANSMIT_TIMESTAMP_AT;
/** Kiss code for clients whose cookie or authenticator is not good (RFC 8915 §5.7). */
const NTSN: number = referenceIdFromText("NTSN");
/** Longest reply without NTS: a header and the longest MAC, that of SHA-512 before version 4. */
export const MAX_REPLY_LENGTH = 116;

/** What a responder needs to know of its server. */
export interface ResponderOptions {
  /** Tells the transmit time of each reply. */
  readonly clock: Pick<Clock, "read">;
  /** Tells the system variables; asked when the second changes. */
  readonly variables: () => SystemVariables;
  /** Who is let in. Default: everybody. */
  readonly admission?: Admission | undefined;
  /** Keys that requests may be authenticated with. Default: none. */
  readonly keys?: KeySource | undefined;
  /** What the server has of NTS. Default: nothing, and such requests are answered as plain ones. */
  readonly nts?: NtsGuard | undefined;
  /** What the server has of NTPv5, a draft. Default: nothing. */
  readonly ntpv5?: Ntpv5Guard | undefined;
  /** Decides about each request that is about to be answered. Default: all are served. */
  readonly decide?: DecisionHook | undefined;
  /** Told of each decision of the hook. Default: nobody. */
  readonly onDecision?: ((decision: Decision) => void) | undefined;
  /** Told when clock, system variables or hook fail, at most once a second. Default: nobody. */
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
  /** What the last call of {@linkcode Responder.respond} made, if it made a reply. */
  kind: ReplyKind = "answer";
  /** Whether that reply was authenticated with NTS. */
  isNts = false;
  /**
   * Added to the transmit timestamps of replies, in units of 2^-32 s: how much later than the clock is
   * read they leave at least, as `UdpTransport.sendDelay` tells it. Default 0.
   */
  sendDelay = 0;
  /**
   * Remembers when replies leave, for clients in interleaved mode (RFC 9769). Default undefined: all is
   * basic mode.
   */
  interleaved: Interleaved | undefined = undefined;
  /** Where the last reply is remembered, to be told when it left; or {@linkcode NO_SLOT}. */
  slot: number = NO_SLOT;
  readonly #options: ResponderOptions;
  readonly #clock: Pick<Clock, "read">;
  readonly #admission: Admission | undefined;
  /** For NTSN, where there is no admission whose budget it is. */
  readonly #kisses: KissBudget | undefined;
  readonly #ntpv5: Ntpv5Guard | undefined;
  readonly #transmit = new Uint32Array(2);
  /** The header that is sent; what is the same in every reply of this second is ready-made. */
  readonly #ready = new Uint8Array(HEADER_LENGTH);
  /** Second that `#ready` was made in; -1, none. */
  #readySecond = -1;
  /** Second in which an error was last reported; -1, none. */
  #errorSecond = -1;

  /**
   * Makes a responder.
   *
   * @param options clock and system variables, and who is answered
   */
  constructor(options: ResponderOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#admission = options.admission;
    this.#ntpv5 = options.ntpv5;
    const { admission, nts } = options;
    this.#kisses = nts === undefined || admission !== undefined ? undefined : new KissBudget();
  }

  /**
   * How long the last answer took, from its arrival to its transmit timestamp.
   *
   * @param arrival as it was given to {@linkcode Responder.respond}
   * @returns units of 2^-32 s, from 0 to below a second
   */
  delayUnits(arrival: Uint32Array): number {
    return unitsBetween(arrival, this.#transmit);
  }

  /** Makes the next reply ask for the system variables, though the second is the same. */
  refresh(): void {
    this.#readySecond = -1;
  }

  /**
   * Answers a datagram, or says why not. Never throws. Allocates nothing for a request that has
   * neither MAC nor hook, but once a second.
   *
   * @param request holds the datagram at its beginning
   * @param length length of the datagram, in bytes
   * @param source where it came from
   * @param arrival when it arrived: seconds and fraction words
   * @param reply at least 48 bytes and at least `length`, or {@linkcode MAX_REPLY_LENGTH}, or with
   * NTS `MAX_NTS_REPLY_LENGTH`; written; may be `request` itself
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
    this.slot = NO_SLOT;
    if (length < HEADER_LENGTH) return DROP_SHORT;
    const first = request[0]!;
    const version = versionOf(first), mode = modeOf(first);
    if (version === 0 || version > 4) {
      if (version !== 5 || this.#ntpv5 === undefined) return DROP_VERSION;
      return this.#considerNtpv5(this.#ntpv5, request, length, source, arrival, reply);
    }
    if (mode !== MODE_CLIENT) {
      // RFC 1059 had no modes: only there is 0 a request, unless a server's port sent it.
      if (mode !== MODE_RESERVED || version !== 1 || source.port === NTP_PORT) return DROP_MODE;
    }
    const verdict = this.#admission === undefined ? SERVE : this.#admission.judge(source, arrival);
    if (verdict < 0) return verdict;
    // The plain path: a request of 48 bytes that nobody else has a say in.
    if (length === HEADER_LENGTH && verdict === SERVE && this.#options.decide === undefined) {
      this.kind = "answer";
      this.isNts = false;
      return this.#write(request, version, source, arrival, reply) ? HEADER_LENGTH : DROP_CLOCK;
    }
    try {
      return this.#consider(request, length, source, arrival, reply, verdict);
    } catch (error) {
      this.#report(error, arrival[0]!);
      return DROP_HOOK;
    }
  }

  /** The way of a request that carries more than a header, is to be kissed, or meets a hook. */
  #consider(
    request: Uint8Array,
    length: number,
    source: Endpoint,
    arrival: Uint32Array,
    reply: Uint8Array,
    verdict: number,
  ): number {
    this.isNts = false;
    const version = versionOf(request[0]!);
    let at = HEADER_LENGTH, part: number;
    while ((part = trailerPart(request, at, length, version)) > 0) at += part;
    if ((part & 3) !== 0) return DROP_MALFORMED;
    const { keys, decide, nts } = this.#options;
    const protection = nts === undefined || at === HEADER_LENGTH
      ? NTS_ABSENT
      : nts.open(request, length);
    if (protection === NTS_MALFORMED) return DROP_NTS;
    const isNts = protection === NTS_AUTHENTIC;
    let key: SymmetricKey | undefined;
    // A MAC behind the fields of NTS is as little authenticated as other fields there.
    if (part !== 0 && protection === NTS_ABSENT) {
      const found = keyOfRequest(request, at, length, version, source.bytes, keys);
      if (found === "none") return DROP_AUTHENTICATION;
      if (found === "wrong") return this.#writeCryptoNak(request, version, source, arrival, reply);
      key = found;
      if (decide === undefined && verdict <= SERVE_AUTHENTICATED) {
        return this.#answerSigned(request, at, length, source, arrival, reply, key);
      }
      const digest = request.subarray(at + 4, length);
      if (!key.verify(request.subarray(0, at), digest, version)) {
        return this.#writeCryptoNak(request, version, source, arrival, reply);
      }
    }
    if (protection !== NTS_ABSENT && !isNts) {
      return this.#writeNtsNak(request, source, arrival, reply, nts!);
    }
    if (verdict === SERVE_AUTHENTICATED && key === undefined && !isNts) return DROP_AUTHENTICATION;

    let kissCode = verdict > SERVE_AUTHENTICATED ? verdict : 0;
    let decision: Decision | undefined;
    if (decide !== undefined && kissCode === 0) {
      decision = this.#decide(request, length, source, key?.id ?? 0, isNts);
      if (decision?.action === "drop") return DROP_HOOK;
      if (decision?.action === "kiss") kissCode = referenceIdFromText(decision.kissCode);
    }
    this.kind = kissCode === 0 ? "answer" : "kiss";
    if (!this.#write(request, version, source, arrival, reply)) return DROP_CLOCK;
    if (kissCode !== 0) this.#makeKiss(reply, version, kissCode);
    if (decision?.action === "adjust") decision.adjust(reply.subarray(0, HEADER_LENGTH));
    if (isNts) {
      this.isNts = true;
      return nts!.seal(reply) || DROP_NTS;
    }
    return key === undefined ? HEADER_LENGTH : sign(reply, key, length - at - 4, version);
  }

  /** Asks the hook. */
  #decide(
    request: Uint8Array,
    length: number,
    source: Endpoint,
    keyId: number,
    nts: boolean,
  ): Decision | undefined {
    const { decide, onDecision } = this.#options;
    const version = versionOf(request[0]!), bytes = request.subarray(0, length);
    const decision = decide?.({ source, version, keyId, nts, bytes });
    if (decision !== undefined) {
      checkDecision(decision);
      onDecision?.(decision);
    }
    return decision;
  }

  /** The way of a request in NTPv5, which has kisses of its own: a poll interval, or never again. */
  #considerNtpv5(
    ntpv5: Ntpv5Guard,
    request: Uint8Array,
    length: number,
    source: Endpoint,
    arrival: Uint32Array,
    reply: Uint8Array,
  ): number {
    this.isNts = false;
    if (modeOf(request[0]!) !== MODE_CLIENT) return DROP_MODE;
    const verdict = this.#admission === undefined ? SERVE : this.#admission.judge(source, arrival);
    if (verdict < 0) return verdict;
    if (verdict === SERVE_AUTHENTICATED) return DROP_AUTHENTICATION;
    let kissCode = verdict > SERVE_AUTHENTICATED ? verdict : 0;
    try {
      const fault = ntpv5.check(request, length);
      if (fault !== 0) return fault;
      if (arrival[0] !== this.#readySecond && !this.#prepare(arrival[0]!)) return DROP_CLOCK;
      const decision = kissCode === 0 && this.#options.decide !== undefined
        ? this.#decide(request, length, source, 0, false)
        : undefined;
      if (decision?.action === "drop") return DROP_HOOK;
      if (decision?.action === "kiss") kissCode = referenceIdFromText(decision.kissCode);
      this.kind = kissCode === 0 ? "answer" : "kiss";
      if (kissCode !== 0) {
        const least = this.#admission?.rateLimiter?.poll ?? MIN_POLL;
        ntpv5.refuse(request, length, kissCode === RATE ? least : undefined, reply);
        return length;
      }
      ntpv5.answer(request, length, arrival, reply);
      if (!this.#readTransmit(arrival[0]!)) return DROP_CLOCK;
      writeWord(reply, TRANSMIT, this.#transmit[0]! | 0);
      writeWord(reply, TRANSMIT + 4, this.#transmit[1]! | 0);
      if (decision?.action === "adjust") decision.adjust(reply.subarray(0, HEADER_LENGTH));
      return length;
    } catch (error) {
      this.#report(error, arrival[0]!);
      return DROP_HOOK;
    }
  }

  /** "I cannot open your cookie", as often as there are kisses to spare (RFC 8915 §5.7). */
  #writeNtsNak(
    request: Uint8Array,
    source: Endpoint,
    arrival: Uint32Array,
    reply: Uint8Array,
    nts: NtsGuard,
  ): number {
    const mayKiss = this.#admission?.allowsKiss(source, arrival) ??
      this.#kisses!.allows(source.bytes, arrival);
    if (!mayKiss) return DROP_NTS;
    this.kind = "NTS-NAK";
    const version = versionOf(request[0]!);
    if (!this.#write(request, version, source, arrival, reply)) return DROP_CLOCK;
    this.#makeKiss(reply, version, NTSN);
    return nts.identify(reply);
  }

  /**
   * Answers a request with a MAC that only the MAC has a say in. The reply is written before that is
   * checked, since both MACs together take as long as one.
   */
  #answerSigned(
    request: Uint8Array,
    at: number,
    length: number,
    source: Endpoint,
    arrival: Uint32Array,
    reply: Uint8Array,
    key: SymmetricKey,
  ): number {
    const version = versionOf(request[0]!);
    const isTaken = key.take(request, at, length, version);
    this.kind = "answer";
    if (!this.#write(request, version, source, arrival, reply)) return DROP_CLOCK;
    if (!isTaken || !key.answer(reply, HEADER_LENGTH + 4, HEADER_LENGTH)) {
      this.kind = "crypto-NAK";
      writeWord(reply, HEADER_LENGTH, 0);
      return HEADER_LENGTH + CRYPTO_NAK_LENGTH;
    }
    writeWord(reply, HEADER_LENGTH, key.id);
    return HEADER_LENGTH + length - at;
  }

  /** Writes a plain reply; false when the clock or the system variables fail. */
  #write(
    request: Uint8Array,
    version: number,
    source: Endpoint,
    arrival: Uint32Array,
    reply: Uint8Array,
  ): boolean {
    if (arrival[0] !== this.#readySecond && !this.#prepare(arrival[0]!)) return false;
    const ready = this.#ready;
    ready[0] = (ready[0]! & LEAP_BITS) | (version << 3) | MODE_SERVER;
    const poll = (request[POLL]! << 24) >> 24;
    ready[POLL] = poll < MIN_POLL ? MIN_POLL : poll > MAX_POLL ? MAX_POLL : poll;
    for (let i = 0; i < 8; i++) ready[ORIGIN + i] = request[TRANSMIT + i]!;
    // As signed numbers: V8 allocates memory for greater ones wherever it does not inline the call.
    writeWord(ready, RECEIVE, arrival[0]! | 0);
    writeWord(ready, RECEIVE + 4, arrival[1]! | 0);
    const { interleaved } = this;
    const isInterleaved = interleaved !== undefined && this.kind === "answer" &&
      this.#interleave(interleaved, request, source, arrival);
    const upgrades = this.#ntpv5 !== undefined && version === 4 && asksForNtpv5(request);

    if (!this.#readTransmit(arrival[0]!)) return false;
    const told = isInterleaved ? interleaved!.transmit : this.#transmit;
    writeWord(ready, TRANSMIT, told[0]! | 0);
    writeWord(ready, TRANSMIT + 4, told[1]! | 0);
    reply.set(ready); // byte by byte it takes twice as long
    if (upgrades) writeTimestamp(reply, REFERENCE_TIMESTAMP_AT, NTPV5_UPGRADE);
    return true;
  }

  /** Reads when the reply leaves, last of all: what comes after it makes the reply late. */
  #readTransmit(second: number): boolean {
    const transmit = this.#transmit;
    try {
      this.#clock.read(transmit);
    } catch (error) {
      this.#report(error, second);
      return false;
    }
    const delay = this.sendDelay;
    if (delay !== 0) {
      transmit[1] = transmit[1]! + delay;
      if (transmit[1]! < delay) transmit[0] = transmit[0]! + 1;
    }
    return true;
  }

  /**
   * Interleaved mode (RFC 9769 §2): remembers this reply, and looks whether the client wants to know
   * when the one before left. Then the reply says so, and that it does: by giving back the receive
   * timestamp of the request, not the transmit timestamp.
   */
  #interleave(
    interleaved: Interleaved,
    request: Uint8Array,
    source: Endpoint,
    arrival: Uint32Array,
  ): boolean {
    const isInterleaved = interleaved.find(request, source.bytes);
    this.slot = interleaved.remember(request, source.bytes, arrival);
    if (isInterleaved) {
      for (let i = 0; i < 8; i++) this.#ready[ORIGIN + i] = request[RECEIVE + i]!;
    }
    return isInterleaved;
  }

  /** Turns a plain reply into a kiss-o'-death (RFC 5905 §7.4). */
  #makeKiss(reply: Uint8Array, version: number, kissCode: number): void {
    reply[0] = firstByte(3, version, MODE_SERVER);
    reply[STRATUM_AT] = 0;
    writeWord(reply, REFERENCE_ID_AT, kissCode);
    const limit = this.#admission?.rateLimiter?.poll;
    if (kissCode === RATE && limit !== undefined) {
      reply[POLL] = Math.min(MAX_POLL, Math.max(limit, reply[POLL]!));
    }
  }

  /** A reply whose MAC has no digest: "I cannot check yours" (RFC 5905 §9.2). */
  #writeCryptoNak(
    request: Uint8Array,
    version: number,
    source: Endpoint,
    arrival: Uint32Array,
    reply: Uint8Array,
  ): number {
    this.kind = "crypto-NAK";
    if (!this.#write(request, version, source, arrival, reply)) return DROP_CLOCK;
    writeWord(reply, HEADER_LENGTH, 0);
    return HEADER_LENGTH + CRYPTO_NAK_LENGTH;
  }

  /** Makes the bytes ready that are the same all second; false when the system variables fail. */
  #prepare(second: number): boolean {
    try {
      const variables = this.#options.variables();
      writeSystemVariables(variables, this.#ready);
      this.#ntpv5?.prepare(variables, second);
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
      this.#options.onError?.(error);
    } catch {
      // What reports errors must not make more; the drop is counted all the same.
    }
  }
}

/** Puts a MAC behind a reply; returns its length. */
function sign(
  reply: Uint8Array,
  key: SymmetricKey,
  digestLength: number,
  version: number,
): number {
  const digest = key.sign(reply.subarray(0, HEADER_LENGTH), version);
  writeWord(reply, HEADER_LENGTH, key.id);
  for (let i = 0; i < digestLength; i++) reply[HEADER_LENGTH + 4 + i] = digest[i]!;
  return HEADER_LENGTH + 4 + digestLength;
}
