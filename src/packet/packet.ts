import {
  firstByte,
  HEADER_LENGTH,
  leapOf,
  modeOf,
  ORIGIN_TIMESTAMP_AT,
  POLL_AT,
  PRECISION_AT,
  readTimestamp,
  readWord,
  RECEIVE_TIMESTAMP_AT,
  REFERENCE_ID_AT,
  REFERENCE_TIMESTAMP_AT,
  ROOT_DELAY_AT,
  ROOT_DISPERSION_AT,
  STRATUM_AT,
  TRANSMIT_TIMESTAMP_AT,
  versionOf,
  writeTimestamp,
  writeWord,
} from "./header.ts";
import type { LeapIndicator } from "./leap_indicator.ts";
import { describeMode, type Mode, MODE_CLIENT, MODE_CONTROL } from "./mode.ts";
import { NTPPacketError } from "./packet_error.ts";
import { checkBytes, checkPacketFields } from "./packet_fields.ts";
import { formatReferenceId, referenceIdToText } from "./reference_id.ts";
import { shortFromSeconds, shortToSeconds } from "./short_format.ts";
import {
  FIELD_TOO_LONG,
  FIELD_TOO_SHORT,
  FIELD_UNALIGNED,
  trailerPart,
  UNALIGNED,
} from "./trailer.ts";

/** Protocol version that this library reads and writes. */
export type Version = 1 | 2 | 3 | 4;

/** An extension field (RFC 7822). Only packets of version 4 have any. */
export interface ExtensionField {
  /** Field type, 16 bits. */
  readonly type: number;
  /** The value, padding included: a multiple of four bytes, 12 to 65,528. */
  readonly value: Uint8Array;
}

/** A message authentication code (RFC 5905 §7.3). */
export interface Mac {
  /** Key identifier, 32 bits, unsigned. */
  readonly keyId: number;
  /** The digest: 16 or 20 bytes in version 4; empty in a crypto-NAK. */
  readonly digest: Uint8Array;
}

/** The fields of a packet, in the order of the wire. */
export interface NTPPacketFields {
  /** Leap indicator. Default 0. */
  readonly leapIndicator: LeapIndicator;
  /** Protocol version, 1 to 4. Default 4. */
  readonly version: Version;
  /** Mode, 0 to 5: control and private messages have another format. Default 3, client. */
  readonly mode: Mode;
  /** Stratum, 0 to 255: 0 is a kiss-o'-death or unspecified, 16 and above unsynchronised. Default 0. */
  readonly stratum: number;
  /** Poll interval, log2 of seconds, -128 to 127. Default 0. */
  readonly poll: number;
  /** Precision of the sender's clock, log2 of seconds, -128 to 127. Default 0. */
  readonly precision: number;
  /** Round-trip delay to the reference, in seconds, 0 up to 65536, in units of 2^-16 s. Default 0. */
  readonly rootDelay: number;
  /** Dispersion to the reference, in seconds, 0 up to 65536, in units of 2^-16 s. Default 0. */
  readonly rootDispersion: number;
  /** Reference identifier, 32 bits, unsigned. Default 0. */
  readonly referenceId: number;
  /** When the sender's clock was last set. An NTP timestamp, as are the next three. Default 0. */
  readonly referenceTimestamp: bigint;
  /** T1 in a reply: the request's transmit timestamp. Default 0. */
  readonly originTimestamp: bigint;
  /** T2 in a reply: when the request arrived. Default 0. */
  readonly receiveTimestamp: bigint;
  /** When this packet was sent: T3 in a reply. Default 0. */
  readonly transmitTimestamp: bigint;
  /** Extension fields. Default none. */
  readonly extensionFields: readonly ExtensionField[];
  /** Message authentication code, if there is one. */
  readonly mac?: Mac | undefined;
}

/** What each way to be malformed is called. */
const FAULTS: ReadonlyMap<number, string> = new Map([
  [UNALIGNED, "The bytes behind the header are no multiple of four"],
  [FIELD_TOO_SHORT, "An extension field is shorter than 16 bytes"],
  [FIELD_UNALIGNED, "The length of an extension field is no multiple of four"],
  [FIELD_TOO_LONG, "An extension field is longer than the rest of the packet"],
]);

/** Signed value of a byte. */
function signed(byte: number): number {
  return (byte << 24) >> 24;
}

