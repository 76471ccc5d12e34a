import type { UdpTransport } from "./udp_transport.ts";

/**
 * Joins several multicast groups, each on several interfaces.
 *
 * @param transport a socket that was bound with `multicast`
 * @param groups the groups
 * @param networkInterfaces names or addresses; absent: the ones that routes tell
 * @throws {RangeError} if a group is not multicast
 * @throws {NTPError} what `joinGroup()` throws
 */
export function joinGroups(
  transport: UdpTransport,
  groups: readonly string[],
  networkInterfaces?: readonly string[],
): void {
  for (const group of groups) {
    if (networkInterfaces === undefined) transport.joinGroup(group);
    else for (const name of networkInterfaces) transport.joinGroup(group, name);
  }
}
