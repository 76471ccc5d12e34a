import {
  firstByte,
  HEADER_LENGTH,
  leapOf,
  modeOf,
  POLL_AT,
  PRECISION_AT,
  readTimestamp,
  readWord,
  RECEIVE_TIMESTAMP_AT,
  ROOT_DELAY_AT,
  ROOT_DISPERSION_AT,
  STRATUM_AT,
  TRANSMIT_TIMESTAMP_AT,
  versionOf,
  writeTimestamp,
  writeWord,
} from "../packet/header.ts";
import type { LeapIndicator } from "../packet/leap_indicator.ts";
import { MODE_CLIENT, MODE_SERVER } from "../packet/mode.ts";
import { NTPPacketError } from "../packet/packet_error.ts";
import { checkBytes } from "../packet/packet_fields.ts";
import {
  CLIENT_COOKIE_AT,
  ERA_AT,
  FLAG_AUTHENTICATION_NAK,
  FLAG_INTERLEAVED,
  FLAG_SYNCHRONIZED,
  FLAGS_AT,
  NTPV5,
  SERVER_COOKIE_AT,
  TIMESCALE_AT,
} from "./ntpv5_header.ts";
import { DRAFT_IDENTIFICATION, fieldLengthAt, NO_FIELD, paddedLength } from "./ntpv5_fields.ts";
import { time32FromSeconds, time32ToSeconds } from "./time32.ts";

/** An extension field of NTPv5. Its length on the wire is not padded, as it is in NTPv4. */
export interface NTPv5ExtensionField {
  /** Field type, 16 bits. */
  readonly type: number;
  /** The value: 0 to 65,528 bytes. */
  readonly value: Uint8Array;
}

/** The fields of an NTPv5 packet, in the order of the wire. */
export interface NTPv5PacketFields {
  /** Leap indicator; 3 is "not known". Default 0. */
  readonly leapIndicator: LeapIndicator;
  /** Mode: 3, a request, or 4, a response. Default 3. */
  readonly mode: 3 | 4;
  /** Stratum, 0 to 255; 0 in requests and in responses without time. Default 0. */
  readonly stratum: number;
  /** Poll interval, log2 of seconds, -128 to 127; in a response the least allowed one. Default 0. */
  readonly poll: number;
  /** Precision of the server's clock, log2 of seconds, -128 to 127. Default 0. */
  readonly precision: number;
  /** Round-trip delay to the reference, in seconds, 0 up to 16, in units of 2^-28 s. Default 0. */
  readonly rootDelay: number;
  /** Dispersion to the reference, in seconds, 0 up to 16, in units of 2^-28 s. Default 0. */
  readonly rootDispersion: number;
  /** Timescale, 8 bits: 0 UTC, 1 TAI, 2 UT1, 3 leap-smeared UTC. Default 0. */
  readonly timescale: number;
  /** NTP era of the receive timestamp, 8 bits. Default 0. */
  readonly era: number;
  /** Flags, 16 bits: 1 synchronised, 2 interleaved, 4 authentication NAK. Default 0. */
  readonly flags: number;
  /** What the server knows the response by in interleaved mode, 64 bits. Default 0. */
  readonly serverCookie: bigint;
  /** Random number of the request, 64 bits, which the response gives back. Default 0. */
  readonly clientCookie: bigint;
  /** When the request arrived: an NTP timestamp. Default 0. */
  readonly receiveTimestamp: bigint;
  /** When the response left: an NTP timestamp. Default 0. */
  readonly transmitTimestamp: bigint;
  /** Extension fields. Default none. */
  readonly extensionFields: readonly NTPv5ExtensionField[];
}

/** Smallest and largest whole number that each field of the header holds. */
const WHOLE = {
  leapIndicator: [0, 3],
  mode: [3, 4],
  stratum: [0, 255],
  poll: [-128, 127],
  precision: [-128, 127],
  timescale: [0, 255],
  era: [0, 255],
  flags: [0, 0xffff],
} as const;

