import type { SymmetricKey } from "../auth/symmetric_key.ts";
import type { Clock } from "../clock/clock.ts";
import type { NtsGuard } from "../nts/nts_guard.ts";
import type { TransportName } from "../transport/bind_udp.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import type { BindUdp, UdpTransport } from "../transport/udp_transport.ts";
import type { AccessRule } from "./access.ts";
import type { DecisionHook } from "./decision.ts";
import type { Ntpv5Guard } from "./ntpv5_guard.ts";
import type { RateLimitOptions } from "./rate_limit_options.ts";
import type { KeySource } from "./request_mac.ts";

/** Options of `NTPServer`. */
export interface NTPServerOptions {
  /** Where the time comes from. Default: the system's clock. */
  clock?: Clock;
  /**
   * Reference identifier: one to four characters for a reference clock, such as `"GPS"`; above
   * stratum 1 the IP address of the server followed. Default `"LOCL"`: an uncalibrated local clock.
   */
  refid?: string;
  /**
   * Stratum, 0 to 16. Default 1. 0 means "this is the reference itself" and is announced as 1, since
   * stratum 0 in a packet means kiss-o'-death; 16 means not synchronised.
   */
  stratum?: number;
  /**
   * Who is answered: rules by prefix, of which the longest that fits decides. Default: everybody.
   */
  access?: readonly AccessRule[];
  /**
   * How often one address, and all of one prefix together, are answered; `{}` for the recommended
   * values. Default: no limit.
   */
  rateLimit?: RateLimitOptions;
  /** Keys that clients may authenticate with: keys, or a `KeyStore`. Default: none. */
  keys?: readonly SymmetricKey[] | KeySource;
  /**
   * What it takes to authenticate clients with NTS (RFC 8915): an `NtsResponder` of `@ntps/ntps/nts`.
   * Default: none, and who asks with NTS gets a plain answer, which such clients do not believe.
   */
  nts?: NtsGuard;
  /**
   * What it takes to answer NTPv5, which is a draft: an `NTPv5Responder` of `@ntps/ntps/experimental`.
   * Default: none, and version 5 is dropped.
   */
  ntpv5?: Ntpv5Guard;
  /** Decides about each request that is about to be answered. Default: all are served. */
  decide?: DecisionHook;
  /**
   * Which kind of sockets: `"native"`, the system calls of Linux; `"portable"`, those of the runtime;
   * `"xdp"`, AF_XDP. Default `"auto"`: native where that is permitted, else portable.
   */
  transport?: TransportName;
  /**
   * Whether clients that ask in interleaved mode (RFC 9769) are told with each reply when the one before
   * has left. `"auto"`, the default: where the kernel tells that, as it does to native sockets. `true`:
   * else by the clock, right after the reply was handed over.
   */
  interleaved?: boolean | "auto";
  /** How sockets are made, in place of `transport`. */
  bind?: BindUdp;
  /**
   * Whether to count who asks most, by prefix (24 bits of IPv4, 48 of IPv6), of the requests that this
   * thread answers. Default false: nobody's address is kept.
   */
  countPrefixes?: boolean;
  /**
   * Told of errors of sockets, clock and hook; none of them ends the server. Those of clock and hook
   * come at most once a second. Default: they are only counted.
   */
  onError?: (error: Error) => void;
}

/** Options of `NTPServer.listen()`. */
export interface ListenOptions {
  /** Local address. Default `"::"`, all addresses, IPv6 and IPv4; `"0.0.0.0"` without IPv6. */
  hostname?: string;
  /** Local port, 0 to 65535; 0 is any free one. Default 123, which needs privileges. */
  port?: number;
  /** Closes this socket when it fires. */
  signal?: AbortSignal;
  /** Share the port between several sockets, balanced by the kernel. Default false. */
  reusePort?: boolean;
  /** Bind although another socket has the port. Default false. */
  reuseAddress?: boolean;
  /** On `"::"`, receive IPv6 only. Default false. */
  ipv6Only?: boolean;
  /**
   * Multicast groups to join, so that manycast clients find the server. A server in a group answers
   * only while its clock is synchronised. Default none.
   */
  groups?: readonly string[];
  /** Interfaces to join the groups on: names or addresses. Default: the ones that routes tell. */
  networkInterfaces?: readonly string[];
  /**
   * Serve by so many workers, 0 to 64, or as the object says: each is a thread with a native socket
   * of its own, and the kernel shares the requests out among them. It takes what `bindNativeUdp`
   * takes. Clock, `refid`, `stratum`, limits and statistics are those of this server; what cannot go
   * to another thread is refused: `decide`, `bind`, keys of a class of one's own, groups. Default 0:
   * this thread serves.
   */
  workers?: number | WorkersOptions;
  /**
   * Be able to send to multicast groups, as an `NTPBroadcaster` does. Default: whether
   * there are `groups`. On Deno it takes the slower socket of `node:dgram`.
   */
  multicast?: boolean;
}

/** Options of {@linkcode ListenOptions.workers}. */
export interface WorkersOptions {
  /** How many, 0 to 64. */
  count: number;
  /**
   * URL of a module that each worker loads for a clock of its own. Its default export is a `Clock`, a
   * class of clocks, or a function that makes one, now or later. Default: workers read this server's
   * clock, which tells them ten times a second how it goes; they are not synchronised any more when
   * it has not for ten seconds.
   */
  clockModule?: URL | string;
}

/**
 * Takes datagrams of modes that are no requests, for associations that share the server's port.
 * What it is given is borrowed.
 *
 * @param data the datagram, 48 bytes or more
 * @param source where it came from
 * @param arrival when it arrived: seconds and fraction words
 * @param transport the socket it arrived at, which may be kept: an answer leaves from there
 * @returns whether it was for this route; if not, it is dropped for its mode
 */
export type Route = (
  data: Uint8Array,
  source: Endpoint,
  arrival: Uint32Array,
  transport: UdpTransport,
) => boolean;

/** A local address that a server listens at. */
export interface ServerAddress {
  /** IP address. */
  readonly hostname: string;
  /** Port, never 0. */
  readonly port: number;
  /**
   * Adapter of the socket: `"deno"`, `"bun"`, `"node"`, `"native"`, `"xdp"`, `"memory"`, or a custom
   * one's name.
   */
  readonly transport: string;
  /** Why it is that one, where it was chosen: `"auto"`, or what the native one lacks. */
  readonly choice?: string;
}
