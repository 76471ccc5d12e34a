import {
  firstByte,
  PRECISION_AT,
  REFERENCE_ID_AT,
  REFERENCE_TIMESTAMP_AT,
  ROOT_DELAY_AT,
  ROOT_DISPERSION_AT,
  STRATUM_AT,
  writeTimestamp,
  writeWord,
} from "../packet/header.ts";
import type { LeapIndicator } from "../packet/leap_indicator.ts";
import { parseIpAddress } from "../packet/ip_address.ts";
import { referenceIdFromAddress, referenceIdFromText } from "../packet/reference_id.ts";
import { shortFromSeconds } from "../packet/short_format.ts";

/** What a server says of itself in each reply, changing seldom (RFC 5905 §11.1). */
export interface SystemVariables {
  /** Leap indicator; 3 when not synchronised. */
  readonly leapIndicator: LeapIndicator;
  /** Stratum, 1 to 15; 16 when not synchronised. */
  readonly stratum: number;
  /** Precision of the clock, log2 of seconds. */
  readonly precision: number;
  /** Round-trip delay to the primary reference, in seconds. */
  readonly rootDelay: number;
  /** Dispersion to the primary reference, in seconds. */
  readonly rootDispersion: number;
  /** Reference identifier, 32 bits, unsigned. */
  readonly referenceId: number;
  /** When the clock was last set: an NTP timestamp. */
  readonly referenceTimestamp: bigint;
}

/** Stratum that means "not synchronised" (RFC 5905 §7.3); on the wire it is written as 0. */
export const MAX_STRATUM = 16;

/** Kiss code of a server that has no time yet (RFC 5905 §7.4). */
const INIT: number = referenceIdFromText("INIT");

/**
 * Checks a stratum to announce.
 *
 * @param stratum 0 (the reference itself) to 16 (not synchronised)
 * @throws {TypeError} if it is not a number
 * @throws {RangeError} if it is not a whole number from 0 to 16
 */
export function checkStratum(stratum: number): void {
  if (typeof stratum !== "number") {
    throw new TypeError(`stratum is a number, not ${typeof stratum}: ${String(stratum)}`);
  }
  if (!Number.isInteger(stratum) || stratum < 0 || stratum > MAX_STRATUM) {
    throw new RangeError(`stratum is a whole number from 0 to ${MAX_STRATUM}, not ${stratum}`);
  }
}

/**
 * Reads a reference identifier as people write it.
 *
 * @param refid one to four ASCII characters, or an IP address
 * @returns 32 bits, unsigned
 * @throws {TypeError} if it is not a string
 * @throws {RangeError} if it is neither
 */
export function parseRefid(refid: string): number {
  const address = typeof refid === "string" && parseIpAddress(refid, new Uint8Array(16)) !== 0;
  return address ? referenceIdFromAddress(refid) : referenceIdFromText(refid);
}

/**
 * Writes the first 24 bytes of a reply, but for version, mode and poll, which are the request's. A
 * server that is not synchronised says so three times: leap indicator 3, stratum 0 and kiss code
 * INIT.
 *
 * @param variables what the server says of itself
 * @param into 24 bytes, written
 */
export function writeSystemVariables(variables: SystemVariables, into: Uint8Array): void {
  const unsynchronized = variables.leapIndicator === 3 || variables.stratum >= MAX_STRATUM;
  into[0] = firstByte(unsynchronized ? 3 : variables.leapIndicator, 0, 0);
  into[STRATUM_AT] = unsynchronized ? 0 : variables.stratum;
  into[PRECISION_AT] = variables.precision;
  writeWord(into, ROOT_DELAY_AT, shortFromSeconds(variables.rootDelay));
  writeWord(into, ROOT_DISPERSION_AT, shortFromSeconds(variables.rootDispersion));
  writeWord(into, REFERENCE_ID_AT, unsynchronized ? INIT : variables.referenceId);
  writeTimestamp(into, REFERENCE_TIMESTAMP_AT, variables.referenceTimestamp);
}