const MAX_VALUE_LENGTH = 65528;

function checkFields(fields: Partial<NTPv5PacketFields>): void {
  for (const [name, [least, most]] of Object.entries(WHOLE)) {
    const value: unknown = fields[name as keyof typeof WHOLE];
    if (value === undefined) continue;
    if (typeof value !== "number") {
      throw new TypeError(`${name} is a number, not ${typeof value}: ${String(value)}`);
    }
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new RangeError(`${name} is a whole number from ${least} to ${most}, not ${value}`);
    }
  }
  for (const name of ["rootDelay", "rootDispersion"] as const) {
    const value: unknown = fields[name];
    if (value === undefined) continue;
    if (typeof value !== "number") {
      throw new TypeError(`${name} is a number of seconds, not ${typeof value}: ${String(value)}`);
    }
    if (!(value >= 0 && value < 16)) {
      throw new RangeError(`${name} lies from 0 up to 16 seconds, not ${value}`);
    }
  }
  for (
    const name of ["serverCookie", "clientCookie", "receiveTimestamp", "transmitTimestamp"] as const
  ) {
    const value: unknown = fields[name];
    if (value === undefined) continue;
    if (typeof value !== "bigint") {
      throw new TypeError(`${name} is a bigint, not ${typeof value}: ${String(value)}`);
    }
    if (BigInt.asUintN(64, value) !== value) {
      throw new RangeError(`${name} has 64 bits and no sign, unlike ${value}`);
    }
  }
  const { extensionFields = [] } = fields;
  if (!Array.isArray(extensionFields)) {
    throw new TypeError(`extensionFields is an array, not ${typeof extensionFields}`);
  }
  extensionFields.forEach((field: NTPv5ExtensionField, i) => {
    const { type, value } = field;
    if (!Number.isInteger(type) || type < 0 || type > 0xffff) {
      throw new RangeError(`extensionFields[${i}].type is from 0 to 65535, not ${String(type)}`);
    }
    checkBytes(`extensionFields[${i}].value`, value);
    if (value.length > MAX_VALUE_LENGTH) {
      throw new RangeError(
        `extensionFields[${i}].value has at most ${MAX_VALUE_LENGTH} bytes, not ${value.length}`,
      );
    }
  });
}

/**
 * An NTPv5 packet as values (draft-ietf-ntp-ntpv5, "Message Format" and "Extension Fields"). Immutable.
 * What is encoded decodes to the same packet.
 *
 * @example A response, encoded and decoded
 * ```ts
 * import { NTPv5Packet } from "@ntps/ntps/experimental";
 * import { assertEquals } from "@std/assert";
 *
 * const response = new NTPv5Packet({ mode: 4, stratum: 1, flags: 1, rootDelay: 0.5 });
 * const bytes = response.encode();
 * assertEquals([bytes[0], bytes[4]], [0x2c, 0x08]);
 * assertEquals(NTPv5Packet.decode(bytes), response);
 * ```
 */
export class NTPv5Packet implements NTPv5PacketFields {
  /** Leap indicator; 3 is "not known". */
  readonly leapIndicator: LeapIndicator;
  /** Mode: 3, a request, or 4, a response. */
  readonly mode: 3 | 4;
  /** Stratum, 0 to 255. */
  readonly stratum: number;
  /** Poll interval, log2 of seconds. */
  readonly poll: number;
  /** Precision of the server's clock, log2 of seconds. */
  readonly precision: number;
  /** Round-trip delay to the reference, in seconds. */
  readonly rootDelay: number;
  /** Dispersion to the reference, in seconds. */
  readonly rootDispersion: number;
  /** Timescale: 0 UTC, 1 TAI, 2 UT1, 3 leap-smeared UTC. */
  readonly timescale: number;
  /** NTP era of the receive timestamp. */
  readonly era: number;
  /** Flags, 16 bits. */
  readonly flags: number;
  /** What the server knows the response by in interleaved mode. */
  readonly serverCookie: bigint;
  /** Random number of the request, which the response gives back. */
  readonly clientCookie: bigint;
  /** When the request arrived: an NTP timestamp. */
  readonly receiveTimestamp: bigint;
  /** When the response left: an NTP timestamp. */
  readonly transmitTimestamp: bigint;
  /** Extension fields. */
  readonly extensionFields: readonly NTPv5ExtensionField[];

