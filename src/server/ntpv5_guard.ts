import { readWord, REFERENCE_TIMESTAMP_AT } from "../packet/header.ts";
import type { SystemVariables } from "./system_variables.ts";

/**
 * Reference timestamp by which a request of version 4 asks whether the server has NTPv5, and its reply
 * says so: "NTP5DRFT" (draft-ietf-ntp-ntpv5, "NTPv5 Negotiation in NTPv4").
 */
export const NTPV5_UPGRADE = 0x4e54_5035_4452_4654n;

const UPGRADE_SECONDS = 0x4e545035, UPGRADE_FRACTION = 0x44524654;

/** Longest request in NTPv5 that is answered, and so the longest reply, in bytes. */
export const MAX_NTPV5_LENGTH = 2048;

/**
 * Whether a request of version 4 asks for NTPv5.
 *
 * @param request 48 bytes at least
 */
export function asksForNtpv5(request: Uint8Array): boolean {
  return readWord(request, REFERENCE_TIMESTAMP_AT) === UPGRADE_SECONDS &&
    readWord(request, REFERENCE_TIMESTAMP_AT + 4) === UPGRADE_FRACTION;
}

/**
 * What a server has of NTPv5, which is a draft: an `NTPv5Responder` of `@ntps/ntps/experimental` is one.
 * None of its functions throws.
 */
export interface Ntpv5Guard {
  /**
   * Takes over what the server says of itself; called when the second changes.
   *
   * @param variables what it says
   * @param second the second of the arrival that comes next: the upper word of an NTP timestamp
   */
  prepare(variables: SystemVariables, second: number): void;
  /**
   * Looks at a request.
   *
   * @param request holds a request of version 5 and mode 3 at its beginning
   * @param length its length, 48 or more
   * @returns 0 when it is to be answered; else a negative reason not to (see `DROP_REASONS`)
   */
  check(request: Uint8Array, length: number): number;
  /**
   * Writes the reply to a request that has passed {@linkcode Ntpv5Guard.check}, but for its transmit
   * timestamp. It is as long as the request.
   *
   * @param request as it was checked
   * @param length its length
   * @param arrival when it arrived: seconds and fraction words
   * @param reply has room for `length` bytes; may be `request` itself
   */
  answer(request: Uint8Array, length: number, arrival: Uint32Array, reply: Uint8Array): void;
  /**
   * Writes, in place of an answer, that the client shall ask less often, or never again. It has no
   * times.
   *
   * @param request as it was checked
   * @param length its length
   * @param poll least poll interval, log2 of seconds; undefined, never again
   * @param reply as for {@linkcode Ntpv5Guard.answer}
   */
  refuse(request: Uint8Array, length: number, poll: number | undefined, reply: Uint8Array): void;
}
