/**
 * NTP packets: bytes to values and back. Pure: no input or output, no clock; runs in a browser.
 *
 * Time is the 64-bit NTP timestamp as one bigint; durations are seconds as numbers.
 *
 * @example A reply, field by field
 * ```ts
 * import { formatTimestamp, NTPPacket, timestampFromDate } from "@ntps/ntps/packet";
 * import { assertEquals } from "@std/assert";
 *
 * const reply = new NTPPacket({
 *   mode: 4,
 *   stratum: 1,
 *   referenceId: 0x47505300,
 *   transmitTimestamp: timestampFromDate(new Date("2026-11-23T12:00:00Z")),
 * });
 * const packet = NTPPacket.decode(reply.encode());
 * assertEquals(packet.referenceText, "GPS");
 * assertEquals(formatTimestamp(packet.transmitTimestamp), "2026-11-23T12:00:00.000000000Z");
 * ```
 *
 * @module
 */

export { NTPError, type NTPErrorCode } from "./error.ts";
export { formatIpAddress, type IpFamily, parseIpAddress } from "./ip_address.ts";
export { describeKissCode } from "./kiss_code.ts";
export { describeLeapIndicator, type LeapIndicator } from "./leap_indicator.ts";
export { describeMode, type Mode } from "./mode.ts";
export {
  type ExtensionField,
  type Mac,
  NTPPacket,
  type NTPPacketFields,
  type Version,
} from "./packet.ts";
export { NTPPacketError } from "./packet_error.ts";
export {
  describeReferenceId,
  formatReferenceId,
  referenceIdFromAddress,
  referenceIdFromText,
  referenceIdToText,
} from "./reference_id.ts";
export { isSmearReferenceId, smearReferenceId } from "./smear_reference_id.ts";
export { shortFromSeconds, shortToSeconds } from "./short_format.ts";
export {
  addSeconds,
  DEFAULT_PIVOT,
  formatTimestamp,
  type InstantConstructor,
  NTP_UNIX_OFFSET,
  timestampDifference,
  timestampFromDate,
  timestampFromInstant,
  timestampFromUnixNanoseconds,
  timestampFromWords,
  timestampToDate,
  timestampToInstant,
  timestampToUnixNanoseconds,
  timestampToWords,
} from "./timestamp.ts";
