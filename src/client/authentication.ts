import type { SymmetricKey } from "../auth/symmetric_key.ts";
import { NTPError } from "../packet/error.ts";
import type { NTPPacket } from "../packet/packet.ts";

/**
 * What shows that a reply is the server's: nothing, a MAC by the key that was asked with, or NTS
 * (RFC 8915).
 */
export type Authentication = "none" | "key" | "nts";

/**
 * How a reply is authenticated. A MAC by any other key than the association's shows nothing
 * (CVE-2015-7974), and neither does a crypto-NAK (CVE-2015-7871).
 *
 * @param data the datagram
 * @param packet what it says
 * @param key the key that was asked with, if there was one
 */
export function authenticationOf(
  data: Uint8Array,
  packet: NTPPacket,
  key: SymmetricKey | undefined,
): Authentication {
  const { mac, version } = packet;
  if (key === undefined || mac === undefined || mac.keyId !== key.id) return "none";
  const message = data.subarray(0, data.length - 4 - mac.digest.length);
  return key.verify(message, mac.digest, version) ? "key" : "none";
}

/** Whether a MAC is a crypto-NAK (RFC 5905 §9.2): the server could not check ours. */
export function isCryptoNak({ mac }: NTPPacket): boolean {
  return mac !== undefined && mac.digest.length === 0;
}

/**
 * The error of a reply that is not authenticated though it must be.
 *
 * @param packet the reply
 * @param key the key that was asked with
 * @param server who answered, for the message
 */
export function authenticationError(
  packet: NTPPacket,
  key: SymmetricKey,
  server: string,
): NTPError {
  const { mac } = packet;
  const what = mac === undefined
    ? `${server} answered without authentication, though it was asked with key ${key.id}`
    : isCryptoNak(packet)
    ? `${server} does not accept key ${key.id} (crypto-NAK): it is unknown there, or another one`
    : mac.keyId !== key.id
    ? `${server} answered with key ${mac.keyId} instead of key ${key.id}`
    : `${server} answered with a wrong MAC for key ${key.id}: its key is another one, or the reply ` +
      "was changed on the way";
  return new NTPError("authentication", what);
}

/**
 * The error of a reply that is not authenticated with NTS though it must be.
 *
 * @param packet the reply
 * @param server who answered, for the message
 */
export function ntsError({ kissCode }: NTPPacket, server: string): NTPError {
  const what = kissCode === "NTSN"
    ? `${server} does not accept the cookie (NTSN), or somebody else says so: keys are exchanged anew ` +
      "when this comes again"
    : `${server} answered without NTS, though it was asked with it, or the reply was changed on the way`;
  return new NTPError("authentication", what);
}
