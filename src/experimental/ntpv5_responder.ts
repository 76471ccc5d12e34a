import {
  firstByte,
  HEADER_LENGTH,
  POLL_AT,
  PRECISION_AT,
  readWord,
  RECEIVE_TIMESTAMP_AT,
  ROOT_DELAY_AT,
  ROOT_DISPERSION_AT,
  STRATUM_AT,
  writeTimestamp,
  writeWord,
} from "../packet/header.ts";
import { MODE_SERVER } from "../packet/mode.ts";
import { checkBytes } from "../packet/packet_fields.ts";
import { isSmearReferenceId } from "../packet/smear_reference_id.ts";
import { DEFAULT_PIVOT, NTP_UNIX_OFFSET, timestampToUnixNanoseconds } from "../packet/timestamp.ts";
import {
  DROP_AUTHENTICATION,
  DROP_MALFORMED,
  DROP_NTS,
  DROP_VERSION,
} from "../server/drop_reason.ts";
import { MAX_NTPV5_LENGTH, type Ntpv5Guard } from "../server/ntpv5_guard.ts";
import { MAX_STRATUM, type SystemVariables } from "../server/system_variables.ts";
import { DRAFT_BYTES } from "./ntpv5_draft.ts";
import {
  DRAFT_IDENTIFICATION,
  fieldLengthAt,
  hasGoodFields,
  MAC,
  NTS_AUTHENTICATOR,
  paddedLength,
  PADDING,
  REFERENCE_IDS_REQUEST,
  REFERENCE_IDS_RESPONSE,
  REFERENCE_TIMESTAMP,
  SERVER_INFORMATION,
} from "./ntpv5_fields.ts";
import {
  CLIENT_COOKIE_AT,
  ERA_AT,
  FLAG_SYNCHRONIZED,
  FLAGS_AT,
  NTPV5,
  SMEARED_UTC,
  TIMESCALE_AT,
  UTC,
} from "./ntpv5_header.ts";
import { ReferenceIdFilter } from "./reference_id_filter.ts";
import { time32FromSeconds } from "./time32.ts";

/** Bounds of the poll exponent in a response. */
const MIN_POLL = 4, MAX_POLL = 17;
/** Poll exponent that means "never again". */
const NEVER = 127;
/** Versions 1 to 5, one bit each: bit 0 is version 1. */
const VERSIONS = 0x1f;

/** Options of {@linkcode NTPv5Responder}. */
export interface NTPv5ResponderOptions {
  /** The server's own reference ID, 15 bytes. Default: random ones. */
  referenceId?: Uint8Array;
  /**
   * Unix nanoseconds near the time that is served, which tell the era. Default: era 0 up to 2036, era 1
   * after, until 2104.
   */
  pivot?: () => bigint;
}

/**
 * Lets an `NTPServer` answer NTPv5 (draft-ietf-ntp-ntpv5-08) too, and tell clients of version 4 that ask
 * for it that it does. Every field of a request is answered by one as long, so a response is exactly as
 * long as its request.
 *
 * Has: basic mode; UTC, or leap-smeared UTC where the server smears; draft identification, padding,
 * reference IDs, server information, reference timestamp. Has not: interleaved mode, other timescales,
 * corrections, monotonic and secondary timestamps; MAC and NTS, whose requests are dropped.
 *
 * @example A server with NTPv5, and a client
 * ```ts
 * import { NTPServer } from "@ntps/ntps";
 * import { NTPv5Responder, queryNTPv5 } from "@ntps/ntps/experimental";
 * import { assertEquals } from "@std/assert";
 *
 * const server = new NTPServer({ ntpv5: new NTPv5Responder() });
 * const { port } = await server.listen({ hostname: "127.0.0.1", port: 0 });
 * const { ntpv5 } = await queryNTPv5("127.0.0.1", { port });
 * assertEquals(ntpv5?.stratum, 1);
 * await server.close();
 * ```
 */
export class NTPv5Responder implements Ntpv5Guard {
  /** The server's own reference ID, 15 bytes. */
  readonly referenceId: Uint8Array;
  #filter = new ReferenceIdFilter();
  readonly #pivot: () => bigint;
  /** First 16 bytes of answers, with what is the same all second. */
  readonly #ready = new Uint8Array(HEADER_LENGTH);
  #referenceTimestamp = 0n;

  /**
   * Makes a responder, for the option `ntpv5` of `NTPServer`.
   *
   * @param options all optional
   * @throws {TypeError} if an option has the wrong type
   * @throws {RangeError} if `referenceId` has not 15 bytes
   */
  constructor(options: NTPv5ResponderOptions = {}) {
    const { referenceId, pivot = () => DEFAULT_PIVOT } = options;
    if (typeof pivot !== "function") {
      throw new TypeError(`pivot is a function, not ${String(pivot)}`);
    }
    if (referenceId !== undefined) checkBytes("referenceId", referenceId);
    this.#pivot = pivot;
    this.referenceId = new Uint8Array(
      referenceId ?? crypto.getRandomValues(new Uint8Array(15)),
    );
    this.setSources([]);
  }

  /**
   * Tells the servers that this one follows, so that clients notice loops.
   *
   * @param filters as they told them, or made with `ntpv5ReferenceIdOf()`; none of earlier calls remains
   */
  setSources(filters: readonly ReferenceIdFilter[]): void {
    const filter = new ReferenceIdFilter();
    filter.add(this.referenceId);
    for (const one of filters) filter.addAll(one);
    this.#filter = filter;
  }

