/**
 * UDP without a network: for tests and simulations.
 *
 * @module
 */
import { NTPError } from "../packet/error.ts";
import { formatIpAddress, isMulticast } from "../packet/ip_address.ts";
import { prefixContains } from "../packet/ip_prefix.ts";
import type { UdpBindSettings } from "./bind_options.ts";
import { Endpoint } from "./endpoint.ts";
import { Audiences } from "./memory_audiences.ts";
import { Flight, type MemoryDatagram } from "./memory_datagram.ts";
import { type MemorySubnet, parseMemorySubnet } from "./memory_subnet.ts";
import { MemoryUdpTransport } from "./memory_udp_transport.ts";
import { openUdp } from "./open_udp.ts";
import { resolveHost } from "./resolve.ts";
import { systemError } from "./system_error.ts";
import type { BindUdp, SendOutcome } from "./udp_transport.ts";

export type { MemoryDatagram } from "./memory_datagram.ts";

/** Options of {@linkcode MemoryNetwork}. */
export interface MemoryNetworkOptions {
  /**
   * What the way does to a datagram: the delays, in seconds, 0 or more, of the copies that arrive.
   * None: it is lost. Two: it is duplicated. A delay that lets a later one overtake: they are
   * reordered. Default `[0]`. What it throws is reported as an error of the socket that sends.
   */
  path?: (datagram: MemoryDatagram) => readonly number[];
  /**
   * Calls `deliver` after the delay, and not before it has returned itself. Default: as a microtask
   * when the delay is 0, else by the timers of the runtime.
   */
  schedule?: (delaySeconds: number, deliver: () => void) => void;
  /** The next port to try for a socket bound to port 0. Default: 49152 to 65535 in turn. */
  ephemeralPort?: () => number;
  /** How many datagrams of one socket may be under way, 1 or more; then it is full. Default 1024. */
  queueLimit?: number;
  /**
   * IPv4 prefixes, as in `"192.0.2.0/24"`, whose last address is their broadcast address: every
   * socket bound to an address in there hears what is sent to it. Default: none.
   */
  subnets?: readonly string[];
}

/** First of the ports that anybody may use (RFC 6335 §6). */
const FIRST_DYNAMIC_PORT = 49152;

const LOOPBACK_4 = "127.0.0.1", LOOPBACK_6 = "::1", ANY_4 = "0.0.0.0", ANY_6 = "::";

const AT_ONCE: readonly number[] = [0];

/** Hop limit of what goes to one address, or to a broadcast address. */
const HOP_LIMIT = 64;

/**
 * A network in memory on which every IP address exists: a socket may be bound to any of them. One
 * bound to `"::"` or `"0.0.0.0"`, or to nothing in particular, has the loopback addresses.
 *
 * As on a real network, a socket with a `remote` is told when nobody listens there, others are not;
 * a path that loses everything is a host that does not exist. `reusePort` and `reuseAddress` are
 * not supported.
 *
 * A datagram to a group or a broadcast address goes the path once for each that hears it when it is
 * sent, in the order in which they joined or were bound, and each copy has its own fate. Unlike on a
 * real network, sockets bound to an address hear them too. Sockets at one address are one machine,
 * which matters for `loopback`. There is one network: any name of an interface stands for it, and
 * only the path looks at hop limits.
 *
 * @example Every other datagram is lost
 * ```ts
 * import { Endpoint, SystemClock } from "@ntps/ntps";
 * import { MemoryNetwork } from "@ntps/ntps/transport/memory";
 * import { assertEquals } from "@std/assert";
 *
 * let count = 0;
 * const arrivals: (() => void)[] = [];
 * const network = new MemoryNetwork({
 *   path: () => count++ % 2 === 0 ? [0.010] : [],
 *   schedule: (_delaySeconds, deliver) => void arrivals.push(deliver),
 * });
 * const clock = new SystemClock();
 * const got: number[] = [];
 * const server = await network.bind({
 *   hostname: "192.0.2.1",
 *   port: 123,
 *   clock,
 *   onDatagram: (data) => void got.push(data[0]!),
 * });
 * const client = await network.bind({ hostname: "192.0.2.2", clock, onDatagram() {} });
 * for (let i = 0; i < 4; i++) client.send(Uint8Array.of(i), new Endpoint("192.0.2.1", 123));
 * for (const deliver of arrivals) deliver();
 * assertEquals(got, [0, 2]);
 * await Promise.all([server.close(), client.close()]);
 * ```
 */
