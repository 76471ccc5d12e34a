import type { Endpoint } from "../endpoint.ts";
import { AF_INET, AF_INET6, LAYOUT } from "./linux.ts";

/** Tells the index of an interface by its name; 0 when there is none. */
export type InterfaceIndex = (name: string) => number;

/**
 * Writes a `struct sockaddr_in` or `sockaddr_in6`.
 *
 * @param to the address; IPv4 on an IPv6 socket is written in its mapped form
 * @param family of the socket
 * @param bytes written
 * @param at where, a multiple of 4
 * @param indexOf tells the index of the interface that the address names
 * @returns its length
 */
export function writeSocketAddress(
  to: Endpoint,
  family: 4 | 6,
  bytes: Uint8Array,
  at: number,
  indexOf: InterfaceIndex,
): number {
  const { bytes: address, port } = to;
  const length = family === 4 ? LAYOUT.sockaddrIn : LAYOUT.sockaddrIn6;
  for (let i = 0; i < length; i++) bytes[at + i] = 0;
  bytes[at] = family === 4 ? AF_INET : AF_INET6;
  bytes[at + LAYOUT.sockaddrPort] = port >>> 8;
  bytes[at + LAYOUT.sockaddrPort + 1] = port;
  if (family === 4) {
    for (let i = 0; i < 4; i++) bytes[at + LAYOUT.sockaddrAddress4 + i] = address[12 + i]!;
    return length;
  }
  for (let i = 0; i < 16; i++) bytes[at + LAYOUT.sockaddrAddress6 + i] = address[i]!;
  const scope = to.family === 6 ? scopeOf(to, indexOf) : 0;
  for (let i = 0; i < 4; i++) bytes[at + LAYOUT.sockaddrScope + i] = scope >>> (8 * i);
  return length;
}

/**
 * Makes an endpoint stand for a `struct sockaddr_in` or `sockaddr_in6`. Allocates nothing.
 *
 * @param family of the socket
 * @param nameOf tells the name of an interface
 */
export function readSocketAddress(
  into: Endpoint,
  family: 4 | 6,
  bytes: Uint8Array,
  at: number,
  nameOf: (index: number) => string,
): void {
  const port = bytes[at + LAYOUT.sockaddrPort]! << 8 | bytes[at + LAYOUT.sockaddrPort + 1]!;
  if (family === 4) return into.assignBytes(4, bytes, at + LAYOUT.sockaddrAddress4, port);
  const scopeAt = at + LAYOUT.sockaddrScope;
  const scope = bytes[scopeAt]! | bytes[scopeAt + 1]! << 8 | bytes[scopeAt + 2]! << 16 |
    bytes[scopeAt + 3]! << 24;
  into.assignBytes(6, bytes, at + LAYOUT.sockaddrAddress6, port, scope, nameOf);
}

function scopeOf(to: Endpoint, indexOf: InterfaceIndex): number {
  if (to.scope !== 0) return to.scope;
  const { rawHostname } = to, percent = rawHostname.indexOf("%");
  return percent < 0 ? 0 : indexOf(rawHostname.slice(percent + 1));
}
