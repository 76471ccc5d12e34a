import { referenceIdFromAddress } from "../packet/reference_id.ts";
import type { NTPServer } from "../server/ntp_server.ts";

/**
 * The reference identifiers by which others name a server that they follow: those of the addresses
 * that it listens at. `"::"` and `"0.0.0.0"` are no addresses that anybody could follow; a server
 * that listens there must be told its own.
 *
 * @param server our server
 * @param ownAddresses further addresses of this machine
 * @throws {TypeError} if one of them is not an IP address
 */
export function ownReferenceIds(
  server: NTPServer,
  ownAddresses: readonly string[] = [],
): ReadonlySet<number> {
  const bound = server.addresses.map(({ hostname }) => hostname);
  const known = bound.filter((hostname) => hostname !== "::" && hostname !== "0.0.0.0");
  return new Set([...known, ...ownAddresses].map(referenceIdFromAddress));
}
