import type { SymmetricKey } from "../auth/symmetric_key.ts";
import {
  firstByte,
  HEADER_LENGTH,
  PRECISION_AT,
  readWord,
  TRANSMIT_TIMESTAMP_AT,
  writeWord,
} from "../packet/header.ts";
import { MODE_CLIENT } from "../packet/mode.ts";
import type { Version } from "../packet/packet.ts";

/** Fills bytes with random ones, as `crypto.getRandomValues` does. */
export type Random = (into: Uint8Array) => void;

/** Precision of a request: 32, which no clock has: clients that tell nothing of themselves write it. */
const NO_PRECISION = 32;

/**
 * Signs a packet: puts a MAC behind it.
 *
 * @param packet a packet without MAC
 * @param key the key
 * @param version the packet's version
 * @returns new bytes
 */
export function signed(packet: Uint8Array, key: SymmetricKey, version: Version): Uint8Array {
  const digest = key.sign(packet, version);
  const bytes = new Uint8Array(packet.length + 4 + digest.length);
  bytes.set(packet);
  writeWord(bytes, packet.length, key.id);
  bytes.set(digest, packet.length + 4);
  return bytes;
}

/**
 * A request that tells nothing of its sender: all zero but version, mode and precision, and a
 * transmit timestamp that is a random number. The server gives the number back as origin timestamp,
 * which an attacker who does not see the request cannot guess (CVE-2020-13817).
 *
 * @param version version to ask in
 * @param random where random bytes come from
 * @returns 48 bytes
 */
export function makeRequest(version: Version, random: Random): Uint8Array {
  const request = new Uint8Array(HEADER_LENGTH);
  request[0] = firstByte(0, version, MODE_CLIENT);
  request[PRECISION_AT] = NO_PRECISION;
  const nonce = request.subarray(TRANSMIT_TIMESTAMP_AT);
  do random(nonce); // 0 means "no timestamp" and could be forged (CVE-2015-8138)
   while (readWord(nonce, 0) === 0 && readWord(nonce, 4) === 0);
  return request;
}