export class MemoryNetwork {
  /** Binds a socket on this network. */
  readonly bind: BindUdp = (options) =>
    openUdp(options, (settings, hostname) => this.#open(settings, hostname), resolveLiteral);
  readonly #path: ((datagram: MemoryDatagram) => readonly number[]) | undefined;
  readonly #schedule: (delaySeconds: number, deliver: () => void) => void;
  readonly #ephemeralPort: () => number;
  readonly #queueLimit: number;
  readonly #subnets: readonly MemorySubnet[];
  readonly #sockets = new Map<string, MemoryUdpTransport>();
  readonly #audiences = new Audiences<MemoryUdpTransport>();
  readonly #idle: Flight<MemoryUdpTransport>[] = [];
  #lastPort = FIRST_DYNAMIC_PORT - 1;

  /**
   * Makes a network without sockets.
   *
   * @param options all optional
   * @throws {TypeError} if an option has the wrong type
   * @throws {RangeError} if `queueLimit` is not a whole number above 0, or one of the `subnets` is
   * no IPv4 prefix of up to 30 bits
   */
  constructor(options: MemoryNetworkOptions = {}) {
    const { path, schedule = runtimeSchedule, ephemeralPort, queueLimit = 1024 } = options;
    const { subnets = [] } = options;
    for (const [name, value] of Object.entries({ path, schedule, ephemeralPort })) {
      if (value !== undefined && typeof value !== "function") {
        throw new TypeError(`${name} is a function, not ${String(value)}`);
      }
    }
    if (typeof queueLimit !== "number") {
      throw new TypeError(`queueLimit is a number, not ${String(queueLimit)}`);
    }
    if (!Number.isInteger(queueLimit) || queueLimit < 1) {
      throw new RangeError(`queueLimit is a whole number above 0, not ${queueLimit}`);
    }
    if (!Array.isArray(subnets)) throw new TypeError(`subnets is an array, not ${subnets}`);
    this.#subnets = subnets.map(parseMemorySubnet);
    this.#path = path;
    this.#schedule = schedule;
    this.#ephemeralPort = ephemeralPort ?? (() => {
      this.#lastPort = this.#lastPort === 65535 ? FIRST_DYNAMIC_PORT : this.#lastPort + 1;
      return this.#lastPort;
    });
    this.#queueLimit = queueLimit;
  }

  #open(settings: UdpBindSettings, hostname: string): MemoryUdpTransport {
    if (settings.reusePort || settings.reuseAddress) {
      throw new NTPError(
        "unsupported",
        "A MemoryNetwork has one socket per port (no reusePort, no reuseAddress): use the adapter " +
          "of the runtime",
      );
    }
    const port = this.#choosePort(settings, hostname);
    const socket: MemoryUdpTransport = new MemoryUdpTransport(settings, hostname, port, {
      send: (data, to) => this.#depart(socket, data, to),
      join: (group) => this.#audiences.add(group, socket),
      leave: (group) => this.#audiences.remove(group, socket),
      close: () => {
        this.#sockets.delete(keyOf(hostname, port));
        this.#audiences.removeAll(socket);
      },
    });
    this.#sockets.set(keyOf(hostname, port), socket);
    const { bytes } = socket.local(4);
    for (const { prefix, broadcast } of this.#subnets) {
      if (prefixContains(prefix, bytes)) this.#audiences.add(broadcast, socket);
    }
    return socket;
  }

  #choosePort({ port, ipv6Only }: UdpBindSettings, hostname: string): number {
    if (port !== 0) {
      if (!this.#isTaken(hostname, port, ipv6Only)) return port;
      throw new NTPError(
        "address-in-use",
        `${new Endpoint(hostname, port)} is in use by another socket: close that one`,
      );
    }
    for (let tries = 0; tries < 65536; tries++) {
      const candidate = this.#ephemeralPort();
      if (!Number.isInteger(candidate) || candidate < 1 || candidate > 65535) {
        throw new RangeError(`ephemeralPort() gives a port from 1 to 65535, not ${candidate}`);
      }
      if (!this.#isTaken(hostname, candidate, ipv6Only)) return candidate;
    }
    throw new NTPError("address-in-use", `All ports of ${hostname} are in use: close some sockets`);
  }

  #isTaken(hostname: string, port: number, ipv6Only: boolean): boolean {
    if (this.#sockets.has(keyOf(hostname, port))) return true;
    if (hostname === ANY_6) return !ipv6Only && this.#sockets.has(keyOf(ANY_4, port));
    return hostname === ANY_4 && this.#sockets.get(keyOf(ANY_6, port))?.takesIpv4 === true;
  }

  /** Who has the port, or is still a member, when a datagram arrives. */
  #receiverOf({ destination, member }: Flight<MemoryUdpTransport>): MemoryUdpTransport | undefined {
    if (member === undefined) return this.#find(destination);
    return this.#audiences.has(formatIpAddress(destination.bytes), member) ? member : undefined;
  }

  /** The socket that has an address and port. */
  #find(to: Endpoint): MemoryUdpTransport | undefined {
    const hostname = formatIpAddress(to.bytes);
    const socket = this.#sockets.get(keyOf(hostname, to.port));
    if (socket !== undefined) return socket;
    if (hostname === LOOPBACK_6) return this.#sockets.get(keyOf(ANY_6, to.port));
    if (hostname !== LOOPBACK_4) return undefined;
    const dual = this.#sockets.get(keyOf(ANY_6, to.port));
    return dual?.takesIpv4 ? dual : this.#sockets.get(keyOf(ANY_4, to.port));
  }

  #depart(sender: MemoryUdpTransport, data: Uint8Array, to: Endpoint): SendOutcome {
    if (sender.underWay >= this.#queueLimit) return "full";
    const isGroup = isMulticast(to.bytes);
    const address = isGroup || this.#subnets.length > 0 ? formatIpAddress(to.bytes) : "";
    if (!isGroup && !this.#isBroadcast(address)) {
      this.#dispatch(sender, data, to, HOP_LIMIT, undefined);
      return "sent";
    }
    if (!isGroup && !sender.mayBroadcast) {
      throw systemError({ code: "EACCES" }, { what: "send", hostname: address, port: to.port });
    }
    const here = sender.local(to.family);
    for (const member of this.#audiences.of(address)) {
      if (member.port !== to.port) continue;
      const isHere = member.local(to.family).rawHostname === here.rawHostname;
      if (isGroup && isHere && !sender.loopback) continue;
      this.#dispatch(sender, data, to, isGroup ? sender.groupHopLimit : HOP_LIMIT, member);
    }
    return "sent";
  }

  #isBroadcast(address: string): boolean {
    return this.#subnets.some(({ broadcast }) => broadcast === address);
  }

  /** Sends what the path makes of one receiver's copy. */
  #dispatch(
    sender: MemoryUdpTransport,
    data: Uint8Array,
    to: Endpoint,
    hopLimit: number,
    member: MemoryUdpTransport | undefined,
  ): void {
    const from = sender.local(to.family);
    const receiver = member?.local(to.family) ?? to;
    const first = this.#takeFlight();
    first.assign(data, from, to, receiver, hopLimit, sender, member);
    const delays = this.#path?.(first) ?? AT_ONCE;
    for (const delay of delays) {
      if (!(delay >= 0 && delay < Infinity)) {
        throw new RangeError(`path() gives delays of 0 or more seconds, not ${delay}`);
      }
    }
    for (const delay of delays) {
      const flight = this.#takeFlight();
      flight.assign(first.data, from, to, receiver, hopLimit, sender, member);
      sender.underWay++;
      this.#schedule(delay, flight.arrive);
    }
    this.#idle.push(first);
  }

  #takeFlight(): Flight<MemoryUdpTransport> {
    return this.#idle.pop() ?? new Flight((flight) => this.#land(flight));
  }

  #land(flight: Flight<MemoryUdpTransport>): void {
    const sender = flight.sender!;
    sender.underWay--;
    const receiver = this.#receiverOf(flight);
    if (receiver === undefined) sender.refuse();
    else receiver.receive(flight);
    flight.data.fill(0); // who keeps what is borrowed finds out in any test
    this.#idle.push(flight);
  }
}

function keyOf(hostname: string, port: number): string {
  return `${formatIpAddress(new Endpoint(hostname, port).bytes)}|${port}`;
}

function resolveLiteral(hostname: string): Promise<string[]> {
  return resolveHost(hostname, { lookup: () => Promise.resolve([]) });
}

function runtimeSchedule(delaySeconds: number, deliver: () => void): void {
  if (delaySeconds === 0) queueMicrotask(deliver);
  else setTimeout(deliver, delaySeconds * 1000);
}
