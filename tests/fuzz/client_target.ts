import type { SymmetricKey } from "../../src/auth/symmetric_key.ts";
import { authenticationOf } from "../../src/client/authentication.ts";
import { answers } from "../../src/client/match.ts";
import {
  accepted,
  type Exchange,
  measure,
  type Measurement,
} from "../../src/client/measurement.ts";
import { makeRequest, signed } from "../../src/client/request.ts";
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
import { seal } from "./keys.ts";
import { isOneLine, mixOf, same, type Target } from "./target.ts";

const SERVER = "192.0.2.1:123";
const SENT = 0xecb1_0000_1000_0000n;
/** Stamps of different origin may contradict each other by so many seconds. */
const STAMP_ERROR = 100e-6;
const CODES = ["bogus", "unsynchronized", "kiss-of-death"];

/**
 * Match, authentication and validation of a reply: only what answers the request, is authenticated
 * where the request is and makes sense is accepted.
 */
export class ClientTarget implements Target {
  readonly name: string;
  passed = 0;
  readonly #key: SymmetricKey | undefined;
  readonly #request: Uint8Array;

  /**
   * Makes a target.
   *
   * @param key key to ask with; none, without authentication
   */
  constructor(key?: SymmetricKey) {
    this.name = key === undefined ? "client" : "keyed-client";
    this.#key = key;
    const plain = makeRequest(4, (into) => into.forEach((_, i) => into[i] = 0x11 * (i + 3)));
    this.#request = key === undefined ? plain : signed(plain, key, 4);
  }

  prefers(packet: Uint8Array): boolean {
    const least = this.#key === undefined ? HEADER_LENGTH : HEADER_LENGTH + 20;
    return packet.length >= least && modeOf(packet[0]!) === MODE_SERVER && packet[1] !== 0;
  }

  /** Most packets become answers to our request, or hardly anything would get past the match. */
  shape(buffer: Uint8Array, length: number, chance: number): void {
    if (length < RECEIVE_TIMESTAMP_AT || (chance & 7) === 0) return;
    if ((chance & 24) !== 0) buffer[0] = (buffer[0]! & ~7) | MODE_SERVER;
    const at = TRANSMIT_TIMESTAMP_AT;
    buffer.set(this.#request.subarray(at, at + 8), ORIGIN_TIMESTAMP_AT);
    if ((chance & 0x3e0) === 0) buffer[ORIGIN_TIMESTAMP_AT + (chance >>> 29)]! ^= 1;
    if (this.#key === undefined || (chance & 0x300) === 0) return;
    seal(buffer, length, chance, (chance & 0x600) === 0 ? undefined : this.#key);
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
    const key = this.#key;
    const authentication = authenticationOf(data, packet, key);
    const isRight = key !== undefined && isSigned(data, packet, key);
    if (isRight !== (authentication === "key")) return `authentication ${authentication}`;
    const exchange = { packet, requestTimestamp: SENT, destinationTimestamp, authentication };
    const measurement = measure(exchange, -20);
    const limits = { key, maxRootDistance: MAX_ROOT_DISTANCE, timeoutMs: 5000 };
    const fault = findFault(exchange, measurement, SERVER, limits);
    if (key !== undefined && !isRight) {
      // Not even a kiss-o'-death is believed.
      if (fault?.code !== "authentication") return `not authenticated, but ${fault?.code}`;
      return isOneLine(fault.message) ? undefined : `message ${JSON.stringify(fault.message)}`;
    }
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

/** Another reading of what a MAC by a key is. */
function isSigned(data: Uint8Array, { mac, version }: NTPPacket, key: SymmetricKey): boolean {
  if (mac?.keyId !== key.id) return false;
  const expected = signed(data.subarray(0, data.length - 4 - mac.digest.length), key, version);
  return expected.length === data.length && same(expected, data, data.length);
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
  measurement: Measurement,
): string | undefined {
  const { offset, delay, dispersion, rootDistance } = measurement;
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
  // While the server has the request, both clocks may drift apart by 500 ppm.
  const drift = 500e-6 * Math.max(0, Number(taken) / 2 ** 32);
  if (!(delay >= -STAMP_ERROR - dispersion - drift)) return `accepted delay ${delay}`;
  const given = accepted(measurement);
  if (!(given.delay >= 0)) return `told delay ${given.delay}`;
  return given.dispersion >= dispersion - Math.min(0, delay) ? undefined : "a smaller error";
}
