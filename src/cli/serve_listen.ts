import { parseIpAddress } from "../packet/ip_address.ts";
import type { NTPServer } from "../server/ntp_server.ts";
import type { Group } from "./group_options.ts";
import { UsageError } from "./usage_error.ts";

/** Where a server listens. */
export interface ListenParts {
  /** Addresses, or none for all. */
  readonly address: readonly string[];
  readonly port: number;
  /** Groups in which manycast clients find it. */
  readonly group: readonly Group[];
  /** Interfaces of these, or none for the routes'. */
  readonly interface: readonly string[];
  /** Groups that it sends to. */
  readonly multicast: readonly Group[];
  /** Workers of each address. */
  readonly workers: number;
}

/** Whether a socket bound to an address hears a group: only one that is bound to all of a family does. */
function hears(address: string, { family }: Group): boolean {
  const bytes = new Uint8Array(16);
  const own = parseIpAddress(address, bytes);
  const isAny = own !== 0 && bytes.subarray(own === 4 ? 12 : 0).every((byte) => byte === 0);
  return isAny && (own === 6 || family === 4);
}

/**
 * Refuses groups that none of the addresses hears.
 *
 * @throws {UsageError} if there is one
 */
export function checkGroups({ address, group }: Pick<ListenParts, "address" | "group">): void {
  if (address.length === 0) return;
  for (const one of group) {
    if (address.some((text) => hears(text, one))) continue;
    const any = one.family === 4 ? "0.0.0.0" : "::";
    throw new UsageError(
      `--group ${one.text} is heard at all addresses or at none: leave out --address, or add ` +
        `--address ${any}`,
    );
  }
}

/**
 * Listens at all addresses, or at none. Port 0 is the same one for all.
 *
 * @throws {NTPError} what `NTPServer.listen()` throws
 */
export async function listenAt(server: NTPServer, parts: ListenParts): Promise<void> {
  const { address, port, group, interface: networkInterfaces, multicast } = parts;
  try {
    for (const hostname of address.length === 0 ? [undefined] : address) {
      const heard = group.filter((one) => hostname === undefined || hears(hostname, one));
      await server.listen({
        ...(hostname !== undefined && { hostname }),
        port: server.addresses[0]?.port ?? port,
        groups: heard.map(({ text }) => text),
        ...(networkInterfaces.length > 0 && { networkInterfaces }),
        multicast: multicast.length > 0 || heard.length > 0,
        workers: parts.workers,
      });
    }
  } catch (error) {
    await server.close();
    throw error;
  }
}
