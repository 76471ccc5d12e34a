import { NTPError } from "../packet/error.ts";
import { formatIpAddress, parseIpAddress } from "../packet/ip_address.ts";
import { isWindows } from "./runtime.ts";

/** An interface of this machine, in the forms that sockets take. */
export interface NetworkInterface {
  readonly name: string;
  /** What stands behind the percent sign of a scoped address: the name, on Windows the index. */
  readonly zone: string;
  /** Its IPv4 address, by which IPv4 names it. */
  readonly ipv4: string | undefined;
  /** Whether it has an IPv6 address. */
  readonly hasIpv6: boolean;
}

/**
 * Finds an interface by its name, or by an IP address that it has.
 *
 * @throws {NTPError} `address-unavailable` if there is none, with those there are; `permission` if
 * Deno does not allow to ask
 */
export type FindInterface = (nameOrAddress: string) => NetworkInterface;

/** One address of an interface, as `networkInterfaces()` of `node:os` tells it. */
export interface ListedAddress {
  readonly address: string;
  readonly family: string;
  readonly scopeid?: number | undefined;
}

/** The interfaces of this machine, looked up anew each time: they come and go. */
export async function systemInterfaces(): Promise<FindInterface> {
  // Imported here, so that a page that brings its own transport can load this file.
  const { networkInterfaces } = await import("node:os");
  return (nameOrAddress) => {
    let listed: Record<string, readonly ListedAddress[] | undefined>;
    try {
      listed = networkInterfaces();
    } catch (error) {
      throw new NTPError(
        "permission",
        `Deno may not look for the network interface ${nameOrAddress}: run it with ` +
          "--allow-sys=networkInterfaces",
        { cause: error },
      );
    }
    return findInterface(nameOrAddress, listed);
  };
}

/** Finds an interface in a list, which has only those that are up and have an address. */
export function findInterface(
  nameOrAddress: string,
  listed: Readonly<Record<string, readonly ListedAddress[] | undefined>>,
): NetworkInterface {
  const [address, scope] = nameOrAddress.split("%");
  const wanted = canonical(address!);
  for (const [name, addresses = []] of Object.entries(listed)) {
    const own = wanted !== undefined && (scope === undefined || scope === name)
      ? addresses.find((one) => canonical(one.address) === wanted)
      : undefined;
    if (own === undefined && name !== nameOrAddress) continue;
    const ipv4 = own?.family === "IPv4" ? own : addresses.find(({ family }) => family === "IPv4");
    const ipv6 = addresses.filter(({ family }) => family === "IPv6");
    // Only link-local addresses have an index.
    const index = ipv6.find(({ scopeid }) => scopeid)?.scopeid;
    return {
      name,
      zone: isWindows() && index !== undefined ? `${index}` : name,
      ipv4: ipv4?.address,
      hasIpv6: ipv6.length > 0,
    };
  }
  const names = Object.keys(listed).join(", ") || "none";
  throw new NTPError(
    "address-unavailable",
    wanted === undefined
      ? `There is no network interface ${nameOrAddress} that is up and has an address, only ${names}`
      : `No network interface has the address ${nameOrAddress}; there are ${names}`,
  );
}

function canonical(address: string): string | undefined {
  const bytes = new Uint8Array(16);
  return parseIpAddress(address, bytes) === 0 ? undefined : formatIpAddress(bytes);
}
