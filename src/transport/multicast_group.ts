import { formatIpAddress, isMulticast, parseIpAddress } from "../packet/ip_address.ts";

/** A multicast group, read from text. */
export interface MulticastGroup {
  readonly family: 4 | 6;
  /** The address, without scope, in its canonical form. */
  readonly address: string;
  /** Interface behind the percent sign, if there is one. */
  readonly scope: string | undefined;
}

/** What to do where no route tells the interface of a group of that family. */
export function routeRemedy(family: 4 | 6): string {
  const command = family === 4
    ? "ip route add 224.0.0.0/4 dev eth0"
    : "ip -6 route add multicast ff00::/8 dev eth0 table local";
  return `name the network interface, or add a route, as in: ${command}`;
}

/**
 * Reads a multicast group.
 *
 * @param group `"224.0.1.1"`, `"ff05::101"`, `"ff02::101%eth0"`
 * @throws {TypeError} if it is no string
 * @throws {RangeError} if it is no multicast address
 */
export function parseGroup(group: string): MulticastGroup {
  if (typeof group !== "string") throw new TypeError(`group is a string, not ${String(group)}`);
  const bytes = new Uint8Array(16);
  const family = parseIpAddress(group, bytes);
  if (family === 0 || !isMulticast(bytes)) {
    throw new RangeError(
      `group is a multicast address (224.0.0.0/4 or ff00::/8), such as 224.0.1.1 or ff02::101, ` +
        `not ${JSON.stringify(group)}`,
    );
  }
  const percent = group.indexOf("%");
  const scope = family === 6 && percent > 0 ? group.slice(percent + 1) : undefined;
  return { family, address: formatIpAddress(bytes), scope };
}
