import { describeLeapIndicator } from "../packet/leap_indicator.ts";
import { describeMode } from "../packet/mode.ts";
import type { NTPPacket } from "../packet/packet.ts";
import { describeReferenceId } from "../packet/reference_id.ts";
import { DEFAULT_PIVOT, formatTimestamp } from "../packet/timestamp.ts";
import { describeExtensionField } from "./extension_field.ts";
import { encodeHex } from "./std.ts";

/**
 * A packet as JSON: the fields of `NTPPacket` under their names. Durations are seconds, bytes are
 * hexadecimal; timestamps are ISO 8601 with nanoseconds, null when zero: "not known" (RFC 5905 §6).
 */
export interface PacketJson {
  leapIndicator: number;
  leapDescription: string;
  version: number;
  mode: number;
  modeDescription: string;
  stratum: number;
  poll: number;
  precision: number;
  rootDelay: number;
  rootDispersion: number;
  referenceId: number;
  referenceText: string;
  referenceDescription: string;
  kissCode: string | null;
  referenceTimestamp: string | null;
  originTimestamp: string | null;
  receiveTimestamp: string | null;
  transmitTimestamp: string | null;
  extensionFields: { type: number; description: string | null; value: string }[];
  mac: { keyId: number; digest: string } | null;
}

/**
 * A packet as JSON.
 *
 * @param packet any packet
 * @param pivot Unix nanoseconds: timestamps are of the era nearest to it
 */
export function packetToJson(packet: NTPPacket, pivot: bigint = DEFAULT_PIVOT): PacketJson {
  const time = (timestamp: bigint) => timestamp === 0n ? null : formatTimestamp(timestamp, pivot);
  const { mac } = packet;
  return {
    leapIndicator: packet.leapIndicator,
    leapDescription: describeLeapIndicator(packet.leapIndicator),
    version: packet.version,
    mode: packet.mode,
    modeDescription: describeMode(packet.mode),
    stratum: packet.stratum,
    poll: packet.poll,
    precision: packet.precision,
    rootDelay: packet.rootDelay,
    rootDispersion: packet.rootDispersion,
    referenceId: packet.referenceId,
    referenceText: packet.referenceText,
    referenceDescription: describeReferenceId(packet.referenceId, packet.stratum),
    kissCode: packet.kissCode ?? null,
    referenceTimestamp: time(packet.referenceTimestamp),
    originTimestamp: time(packet.originTimestamp),
    receiveTimestamp: time(packet.receiveTimestamp),
    transmitTimestamp: time(packet.transmitTimestamp),
    extensionFields: packet.extensionFields.map(({ type, value }) => ({
      type,
      description: describeExtensionField(type) ?? null,
      value: encodeHex(value),
    })),
    mac: mac === undefined ? null : { keyId: mac.keyId, digest: encodeHex(mac.digest) },
  };
}
