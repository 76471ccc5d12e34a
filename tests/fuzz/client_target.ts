import { answers } from "../../src/client/match.ts";
import { type Exchange, measure, type Measurement } from "../../src/client/measurement.ts";
import { makeRequest } from "../../src/client/request.ts";
import { findFault, MAX_ROOT_DISTANCE } from "../../src/client/validate.ts";
import { NTPError } from "../../src/packet/error.ts";
import {
  HEADER_LENGTH,
  modeOf,
  ORIGIN_TIMESTAMP_AT,
  RECEIVE_TIMESTAMP_AT,
  TRANSMIT_TIMESTAMP_AT,
  versionOf,
} from "../../src/packet/header.ts";
import { MODE_SERVER } from "../../src/packet/mode.ts";
import { NTPPacket } from "../../src/packet/packet.ts";
import { NTPPacketError } from "../../src/packet/packet_error.ts";
import { isOneLine, mixOf, type Target } from "./target.ts";

const SERVER = "192.0.2.1:123";
const LIMITS = { maxRootDistance: MAX_ROOT_DISTANCE, timeoutMs: 5000 };
const SENT = 0xecb1_0000_1000_0000n;
const CODES = ["bogus", "unsynchronized", "kiss-of-death"];

/** Match and validation of a reply: only what answers the request and makes sense is accepted. */
export class ClientTarget implements Target {
  readonly name = "client";
  passed = 0;
  readonly #request = makeRequest(4, (into) => into.forEach((_, i) => into[i] = 0x11 * (i + 3)));

  prefers(packet: Uint8Array): boolean {
    return packet.length >= HEADER_LENGTH && modeOf(packet[0]!) === MODE_SERVER && packet[1] !== 0;
  }

  /** Most packets become answers to our request, or hardly anything would get past the match. */
  shape(buffer: Uint8Array, length: number, chance: number): void {
    if (length < RECEIVE_TIMESTAMP_AT || (chance & 7) === 0) return;
    if ((chance & 24) !== 0) buffer[0] = (buffer[0]! & ~7) | MODE_SERVER;
    const at = TRANSMIT_TIMESTAMP_AT;
    buffer.set(this.#request.subarray(at, at + 8), ORIGIN_TIMESTAMP_AT);
    if ((chance & 0x3e0) === 0) buffer[ORIGIN_TIMESTAMP_AT + (chance >>> 29)]! ^= 1;
  }

  check(buffer: Uint8Array, length: number): string | undefined {
    const data = buffer.subarray(0, length);
    const matched = answers(this.#request, data);
    if (matched !== this.#mayAnswer(data)) return matched ? "matched a stray" : "missed its reply";
    if (!matched) return undefined;
    let packet: NTPPacket;
    try {
      packet = NTPPacket.decode(data);
    } catch (error) {
      if (!(error instanceof NTPPacketError)) throw error;
      return undefined;
    }
    const mix = mixOf(data, length);
    // Up to 64 s, half of them up to one.
    const elapsed = BigInt(mix & 0xffff) << BigInt(10 + (mix >>> 28) % 13);
    const destinationTimestamp = SENT + ((mix & 0x10000) === 0 ? elapsed : elapsed >> 6n);
    const authentication = "none" as const;
    const exchange = { packet, requestTimestamp: SENT, destinationTimestamp, authentication };
    const measurement = measure(exchange, -20);
    const fault = findFault(exchange, measurement, SERVER, LIMITS);
    if (fault !== undefined) return unfitError(fault);
    this.passed++;
    return unfitReply(exchange, measurement);
  }

  /** Another reading of the same rule. */
  #mayAnswer(data: Uint8Array): boolean {
    if (data.length < HEADER_LENGTH || modeOf(data[0]!) !== MODE_SERVER) return false;
    if (versionOf(data[0]!) < 1 || versionOf(data[0]!) > 4) return false;
    const view = new DataView(data.buffer, data.byteOffset);
    const nonce = new DataView(this.#request.buffer).getBigUint64(TRANSMIT_TIMESTAMP_AT);
    return view.getBigUint64(ORIGIN_TIMESTAMP_AT) === nonce;
  }
}

/** What is wrong with an error that a user would get. */
function unfitError(error: NTPError): string | undefined {
  if (!(error instanceof NTPError)) return `no NTPError: ${error}`;
  if (!CODES.includes(error.code)) return `code ${error.code}`;
  return isOneLine(error.message) ? undefined : `message ${JSON.stringify(error.message)}`;
}

/** What is wrong with a reply that was accepted. */
function unfitReply(
  { packet, destinationTimestamp }: Exchange,
  { offset, delay, dispersion, rootDistance }: Measurement,
): string | undefined {
  const { stratum, leapIndicator, receiveTimestamp, transmitTimestamp } = packet;
  if (stratum < 1 || stratum > 15) return `accepted stratum ${stratum}`;
  if (leapIndicator === 3) return "accepted a server that is not synchronised";
  if (receiveTimestamp === 0n || transmitTimestamp === 0n) return "accepted a zero timestamp";
  const taken = BigInt.asIntN(64, transmitTimestamp - receiveTimestamp);
  const elapsed = destinationTimestamp - SENT;
  if (elapsed > 6n << 32n) return `accepted after ${elapsed >> 32n} s`;
  if (taken > 4n << 32n) return `accepted though the server took ${taken >> 32n} s`;
  if (![offset, delay, dispersion, rootDistance].every(Number.isFinite)) {
    return `accepted with offset ${offset}, delay ${delay}, dispersion ${dispersion}`;
  }
  if (!(dispersion > 0)) return `accepted with dispersion ${dispersion}`;
  if (!(rootDistance < MAX_ROOT_DISTANCE)) return `accepted root distance ${rootDistance}`;
  return delay >= -dispersion ? undefined : `accepted delay ${delay}`;
}
