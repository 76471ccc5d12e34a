import { NTPError } from "../packet/error.ts";
import { BaseUdpTransport } from "./base_udp_transport.ts";
import type { UdpBindSettings } from "./bind_options.ts";
import { Endpoint } from "./endpoint.ts";
import type { MemoryDatagram } from "./memory_datagram.ts";
import { Multicast } from "./multicast.ts";
import type { SendOutcome } from "./udp_transport.ts";

/** What a socket needs of its network. */
export interface Wire {
  send(data: Uint8Array, to: Endpoint): SendOutcome;
  join(group: string): void;
  leave(group: string): void;
  close(): void;
}

/** A socket of a `MemoryNetwork`: a machine of its own, but for others at the same address. */
export class MemoryUdpTransport extends BaseUdpTransport {
  override readonly kind = "memory";
  override readonly port: number;
  /** How many of its datagrams are under way. */
  underWay = 0;
  /** Hop limit of what it sends to groups. */
  groupHopLimit = 1;
  /** Whether sockets at its own address hear what it sends to groups. */
  loopback = true;
  mayBroadcast = false;
  readonly #wire: Wire;
  readonly #local4: Endpoint;
  readonly #local6: Endpoint;

  constructor(settings: UdpBindSettings, hostname: string, port: number, wire: Wire) {
    // There is one network, which all names of interfaces stand for.
    const find = (name: string) => ({ name, zone: name, ipv4: name, hasIpv6: true });
    const joined = new Map<string, Set<string | undefined>>();
    const socket = {
      addMembership(group: string, via?: string): void {
        const interfaces = joined.get(group);
        if (interfaces !== undefined) return void interfaces.add(via);
        joined.set(group, new Set([via]));
        wire.join(group);
      },
      dropMembership(group: string, via?: string): void {
        const interfaces = joined.get(group);
        interfaces?.delete(via);
        if (interfaces?.size !== 0) return;
        joined.delete(group);
        wire.leave(group);
      },
      setMulticastTTL: (hopLimit: number) => void (this.groupHopLimit = hopLimit),
      setMulticastLoopback: (loopback: boolean) => void (this.loopback = loopback),
      setMulticastInterface() {},
    };
    super(
      settings,
      hostname,
      settings.multicast ? new Multicast(socket, hostname, find, true) : undefined,
    );
    this.port = port;
    this.#wire = wire;
    const any = hostname === "::" || hostname === "0.0.0.0";
    this.#local4 = new Endpoint(any ? "127.0.0.1" : hostname, port);
    this.#local6 = new Endpoint(any ? "::1" : hostname, port);
  }

  /** Its address on the network. */
  local(family: number): Endpoint {
    return family === 4 ? this.#local4 : this.#local6;
  }

  receive({ data, source }: MemoryDatagram): void {
    this.deliver(data, source.rawHostname, source.port);
  }

  /** Is told that nobody listens: like a kernel, only where it is clear whom that concerns. */
  refuse(): void {
    if (this.settings.remote !== undefined) this.failByIcmp({ code: "ECONNREFUSED" });
  }

  protected override transmit(data: Uint8Array, to: Endpoint): SendOutcome {
    if (to.family === 6 || this.takesIpv4) return this.#wire.send(data, to);
    throw new NTPError("unreachable", `${to} is IPv4, and the socket has IPv6 only: bind "::"`);
  }

  protected override permitBroadcast(): void {
    this.mayBroadcast = true;
  }

  protected override release(): Promise<void> {
    this.#wire.close();
    return Promise.resolve();
  }
}
