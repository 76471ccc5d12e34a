import type { Endpoint } from "./endpoint.ts";
import { parseGroup } from "./multicast_group.ts";
import type { MulticastOptions, SendOutcome, UdpCounters, UdpTransport } from "./udp_transport.ts";

/**
 * A socket of IPv6 and one of IPv4 with the same port, as one. What one socket of both families lacks
 * is all there: whatever concerns groups is set for each family by itself.
 */
export class PairedUdpTransport implements UdpTransport {
  readonly kind: string;
  readonly hostname: string;
  readonly port: number;
  readonly counters: UdpCounters;
  readonly #ipv6: UdpTransport;
  readonly #ipv4: UdpTransport;
  #closing: Promise<void> | undefined;

  /**
   * @param ipv6 bound to `"::"`, IPv6 only
   * @param ipv4 bound to `"0.0.0.0"` and the same port
   */
  constructor(ipv6: UdpTransport, ipv4: UdpTransport) {
    this.kind = ipv6.kind;
    this.hostname = ipv6.hostname;
    this.port = ipv6.port;
    this.counters = sum(ipv6.counters, ipv4.counters);
    if (ipv6.counters.overflows !== undefined) {
      Object.defineProperty(this.counters, "overflows", {
        get: () => (ipv6.counters.overflows ?? 0) + (ipv4.counters.overflows ?? 0),
      });
    }
    this.#ipv6 = ipv6;
    this.#ipv4 = ipv4;
  }

  send(data: Uint8Array, to: Endpoint): SendOutcome {
    return (to.family === 4 ? this.#ipv4 : this.#ipv6).send(data, to);
  }

  joinGroup(group: string, networkInterface?: string): void {
    this.#of(group).joinGroup(group, networkInterface);
  }

  leaveGroup(group: string, networkInterface?: string): void {
    this.#of(group).leaveGroup(group, networkInterface);
  }

  configureMulticast(options: MulticastOptions): void {
    if (options?.family !== 4) this.#ipv6.configureMulticast(options);
    if (options?.family !== 6) this.#ipv4.configureMulticast(options);
  }

  allowBroadcast(): void {
    this.#ipv4.allowBroadcast();
  }

  close(): Promise<void> {
    return this.#closing ??= Promise.all([this.#ipv6.close(), this.#ipv4.close()]).then(() => {});
  }

  #of(group: string): UdpTransport {
    return parseGroup(group).family === 4 ? this.#ipv4 : this.#ipv6;
  }
}

function sum(a: UdpCounters, b: UdpCounters): UdpCounters {
  return {
    get received() {
      return a.received + b.received;
    },
    get sent() {
      return a.sent + b.sent;
    },
    get dropped() {
      return a.dropped + b.dropped;
    },
    get errors() {
      return a.errors + b.errors;
    },
    get handlerErrors() {
      return a.handlerErrors + b.handlerErrors;
    },
  };
}
