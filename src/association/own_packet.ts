import type { Random } from "../client/request.ts";
import {
  HEADER_LENGTH,
  ORIGIN_TIMESTAMP_AT,
  POLL_AT,
  RECEIVE_TIMESTAMP_AT,
  TRANSMIT_TIMESTAMP_AT,
  writeTimestamp,
} from "../packet/header.ts";
import type { Version } from "../packet/packet.ts";
import { type SystemVariables, writeSystemVariables } from "../server/system_variables.ts";

/**
 * A time with its bits below the clock's precision made random (RFC 5905 §6): as a transmit
 * timestamp it is then harder to guess (CVE-2020-13817), and no less true.
 *
 * @param time an NTP timestamp
 * @param precision precision of the clock, log2 of seconds
 * @param random where random bytes come from
 */
export function fuzzed(time: bigint, precision: number, random: Random): bigint {
  const bits = Math.min(32, Math.max(0, 32 + precision));
  const bytes = new Uint8Array(4);
  random(bytes);
  const word = (bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24)) >>> 0;
  const mask = (1n << BigInt(bits)) - 1n;
  return (time & ~mask) | (BigInt(word) & mask);
}

/**
 * A packet of our own, with what a server says of itself: the form of symmetric and broadcast modes.
 *
 * @param mode 1, 2 or 5
 * @param version protocol version
 * @param poll our poll exponent
 * @param variables what we say of ourselves
 * @param originTimestamp what the other side knows its own packet by
 * @param receiveTimestamp when that packet arrived
 * @param transmitTimestamp when it leaves, or the one before it left
 * @returns 48 bytes
 */
export function makeOwnPacket(
  mode: number,
  version: Version,
  poll: number,
  variables: SystemVariables,
  originTimestamp: bigint,
  receiveTimestamp: bigint,
  transmitTimestamp: bigint,
): Uint8Array {
  const packet = new Uint8Array(HEADER_LENGTH);
  writeSystemVariables(variables, packet);
  packet[0]! |= (version << 3) | mode;
  packet[POLL_AT] = poll;
  writeTimestamp(packet, ORIGIN_TIMESTAMP_AT, originTimestamp);
  writeTimestamp(packet, RECEIVE_TIMESTAMP_AT, receiveTimestamp);
  writeTimestamp(packet, TRANSMIT_TIMESTAMP_AT, transmitTimestamp);
  return packet;
}
