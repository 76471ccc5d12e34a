/**
 * UDP without a network: for tests and simulations.
 *
 * @module
 */
import { NTPError } from "../packet/error.ts";
import { formatIpAddress } from "../packet/ip_address.ts";
import { BaseUdpTransport } from "./base_udp_transport.ts";
import type { UdpBindSettings } from "./bind_options.ts";
import { Endpoint } from "./endpoint.ts";
import { Flight, type MemoryDatagram } from "./memory_datagram.ts";
import { openUdp } from "./open_udp.ts";
import { resolveHost } from "./resolve.ts";
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
}

/** First of the ports that anybody may use (RFC 6335 §6). */
const FIRST_DYNAMIC_PORT = 49152;

const LOOPBACK_4 = "127.0.0.1", LOOPBACK_6 = "::1", ANY_4 = "0.0.0.0", ANY_6 = "::";

const AT_ONCE: readonly number[] = [0];

/**
 * A network in memory on which every IP address exists: a socket may be bound to any of them. One
 * bound to `"::"` or `"0.0.0.0"`, or to nothing in particular, has the loopback addresses.
 *
 * As on a real network, a socket with a `remote` is told when nobody listens there, others are not;
 * a path that loses everything is a host that does not exist. `reusePort` and `reuseAddress` are
 * not supported.
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
  readonly #sockets = new Map<string, MemoryUdpTransport>();
  readonly #idle: Flight<MemoryUdpTransport>[] = [];
  #lastPort = FIRST_DYNAMIC_PORT - 1;

  /**
   * Makes a network without sockets.
   *
   * @param options all optional
   * @throws {TypeError} if an option has the wrong type
   * @throws {RangeError} if `queueLimit` is not a whole number above 0
   */
  constructor(options: MemoryNetworkOptions = {}) {
    const { path, schedule = runtimeSchedule, ephemeralPort, queueLimit = 1024 } = options;
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
      send: (data, from, to) => this.#depart(socket, data, from, to),
      leave: () => void this.#sockets.delete(keyOf(hostname, port)),
    });
    this.#sockets.set(keyOf(hostname, port), socket);
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

  #depart(
    sender: MemoryUdpTransport,
    data: Uint8Array,
    from: Endpoint,
    to: Endpoint,
  ): SendOutcome {
    if (sender.underWay >= this.#queueLimit) return "full";
    const first = this.#takeFlight();
    first.assign(data, from, to, sender);
    const delays = this.#path?.(first) ?? AT_ONCE;
    for (const delay of delays) {
      if (!(delay >= 0 && delay < Infinity)) {
        throw new RangeError(`path() gives delays of 0 or more seconds, not ${delay}`);
      }
    }
    for (const delay of delays) {
      const flight = this.#takeFlight();
      flight.assign(first.data, from, to, sender);
      sender.underWay++;
      this.#schedule(delay, flight.arrive);
    }
    this.#idle.push(first);
    return "sent";
  }

  #takeFlight(): Flight<MemoryUdpTransport> {
    return this.#idle.pop() ?? new Flight((flight) => this.#land(flight));
  }

  #land(flight: Flight<MemoryUdpTransport>): void {
    const sender = flight.sender!;
    sender.underWay--;
    const receiver = this.#find(flight.destination);
    if (receiver === undefined) sender.refuse();
    else receiver.receive(flight);
    flight.data.fill(0); // who keeps what is borrowed finds out in any test
    this.#idle.push(flight);
  }
}

/** What a socket needs of its network. */
interface Wire {
  send(data: Uint8Array, from: Endpoint, to: Endpoint): SendOutcome;
  leave(): void;
}

class MemoryUdpTransport extends BaseUdpTransport {
  override readonly kind = "memory";
  override readonly port: number;
  /** How many of its datagrams are under way. */
  underWay = 0;
  readonly #wire: Wire;
  readonly #from4: Endpoint;
  readonly #from6: Endpoint;

  constructor(settings: UdpBindSettings, hostname: string, port: number, wire: Wire) {
    super(settings, hostname);
    this.port = port;
    this.#wire = wire;
    const any = hostname === ANY_4 || hostname === ANY_6;
    this.#from4 = new Endpoint(any ? LOOPBACK_4 : hostname, port);
    this.#from6 = new Endpoint(any ? LOOPBACK_6 : hostname, port);
  }

  get takesIpv4(): boolean {
    return !this.settings.ipv6Only;
  }

  receive({ data, source }: MemoryDatagram): void {
    this.deliver(data, source.rawHostname, source.port);
  }

  /** Is told that nobody listens: like a kernel, only where it is clear whom that concerns. */
  refuse(): void {
    if (this.settings.remote !== undefined) this.failByIcmp({ code: "ECONNREFUSED" });
  }

  protected override transmit(data: Uint8Array, to: Endpoint): SendOutcome {
    if (to.family === 6) return this.#wire.send(data, this.#from6, to);
    if (this.#from4.family === 4 && this.takesIpv4) return this.#wire.send(data, this.#from4, to);
    throw new NTPError("unreachable", `${to} is IPv4, and the socket has IPv6 only: bind "::"`);
  }

  protected override release(): Promise<void> {
    this.#wire.leave();
    return Promise.resolve();
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