  /**
   * Makes a packet. Root delay and root dispersion are rounded up to the units of the wire; extension
   * fields are copied.
   *
   * @param fields the fields that differ from their defaults
   * @throws {TypeError} if a field has the wrong type
   * @throws {RangeError} if a field does not fit in its bits
   */
  constructor(fields: Partial<NTPv5PacketFields> = {}) {
    checkFields(fields);
    this.leapIndicator = fields.leapIndicator ?? 0;
    this.mode = fields.mode ?? MODE_CLIENT;
    this.stratum = fields.stratum ?? 0;
    this.poll = (fields.poll ?? 0) | 0;
    this.precision = (fields.precision ?? 0) | 0;
    this.rootDelay = time32ToSeconds(time32FromSeconds(fields.rootDelay ?? 0));
    this.rootDispersion = time32ToSeconds(time32FromSeconds(fields.rootDispersion ?? 0));
    this.timescale = fields.timescale ?? 0;
    this.era = fields.era ?? 0;
    this.flags = fields.flags ?? 0;
    this.serverCookie = fields.serverCookie ?? 0n;
    this.clientCookie = fields.clientCookie ?? 0n;
    this.receiveTimestamp = fields.receiveTimestamp ?? 0n;
    this.transmitTimestamp = fields.transmitTimestamp ?? 0n;
    this.extensionFields = (fields.extensionFields ?? []).map(({ type, value }) => (
      { type, value: new Uint8Array(value) }
    ));
  }

  /**
   * Reads a packet.
   *
   * @param bytes one datagram; copied from, never kept
   * @throws {NTPPacketError} if `bytes` is no NTPv5 packet: the only error that bytes can cause
   * @throws {TypeError} if `bytes` is no `Uint8Array`
   *
   * @example The cookie of a request
   * ```ts
   * import { NTPv5Packet } from "@ntps/ntps/experimental";
   * import { assertEquals } from "@std/assert";
   *
   * const bytes = new NTPv5Packet({ clientCookie: 7n }).encode();
   * assertEquals(NTPv5Packet.decode(bytes).clientCookie, 7n);
   * ```
   */
  static decode(bytes: Uint8Array): NTPv5Packet {
    checkBytes("A packet", bytes);
    if (bytes.length === 0) throw new NTPPacketError("The packet is empty", 0);
    const first = bytes[0]!;
    if (versionOf(first) !== NTPV5) {
      throw new NTPPacketError(`Version ${versionOf(first)} is not 5`, 0);
    }
    const mode = modeOf(first);
    if (mode !== MODE_CLIENT && mode !== MODE_SERVER) {
      throw new NTPPacketError(`Mode ${mode} is neither a request nor a response`, 0);
    }
    if (bytes.length < HEADER_LENGTH) {
      throw new NTPPacketError(
        "The packet ends within the header, which has 48 bytes",
        bytes.length,
      );
    }
    const extensionFields: NTPv5ExtensionField[] = [];
    let at = HEADER_LENGTH, length: number;
    while ((length = fieldLengthAt(bytes, at, bytes.length)) > 0) {
      const type = readWord(bytes, at) >>> 16;
      extensionFields.push({ type, value: bytes.subarray(at + 4, at + length) });
      at += paddedLength(length);
    }
    if (length === NO_FIELD) {
      throw new NTPPacketError("What stands there is no extension field of NTPv5", at);
    }
    return new NTPv5Packet({
      leapIndicator: leapOf(first) as LeapIndicator,
      mode,
      stratum: bytes[STRATUM_AT]!,
      poll: (bytes[POLL_AT]! << 24) >> 24,
      precision: (bytes[PRECISION_AT]! << 24) >> 24,
      rootDelay: time32ToSeconds(readWord(bytes, ROOT_DELAY_AT)),
      rootDispersion: time32ToSeconds(readWord(bytes, ROOT_DISPERSION_AT)),
      timescale: bytes[TIMESCALE_AT]!,
      era: bytes[ERA_AT]!,
      flags: (bytes[FLAGS_AT]! << 8) | bytes[FLAGS_AT + 1]!,
      serverCookie: readTimestamp(bytes, SERVER_COOKIE_AT),
      clientCookie: readTimestamp(bytes, CLIENT_COOKIE_AT),
      receiveTimestamp: readTimestamp(bytes, RECEIVE_TIMESTAMP_AT),
      transmitTimestamp: readTimestamp(bytes, TRANSMIT_TIMESTAMP_AT),
      extensionFields,
    });
  }

