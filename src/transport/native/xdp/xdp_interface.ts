import { NTPError } from "../../../packet/error.ts";
import { isIpv4Mapped, parseIpAddress } from "../../../packet/ip_address.ts";
import { findInterface } from "../../network_interface.ts";
import type { RedirectRule } from "./redirect_program.ts";

/** One address of an interface, as `networkInterfaces()` of `node:os` tells it. */
export interface XdpAddress {
  readonly address: string;
  readonly family: string;
  readonly netmask: string;
  readonly mac: string;
  readonly internal: boolean;
  readonly scopeid?: number | undefined;
}

/** The interfaces of a machine, by name. */
export type XdpInterfaces = Readonly<Record<string, readonly XdpAddress[] | undefined>>;

/**
 * The interface whose frames are taken.
 *
 * @param hostname local IP address, or `"::"` or `"0.0.0.0"` for all of the interface
 * @param asked name or address of the interface. Default: the one that has `hostname`, or the only
 * one there is
 * @param listed all there are
 * @returns its name
 * @throws {NTPError} `address-unavailable` if there is none, or several and none is named;
 * `unsupported` if it is the loopback interface
 */
export function chooseInterface(
  hostname: string,
  asked: string | undefined,
  listed: XdpInterfaces,
): string {
  const wanted = asked ?? (isAny(hostname) ? undefined : hostname);
  if (wanted !== undefined) {
    const { name } = findInterface(wanted, listed);
    if (!listed[name]!.every(({ internal }) => internal)) return name;
    throw new NTPError(
      "unsupported",
      `AF_XDP takes frames from a network card, and ${wanted} is the loopback interface: use ` +
        'another transport there, such as "native"',
    );
  }
  const names = Object.keys(listed).filter((name) =>
    listed[name]!.some(({ internal }) => !internal)
  );
  if (names.length === 1) return names[0]!;
  throw new NTPError(
    "address-unavailable",
    names.length === 0
      ? "There is no network interface but loopback that is up and has an address: AF_XDP needs one"
      : `AF_XDP takes frames from one network interface, and there are ${names.join(", ")}: name ` +
        "one as networkInterface, or bind one of its addresses",
  );
}

/**
 * What is taken from the interface: datagrams to the address that is bound, or else to all that the
 * interface has now.
 */
export function redirectRule(
  hostname: string,
  port: number,
  own: readonly XdpAddress[],
  families: readonly (4 | 6)[],
): RedirectRule {
  const texts = isAny(hostname) ? own.map(({ address }) => address) : [hostname];
  const addresses = texts.map(bytesOf).filter(({ length }) =>
    families.includes(length === 4 ? 4 : 6)
  );
  const broadcasts = own.filter(({ family }) => family === "IPv4").map(broadcastOf);
  const mac = own[0] && parseMac(own[0].mac);
  return { port, addresses, broadcasts, mac };
}

function isAny(hostname: string): boolean {
  const bytes = new Uint8Array(16);
  const family = parseIpAddress(hostname, bytes);
  return bytes.every((byte, at) => byte === 0 || (family === 4 && at < 12));
}

/** 4 or 16 bytes. */
function bytesOf(address: string): Uint8Array {
  const bytes = new Uint8Array(16);
  parseIpAddress(address, bytes);
  return isIpv4Mapped(bytes) ? bytes.slice(12) : bytes;
}

/** The address of all on an IPv4 network (RFC 919 §7). */
function broadcastOf({ address, netmask }: XdpAddress): Uint8Array {
  const mask = bytesOf(netmask);
  return bytesOf(address).map((byte, at) => byte | (~mask[at]! & 0xff));
}

/** Undefined for what is no address, or none that the interface could be asked at: all zeros. */
function parseMac(text: string): Uint8Array | undefined {
  const parts = text.split(":").map((part) => parseInt(part, 16));
  const isMac = parts.length === 6 && parts.every((part) => part >= 0 && part <= 255);
  return isMac && parts.some((part) => part !== 0) ? Uint8Array.from(parts) : undefined;
}