/**
 * An NTP time packet as values: the whole header of RFC 5905 §7.3, extension fields (RFC 7822) and
 * MAC. Immutable. Decoding and encoding are exact inverses.
 *
 * @example A request, encoded and decoded
 * ```ts
 * import { NTPPacket } from "@ntps/ntps/packet";
 * import { assertEquals } from "@std/assert";
 *
 * const request = new NTPPacket({ mode: 3, transmitTimestamp: 0xecb1_0000_8000_0000n });
 * const bytes = request.encode();
 * assertEquals(bytes.length, 48);
 * assertEquals(NTPPacket.decode(bytes), request);
 * ```
 */
export class NTPPacket implements NTPPacketFields {
  /** Leap indicator. */
  readonly leapIndicator: LeapIndicator;
  /** Protocol version, 1 to 4. */
  readonly version: Version;
  /** Mode, 0 to 5. */
  readonly mode: Mode;
  /** Stratum, 0 to 255. */
  readonly stratum: number;
  /** Poll interval, log2 of seconds. */
  readonly poll: number;
  /** Precision of the sender's clock, log2 of seconds. */
  readonly precision: number;
  /** Round-trip delay to the reference, in seconds. */
  readonly rootDelay: number;
  /** Dispersion to the reference, in seconds. */
  readonly rootDispersion: number;
  /** Reference identifier, 32 bits, unsigned. */
  readonly referenceId: number;
  /** When the sender's clock was last set: an NTP timestamp. */
  readonly referenceTimestamp: bigint;
  /** T1 in a reply: the request's transmit timestamp. */
  readonly originTimestamp: bigint;
  /** T2 in a reply: when the request arrived. */
  readonly receiveTimestamp: bigint;
  /** When this packet was sent: T3 in a reply. */
  readonly transmitTimestamp: bigint;
  /** Extension fields. */
  readonly extensionFields: readonly ExtensionField[];
  /** Message authentication code, if there is one. */
  readonly mac: Mac | undefined;

  /**
   * Makes a packet. Root delay and root dispersion are rounded up to the units of the wire;
   * extension fields and MAC are copied.
   *
   * @param fields the fields that differ from their defaults
   * @throws {TypeError} if a field has the wrong type
   * @throws {RangeError} if a field does not fit in its bits, or if extension fields and MAC could
   * not be told apart by a receiver (RFC 7822 §3)
   */
  constructor(fields: Partial<NTPPacketFields> = {}) {
    checkPacketFields(fields);
    this.leapIndicator = fields.leapIndicator ?? 0;
    this.version = fields.version ?? 4;
    this.mode = fields.mode ?? MODE_CLIENT;
    this.stratum = fields.stratum ?? 0;
    // A rounded logarithm may be -0, which would not come back.
    this.poll = (fields.poll ?? 0) | 0;
    this.precision = (fields.precision ?? 0) | 0;
    this.rootDelay = shortToSeconds(shortFromSeconds(fields.rootDelay ?? 0));
    this.rootDispersion = shortToSeconds(shortFromSeconds(fields.rootDispersion ?? 0));
    this.referenceId = fields.referenceId ?? 0;
    this.referenceTimestamp = fields.referenceTimestamp ?? 0n;
    this.originTimestamp = fields.originTimestamp ?? 0n;
    this.receiveTimestamp = fields.receiveTimestamp ?? 0n;
    this.transmitTimestamp = fields.transmitTimestamp ?? 0n;
    this.extensionFields = (fields.extensionFields ?? []).map(({ type, value }) => (
      { type, value: new Uint8Array(value) }
    ));
    this.mac = fields.mac && { keyId: fields.mac.keyId, digest: new Uint8Array(fields.mac.digest) };
  }