  /** Length of the encoded packet, in bytes. */
  get byteLength(): number {
    let length = HEADER_LENGTH;
    for (const { value } of this.extensionFields) length += paddedLength(4 + value.length);
    return length;
  }

  /** Whether the server has the time. */
  get isSynchronized(): boolean {
    return (this.flags & FLAG_SYNCHRONIZED) !== 0;
  }

  /** Whether interleaved mode is asked for, or answered in. */
  get isInterleaved(): boolean {
    return (this.flags & FLAG_INTERLEAVED) !== 0;
  }

  /** Whether the server could not authenticate the request. */
  get isAuthenticationNak(): boolean {
    return (this.flags & FLAG_AUTHENTICATION_NAK) !== 0;
  }

  /** The draft that the packet says it follows, if it does. */
  get draft(): string | undefined {
    const value = this.field(DRAFT_IDENTIFICATION);
    return value && String.fromCharCode(...value.subarray(0, 64)).replace(/[^\x21-\x7e]/g, "?");
  }

  /**
   * The value of the first extension field of a type.
   *
   * @param type field type, 16 bits
   * @returns its bytes; `undefined` if there is none
   */
  field(type: number): Uint8Array | undefined {
    return this.extensionFields.find((field) => field.type === type)?.value;
  }

  /**
   * Writes the packet.
   *
   * @returns new bytes, 48 or more, a multiple of 4
   *
   * @example The first byte of a request: version 5, mode 3
   * ```ts
   * import { NTPv5Packet } from "@ntps/ntps/experimental";
   * import { assertEquals } from "@std/assert";
   *
   * assertEquals(new NTPv5Packet().encode()[0], 0x2b);
   * ```
   */
  encode(): Uint8Array {
    const bytes = new Uint8Array(this.byteLength);
    bytes[0] = firstByte(this.leapIndicator, NTPV5, this.mode);
    bytes[STRATUM_AT] = this.stratum;
    bytes[POLL_AT] = this.poll;
    bytes[PRECISION_AT] = this.precision;
    writeWord(bytes, ROOT_DELAY_AT, time32FromSeconds(this.rootDelay));
    writeWord(bytes, ROOT_DISPERSION_AT, time32FromSeconds(this.rootDispersion));
    bytes[TIMESCALE_AT] = this.timescale;
    bytes[ERA_AT] = this.era;
    bytes[FLAGS_AT] = this.flags >>> 8;
    bytes[FLAGS_AT + 1] = this.flags;
    writeTimestamp(bytes, SERVER_COOKIE_AT, this.serverCookie);
    writeTimestamp(bytes, CLIENT_COOKIE_AT, this.clientCookie);
    writeTimestamp(bytes, RECEIVE_TIMESTAMP_AT, this.receiveTimestamp);
    writeTimestamp(bytes, TRANSMIT_TIMESTAMP_AT, this.transmitTimestamp);
    let at = HEADER_LENGTH;
    for (const { type, value } of this.extensionFields) {
      writeWord(bytes, at, type * 65536 + value.length + 4);
      bytes.set(value, at + 4);
      at += paddedLength(4 + value.length);
    }
    return bytes;
  }
}