  /** Does {@linkcode Ntpv5Guard.prepare}. */
  prepare(variables: SystemVariables, second: number): void {
    const ready = this.#ready;
    const { leapIndicator, stratum, referenceId } = variables;
    const isSynchronized = leapIndicator !== 3 && stratum < MAX_STRATUM;
    ready[0] = firstByte(isSynchronized ? leapIndicator : 3, NTPV5, MODE_SERVER);
    ready[STRATUM_AT] = isSynchronized ? stratum : 0;
    ready[PRECISION_AT] = variables.precision;
    writeWord(ready, ROOT_DELAY_AT, time32FromSeconds(variables.rootDelay));
    writeWord(ready, ROOT_DISPERSION_AT, time32FromSeconds(variables.rootDispersion));
    ready[TIMESCALE_AT] = isSmearReferenceId(referenceId) ? SMEARED_UTC : UTC;
    ready[ERA_AT] = eraOf(second, this.#pivot());
    ready[FLAGS_AT + 1] = isSynchronized ? FLAG_SYNCHRONIZED : 0;
    this.#referenceTimestamp = variables.referenceTimestamp;
  }

  /** Does {@linkcode Ntpv5Guard.check}. */
  check(request: Uint8Array, length: number): number {
    if (length > MAX_NTPV5_LENGTH || !hasGoodFields(request, length)) return DROP_MALFORMED;
    let isOurDraft = false;
    let at = HEADER_LENGTH, field: number;
    while ((field = fieldLengthAt(request, at, length)) > 0) {
      const type = readWord(request, at) >>> 16;
      // What cannot be checked has failed.
      if (type === MAC) return DROP_AUTHENTICATION;
      if (type === NTS_AUTHENTICATOR) return DROP_NTS;
      if (type === DRAFT_IDENTIFICATION) isOurDraft = isDraft(request, at + 4, field - 4);
      at += paddedLength(field);
    }
    return isOurDraft ? 0 : DROP_VERSION;
  }

  /** Does {@linkcode Ntpv5Guard.answer}. */
  answer(request: Uint8Array, length: number, arrival: Uint32Array, reply: Uint8Array): void {
    this.#writeFields(request, length, reply);
    const poll = (request[POLL_AT]! << 24) >> 24;
    const ready = this.#ready;
    for (let i = 0; i < 8; i++) ready[CLIENT_COOKIE_AT + i] = request[CLIENT_COOKIE_AT + i]!;
    writeWord(ready, RECEIVE_TIMESTAMP_AT, arrival[0]! | 0);
    writeWord(ready, RECEIVE_TIMESTAMP_AT + 4, arrival[1]! | 0);
    reply.set(ready);
    reply[POLL_AT] = Math.min(MAX_POLL, Math.max(MIN_POLL, poll));
  }

  /** Does {@linkcode Ntpv5Guard.refuse}. */
  refuse(request: Uint8Array, length: number, poll: number | undefined, reply: Uint8Array): void {
    this.#writeFields(request, length, reply);
    const asked = (request[POLL_AT]! << 24) >> 24;
    reply[0] = firstByte(3, NTPV5, MODE_SERVER);
    reply.fill(0, STRATUM_AT, CLIENT_COOKIE_AT);
    for (let i = 0; i < 8; i++) reply[CLIENT_COOKIE_AT + i] = request[CLIENT_COOKIE_AT + i]!;
    reply.fill(0, RECEIVE_TIMESTAMP_AT, HEADER_LENGTH);
    reply[POLL_AT] = poll === undefined
      ? NEVER
      : Math.min(MAX_POLL, Math.max(MIN_POLL, poll, asked + 1));
  }

  /** Answers each extension field by one of the same length; what is not known, by padding. */
  #writeFields(request: Uint8Array, length: number, reply: Uint8Array): void {
    let at = HEADER_LENGTH, field: number;
    while ((field = fieldLengthAt(request, at, length)) > 0) {
      const type = readWord(request, at) >>> 16;
      const offset = field >= 6 ? (request[at + 4]! << 8) | request[at + 5]! : 0;
      const end = at + paddedLength(field);
      reply.fill(0, at + 4, end);
      writeWord(
        reply,
        at,
        this.#writeField(type, at + 4, field - 4, offset, reply) * 65536 + field,
      );
      at = end;
    }
  }

  /** Writes the value of a field; returns its type. */
  #writeField(
    type: number,
    at: number,
    length: number,
    offset: number,
    reply: Uint8Array,
  ): number {
    switch (type) {
      case DRAFT_IDENTIFICATION:
        if (length !== DRAFT_BYTES.length) break;
        reply.set(DRAFT_BYTES, at);
        return type;
      case REFERENCE_IDS_REQUEST: {
        const { bytes } = this.#filter;
        if (length < 2 || offset + length > bytes.length) break;
        for (let i = 0; i < length; i++) reply[at + i] = bytes[offset + i]!;
        return REFERENCE_IDS_RESPONSE;
      }
      case SERVER_INFORMATION:
        if (length !== 4) break;
        reply[at + 1] = VERSIONS;
        return type;
      case REFERENCE_TIMESTAMP:
        if (length !== 8) break;
        writeTimestamp(reply, at, this.#referenceTimestamp);
        return type;
    }
    return PADDING;
  }
}

function isDraft(bytes: Uint8Array, at: number, length: number): boolean {
  if (length !== DRAFT_BYTES.length) return false;
  return DRAFT_BYTES.every((byte, i) => bytes[at + i] === byte);
}

/** Era of a timestamp near a moment. */
function eraOf(second: number, pivot: bigint): number {
  const unixNanoseconds = timestampToUnixNanoseconds(BigInt(second) << 32n, pivot);
  return Number((unixNanoseconds / 1_000_000_000n + BigInt(NTP_UNIX_OFFSET)) >> 32n) & 0xff;
}
