import { NTPError } from "../packet/error.ts";
import { formatIpAddress, parseIpAddress } from "../packet/ip_address.ts";
import { type MulticastGroup, parseGroup, routeRemedy } from "./multicast_group.ts";
import { checkMulticastOptions } from "./multicast_options.ts";
import type { FindInterface } from "./network_interface.ts";
import { isWindows } from "./runtime.ts";
import { codeOf } from "./system_error.ts";
import type { MulticastOptions } from "./udp_transport.ts";

/**
 * What sockets of `node:dgram` and of Bun have in common. An interface is an IPv4 address for IPv4,
 * and `::%eth0` for IPv6; none leaves it to the routes.
 */
export interface MulticastSocket {
  addMembership(group: string, networkInterface?: string): unknown;
  dropMembership(group: string, networkInterface?: string): unknown;
  setMulticastTTL(hopLimit: number): unknown;
  setMulticastLoopback(loopback: boolean): unknown;
  setMulticastInterface(networkInterface: string): unknown;
}

/** A group and where it is joined. */
interface Membership {
  readonly group: MulticastGroup;
  /** The interface as the socket takes it. */
  readonly via: string | undefined;
  readonly key: string;
}

/**
 * The multicast groups of one socket of one family: checks what is asked for, since systems take an
 * unknown interface for any, knows what has been joined, and tells errors with their remedy.
 */
export class Multicast {
  readonly #socket: MulticastSocket;
  readonly #hostname: string;
  readonly #family: 4 | 6;
  readonly #find: FindInterface;
  readonly #hearsAnywhere: boolean;
  /** Keys of what is joined: `ff02::101%eth0`, and without interface `ff02::101%`. */
  readonly #joined = new Set<string>();

  /**
   * @param socket what is set
   * @param hostname IP address to which it is bound
   * @param find knows the interfaces
   * @param hearsAnywhere whether it hears groups though bound to an address
   */
  constructor(
    socket: MulticastSocket,
    hostname: string,
    find: FindInterface,
    hearsAnywhere: boolean = isWindows(),
  ) {
    this.#socket = socket;
    this.#hostname = hostname;
    this.#family = hostname.includes(":") ? 6 : 4;
    this.#find = find;
    this.#hearsAnywhere = hearsAnywhere;
  }