  /**
   * Reads a packet.
   *
   * @param bytes one datagram; copied from, never kept
   * @returns a packet that encodes back to the same bytes
   * @throws {NTPPacketError} if `bytes` is no time packet of version 1 to 4: the only error that
   * bytes can cause
   * @throws {TypeError} if `bytes` is no `Uint8Array`
   *
   * @example The stratum of a reply
   * ```ts
   * import { NTPPacket } from "@ntps/ntps/packet";
   * import { assertEquals } from "@std/assert";
   *
   * const bytes = new Uint8Array(48);
   * bytes.set([0x24, 1, 6, 0xec]);
   * const { version, mode, stratum, poll, precision } = NTPPacket.decode(bytes);
   * assertEquals([version, mode, stratum, poll, precision], [4, 4, 1, 6, -20]);
   * ```
   */
  static decode(bytes: Uint8Array): NTPPacket {
    checkBytes("A packet", bytes);
    const length = bytes.length;
    if (length === 0) throw new NTPPacketError("The packet is empty", 0);
    const first = bytes[0]!;
    const version = versionOf(first), mode = modeOf(first);
    if (version === 0 || version > 4) {
      throw new NTPPacketError(`Version ${version} is not one of 1 to 4`, 0);
    }
    if (mode >= MODE_CONTROL) {
      throw new NTPPacketError(
        `Mode ${mode} (${describeMode(mode as Mode)}) is no time packet`,
        0,
      );
    }
    if (length < HEADER_LENGTH) {
      throw new NTPPacketError(`The packet ends within the header, which has 48 bytes`, length);
    }
    const extensionFields: ExtensionField[] = [];
    let at = HEADER_LENGTH, part: number;
    while ((part = trailerPart(bytes, at, length, version)) > 0) {
      const type = readWord(bytes, at) >>> 16;
      extensionFields.push({ type, value: bytes.subarray(at + 4, at + part) });
      at += part;
    }
    let mac: Mac | undefined;
    if (part < 0) {
      if ((part & 3) !== 0) {
        const fault = FAULTS.get(part) ?? `No MAC of version ${version} has ${length - at} bytes`;
        throw new NTPPacketError(fault, at);
      }
      mac = { keyId: readWord(bytes, at), digest: bytes.subarray(at + 4, length) };
    }
    return new NTPPacket({
      leapIndicator: leapOf(first) as LeapIndicator,
      version: version as Version,
      mode: mode as Mode,
      stratum: bytes[STRATUM_AT]!,
      poll: signed(bytes[POLL_AT]!),
      precision: signed(bytes[PRECISION_AT]!),
      rootDelay: shortToSeconds(readWord(bytes, ROOT_DELAY_AT)),
      rootDispersion: shortToSeconds(readWord(bytes, ROOT_DISPERSION_AT)),
      referenceId: readWord(bytes, REFERENCE_ID_AT),
      referenceTimestamp: readTimestamp(bytes, REFERENCE_TIMESTAMP_AT),
      originTimestamp: readTimestamp(bytes, ORIGIN_TIMESTAMP_AT),
      receiveTimestamp: readTimestamp(bytes, RECEIVE_TIMESTAMP_AT),
      transmitTimestamp: readTimestamp(bytes, TRANSMIT_TIMESTAMP_AT),
      extensionFields,
      mac,
    });
  }

  /** Length of the encoded packet, in bytes. */
  get byteLength(): number {
    let length = HEADER_LENGTH;
    for (const field of this.extensionFields) length += 4 + field.value.length;
    return length + (this.mac === undefined ? 0 : 4 + this.mac.digest.length);
  }

  /** The reference identifier as it is usually written: `"GPS"`, `"192.0.2.1"`. */
  get referenceText(): string {
    return formatReferenceId(this.referenceId, this.stratum);
  }

  /** The kiss code, such as `"RATE"`, of a server's packet with stratum 0 that has one. */
  get kissCode(): string | undefined {
    return this.stratum === 0 && this.mode !== MODE_CLIENT
      ? referenceIdToText(this.referenceId)
      : undefined;
  }

  /**
   * Writes the packet.
   *
   * @returns new bytes, 48 or more
   *
   * @example The first byte of a request: version 4, mode 3
   * ```ts
   * import { NTPPacket } from "@ntps/ntps/packet";
   * import { assertEquals } from "@std/assert";
   *
   * assertEquals(new NTPPacket().encode()[0], 0x23);
   * ```
   */
  encode(): Uint8Array {
    const bytes = new Uint8Array(this.byteLength);
    bytes[0] = firstByte(this.leapIndicator, this.version, this.mode);
    bytes[STRATUM_AT] = this.stratum;
    bytes[POLL_AT] = this.poll;
    bytes[PRECISION_AT] = this.precision;
    writeWord(bytes, ROOT_DELAY_AT, shortFromSeconds(this.rootDelay));
    writeWord(bytes, ROOT_DISPERSION_AT, shortFromSeconds(this.rootDispersion));
    writeWord(bytes, REFERENCE_ID_AT, this.referenceId);
    writeTimestamp(bytes, REFERENCE_TIMESTAMP_AT, this.referenceTimestamp);
    writeTimestamp(bytes, ORIGIN_TIMESTAMP_AT, this.originTimestamp);
    writeTimestamp(bytes, RECEIVE_TIMESTAMP_AT, this.receiveTimestamp);
    writeTimestamp(bytes, TRANSMIT_TIMESTAMP_AT, this.transmitTimestamp);
    let at = HEADER_LENGTH;
    for (const { type, value } of this.extensionFields) {
      writeWord(bytes, at, type * 65536 + value.length + 4);
      bytes.set(value, at + 4);
      at += 4 + value.length;
    }
    if (this.mac !== undefined) {
      writeWord(bytes, at, this.mac.keyId);
      bytes.set(this.mac.digest, at + 4);
    }
    return bytes;
  }
}
