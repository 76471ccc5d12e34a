// What the suites that every adapter passes have in common.
import type { BindUdp, UdpBindOptions, UdpTransport } from "../../src/transport/udp_transport.ts";

/** An adapter, and what it is known to be able to do in the runtime that runs the tests. */
export interface Adapter {
  readonly kind: string;
  /** What it is called in the names of its tests. Default: `kind`. */
  readonly label?: string;
  readonly bind: BindUdp;
  /** Why it cannot run here. */
  readonly skip?: string | undefined;
  /** Whether a `remote` that refuses is reported. */
  readonly reportsRefusal: boolean;
  /** Options that are honoured; the others must throw. */
  readonly honours: readonly ("reusePort" | "reuseAddress" | "ipv6Only" | "multicast")[];
  /** Whether the source of a link-local datagram has its scope. */
  readonly keepsScope: boolean;
  /** Whether it sends to broadcast addresses without `allowBroadcast()`. Default false. */
  readonly broadcastsUnasked?: boolean;
  /** Whether it can set the hop limit of IPv6 groups. Default true. */
  readonly ipv6HopLimit?: boolean;
  /** Whether the kernel stamps arrivals, so that the clock need not be read for each. */
  readonly stampedByKernel?: boolean;
  /** Whether it is not bound to the addresses and routes of this machine. */
  readonly virtual?: boolean;
}

/** Binds a socket that is closed at the end of its test. */
export type Bind = (options: UdpBindOptions) => Promise<UdpTransport>;

/** A test, to be registered by the file it belongs to. */
export interface Check {
  readonly name: string;
  /** Why it is left out, or false. */
  readonly skip: string | false;
  readonly run: () => Promise<void>;
}

/** An adapter with `multicast` wherever that can be, to which the same applies. */
export function forMulticast(adapter: Adapter): Adapter {
  return {
    ...adapter,
    label: `${adapter.kind} for multicast`,
    bind: (options) => adapter.bind({ ...options, multicast: options.remote === undefined }),
  };
}

/** The tests of an adapter, as they are written down. */
export interface CheckList {
  readonly checks: Check[];
  /**
   * Adds a test whose sockets are closed at its end, whatever happens.
   *
   * @param unless why it is left out, or false
   */
  check(name: string, body: (bind: Bind) => Promise<void>, unless?: string | false): void;
}

/** A list without tests. */
export function checksOf(adapter: Adapter): CheckList {
  const checks: Check[] = [];
  return {
    checks,
    check(name, body, unless = false) {
      const skip = adapter.skip ?? unless;
      const run = async () => {
        const bound: UdpTransport[] = [];
        try {
          await body(async (options) => {
            const transport = await adapter.bind(options);
            bound.push(transport);
            return transport;
          });
        } finally {
          await Promise.all(bound.map((transport) => transport.close()));
        }
      };
      checks.push({ name: `${adapter.label ?? adapter.kind}: ${name}`, skip, run });
    },
  };
}