  /** Joins a group; harmless if it is joined already. */
  join(text: string, networkInterface: string | undefined): void {
    const { group, via, key } = this.#membership(text, networkInterface);
    this.#checkHears(group);
    this.#checkOneWay(group, via);
    try {
      this.#socket.addMembership(group.address, via);
    } catch (error) {
      // The system is asked each time, since it forgets when an interface goes. Of what it has not
      // forgotten Deno says EINVAL.
      const code = codeOf(error);
      if (code !== "EADDRINUSE" && !(code === "EINVAL" && this.#joined.has(key))) {
        throw joinError(error, group, networkInterface);
      }
    }
    this.#joined.add(key);
  }

  /** Leaves a group; harmless if it is not joined. */
  leave(text: string, networkInterface: string | undefined): void {
    const { group, via, key } = this.#membership(text, networkInterface);
    if (!this.#joined.has(key)) return;
    try {
      this.#socket.dropMembership(group.address, via);
    } catch (error) {
      // On an interface that was named and exists this means that the group is not joined: the system
      // forgot it when the interface went.
      if (via === undefined) {
        throw new NTPError(
          "unreachable",
          `Could not leave ${group.address}: the routes are no longer those by which it was joined; ` +
            `close the socket, or name the network interface when you join`,
          { cause: error },
        );
      }
    }
    this.#joined.delete(key);
  }

  /** Sets how datagrams to groups are sent. */
  configure(options: MulticastOptions): void {
    const { family, hopLimit, loopback, networkInterface } = checkMulticastOptions(options);
    if (family !== undefined) this.#checkFamily("groups", family);
    const via = networkInterface === undefined ? undefined : this.#via(networkInterface);
    try {
      if (hopLimit !== undefined) this.#socket.setMulticastTTL(hopLimit);
      if (loopback !== undefined) this.#socket.setMulticastLoopback(loopback);
      if (via !== undefined) this.#socket.setMulticastInterface(via);
    } catch (error) {
      if (error instanceof NTPError) throw error;
      const text = error instanceof Error ? error.message : String(error);
      throw new NTPError("system", `Could not configure multicast: ${text}`, { cause: error });
    }
  }

  /** Runtimes send to `ff02::101%typo` over any interface, so that is found out before. */
  checkScope(destination: string): void {
    const percent = destination.indexOf("%");
    if (percent >= 0) this.#via(destination.slice(percent + 1));
  }

  #membership(text: string, networkInterface: string | undefined): Membership {
    const group = parseGroup(text);
    const { address, family, scope } = group;
    this.#checkFamily(`group ${address}`, family);
    const name = networkInterface ?? scope;
    if (name === undefined) return { group, via: undefined, key: `${address}%` };
    const { zone } = this.#find(checkName(name));
    if (scope !== undefined && this.#find(scope).zone !== zone) {
      throw new RangeError(`networkInterface ${name} is not the one that ${text} names`);
    }
    return { group, via: this.#via(name), key: `${address}%${zone}` };
  }

  #checkFamily(what: string, family: 4 | 6): void {
    if (family === this.#family) return;
    const socket = family === 6
      ? `is bound to the IPv4 address ${this.#hostname}: bind "::"`
      : 'has IPv6 only: bind "0.0.0.0", or "::" without ipv6Only';
    throw new RangeError(`${what} of IPv${family} cannot be had, since the socket ${socket}`);
  }

  /** An interface as the socket takes it. */
  #via(networkInterface: string): string {
    const { name, zone, ipv4, hasIpv6 } = this.#find(checkName(networkInterface));
    if (this.#family === 6 && hasIpv6) return `::%${zone}`;
    if (this.#family === 4 && ipv4 !== undefined) return ipv4;
    const other = this.#family === 4 ? 6 : 4;
    throw new NTPError(
      "address-unavailable",
      `The network interface ${name} has no IPv${this.#family} address: give it one, name another, or ` +
        `configure the other family alone (family: ${other})`,
    );
  }

  /** Elsewhere than on Windows, a socket hears only what is sent to the address it is bound to. */
  #checkHears({ address }: MulticastGroup): void {
    if (this.#hearsAnywhere) return;
    const bytes = new Uint8Array(16);
    parseIpAddress(this.#hostname, bytes);
    const any = bytes.subarray(this.#family === 4 ? 12 : 0).every((byte) => byte === 0);
    if (any || formatIpAddress(bytes) === address) return;
    throw new RangeError(
      `A socket bound to ${this.#hostname} hears no groups: bind ` +
        `"${this.#family === 4 ? "0.0.0.0" : "::"}", or the group ${address} itself`,
    );
  }

  /** Which interface the routes mean cannot be told, so leaving one would leave the other. */
  #checkOneWay({ address }: MulticastGroup, via: string | undefined): void {
    const unnamed = `${address}%`;
    const mixed = via !== undefined
      ? this.#joined.has(unnamed)
      : [...this.#joined].some((key) => key !== unnamed && key.startsWith(unnamed));
    if (!mixed) return;
    throw new RangeError(
      `group ${address} is joined ${via === undefined ? "on named" : "without naming"} network ` +
        `interfaces: leave it before you join it otherwise`,
    );
  }
}

function checkName(networkInterface: string): string {
  if (typeof networkInterface !== "string") {
    throw new TypeError(`networkInterface is a string, not ${String(networkInterface)}`);
  }
  if (networkInterface !== "") return networkInterface;
  throw new RangeError("networkInterface is a name or an address, not an empty string");
}

function joinError(error: unknown, group: MulticastGroup, name: string | undefined): NTPError {
  const { address, family, scope } = group;
  const code = codeOf(error);
  const cause = { cause: error };
  if (code === "ENOBUFS") {
    return new NTPError(
      "system",
      `The socket has joined as many groups as the system allows, and cannot join ${address}: raise ` +
        "it with sysctl net.ipv4.igmp_max_memberships",
      cause,
    );
  }
  const via = name ?? scope;
  if (via === undefined) {
    return new NTPError(
      "unreachable",
      `No route tells where to join ${address} (${code}): ${routeRemedy(family)}`,
      cause,
    );
  }
  const text = error instanceof Error ? error.message : String(error);
  return new NTPError("system", `Could not join ${address} on ${via}: ${text}`, cause);
}
