import type { Endpoint } from "./endpoint.ts";

/**
 * What became of a datagram handed to {@linkcode UdpTransport.send}:
 * `"sent"`, the kernel has it; `"queued"`, the runtime has it and the kernel gets it as soon as it has
 * room; `"full"`, dropped since queue and kernel are full; `"failed"`, dropped since the system
 * refused it (`onError` has the reason, unless it is port 0); `"closed"`, dropped since the transport
 * is closed.
 *
 * A refusal that the runtime tells later comes as an error after `"sent"` or `"queued"`.
 */
export type SendOutcome = "sent" | "queued" | "full" | "failed" | "closed";

/** Counters of a transport since it was bound. All only grow. */
export interface UdpCounters {
  /** Datagrams received. */
  readonly received: number;
  /** Datagrams handed to the kernel or queued. */
  readonly sent: number;
  /** Datagrams that {@linkcode UdpTransport.send} did not take: any other outcome. */
  readonly dropped: number;
  /**
   * Errors the operating system or the runtime reported. Also those that any stranger can cause,
   * and that are therefore not worth a call of `onError`: sending to port 0, and what some client's
   * closed port causes on a socket of many peers (seen on Bun only).
   */
  readonly errors: number;
  /** Exceptions thrown by the handler of datagrams, the clock or `onError`. */
  readonly handlerErrors: number;
  /**
   * Datagrams that the kernel dropped because they came faster than they were taken: overload.
   * Absent where the system does not tell.
   */
  readonly overflows?: number;
}

/** When datagrams left, as the kernel tells it: on native transports only. */
export interface TransmitStamps {
  /**
   * Asks for the stamp of the datagram that is handed to `send()` next.
   *
   * @returns its identifier, counting up from 0; a stamp may never come
   */
  request(): number;
  /**
   * Told of each stamp that was asked for, in the order in which the datagrams left or nearly so.
   * `time` is borrowed: seconds and fraction words of the transport's clock. Must not throw.
   */
  onStamp: ((id: number, time: Uint32Array) => void) | undefined;
}

/** How datagrams to multicast groups are sent. What is left out stays as it is. */
export interface MulticastOptions {
  /** Only for groups of this family. Default: of all families that the socket has. */
  family?: 4 | 6;
  /**
   * How many hops they live, 1 to 255: time to live (IPv4), hop limit (IPv6). The systems' default is
   * 1: they stay on the link. It means something only for groups that routers pass on at all
   * (224.0.1.1, ff05::101), not for those of the link (ff02::101).
   */
  hopLimit?: number;
  /** Whether sockets of this machine, this one too, hear what is sent. The systems' default is true. */
  loopback?: boolean;
  /**
   * The network interface by which they leave: its name (`"eth0"`) or a local IP address. By default
   * the routes decide, and behind a percent sign the destination itself: `ff02::101%eth0`.
   */
  networkInterface?: string;
}

/**
 * How datagrams travel. The adapters of the runtimes, the in-memory network and the native Linux
 * path all look like this, and one suite of tests holds them to it.
 *
 * Nothing here throws for what the network does: errors are events.
 */
export interface UdpTransport {
  /**
   * Which adapter this is: `"deno"`, `"bun"`, `"node"`, `"native"`, `"xdp"`, `"memory"` or the name of a
   * custom one.
   */
  readonly kind: string;
  /**
   * Why it is this adapter, where it was chosen: `"auto"`, or what the native one lacks, such as
   * `"needs --allow-ffi"`. Absent where it was asked for.
   */
  readonly choice?: string;
  /** Local address, as bound. */
  readonly hostname: string;
  /** Local port, as bound: never 0. */
  readonly port: number;
  /** Counters since binding: a live object. */
  readonly counters: UdpCounters;
  /**
   * While a datagram is being handled: by how much its reply, sent at once, will leave later than it
   * is handed over, in units of 2^-32 s. Learned, and hardly ever more than the truth, so it may be
   * added to a transmit timestamp. 0 or absent: not known.
   */
  readonly sendDelay?: number;
  /** When datagrams leave. Absent where the system does not tell. */
  readonly stamps?: TransmitStamps | undefined;
  /**
   * Sends a datagram. The bytes are taken or copied before this returns, so the caller may reuse
   * the buffer at once; the same holds for `to`.
   *
   * @param data the datagram's payload, 0 to 65,507 bytes
   * @param to where to; may be the borrowed source of a datagram just received
   * @throws {RangeError} if `data` is longer than 65,507 bytes
   * @throws {TypeError} if `to` is a name instead of an IP address
   */
  send(data: Uint8Array, to: Endpoint): SendOutcome;
  /**
   * Joins a multicast group: from now on what is sent to it and to this port arrives like all other
   * datagrams. To join it again is harmless, and right when its interface has come back.
   *
   * No runtime tells to which address a datagram was sent, so one to the group cannot be told from
   * one to this machine. On Linux a socket hears moreover what is sent to groups that only other
   * sockets of the machine have joined, other programs' too. It must be bound to `"::"`, `"0.0.0.0"`
   * or the group itself; bound to the group it hears nothing else.
   *
   * @param group an address in 224.0.0.0/4 or ff00::/8; an IPv6 one may have the interface behind a
   * percent sign: `"ff02::101%eth0"`
   * @param networkInterface where: the name of the network interface (`"eth0"`) or a local IP
   * address. By default the routes decide. A group is joined either on named interfaces, one or
   * several, or without naming one
   * @throws {RangeError} if `group` is not multicast, not of the socket's family, or joined otherwise
   * @throws {NTPError} `address-unavailable` if there is no such interface, or it lacks the family;
   * `unreachable` if no route tells the interface; `permission` if Deno may not look for it
   * (`--allow-sys=networkInterfaces`); `unsupported` if the socket was not bound with `multicast`;
   * `closed`; `system`
   */
  joinGroup(group: string, networkInterface?: string): void;
  /**
   * Leaves a multicast group. Harmless if it is not joined. What other sockets have joined is still
   * heard, see {@linkcode UdpTransport.joinGroup}.
   *
   * @param group as it was joined
   * @param networkInterface as it was joined
   * @throws {RangeError} if `group` is not multicast, or not of the socket's family
   * @throws {NTPError} as `joinGroup`
   */
  leaveGroup(group: string, networkInterface?: string): void;
  /**
   * Sets how datagrams to multicast groups are sent from now on. One that is still `"queued"` may go out in the new way.
   *
   * @param options what to set; an error may leave part of it set
   * @throws {TypeError} if an option has the wrong type
   * @throws {RangeError} if `hopLimit` is out of range, or the socket lacks the `family`
   * @throws {NTPError} `unsupported` if the socket was not bound with `multicast`, and on Deno for a
   * `hopLimit` above 1 of IPv6 groups, which no adapter can set there; else as `joinGroup`
   */
  configureMulticast(options: MulticastOptions): void;
  /**
   * Permits sending to IPv4 broadcast addresses (`192.0.2.255`, `255.255.255.255`). Without, sending
   * to one fails, an error with code `"permission"`, but on Deno, where it is always permitted.
   *
   * Receiving needs no permission: sockets bound to `"::"` or `"0.0.0.0"` hear broadcasts.
   *
   * @throws {NTPError} `unsupported` if the socket has IPv6 only, which has no broadcast; `closed`
   */
  allowBroadcast(): void;
  /**
   * Closes the socket. After this returns nothing is received any more; calling it again is
   * harmless.
   *
   * @returns when what was queued is sent or given up and the port is free
   */
  close(): Promise<void>;
}

/**
 * Called for each datagram. `data`, `source` and `arrival` are borrowed: they are valid until the
 * handler returns and must not be kept. An exception is counted and reported to
 * {@linkcode UdpBindOptions.onError}; it ends nothing.
 *
 * @param data the payload
 * @param source where it came from
 * @param arrival when it arrived, as the options' clock told: seconds and fraction words of an NTP
 * timestamp, taken first thing in the adapter
 */
export type DatagramHandler = (
  data: Uint8Array,
  source: Endpoint,
  arrival: Uint32Array,
) => void;

/** What {@linkcode BindUdp} needs to know. An option that a runtime cannot honour throws. */
export interface UdpBindOptions {
  /**
   * Which kind of socket `bindUdp()` makes; adapters themselves do not look at it. Default `"auto"`:
   * a native one where that is permitted, else the runtime's own.
   */
  transport?: "auto" | "portable" | "native" | "xdp";
  /**
   * Local address. Default `"::"`: all addresses, IPv6 and IPv4; `"0.0.0.0"` on a machine without
   * IPv6 and for an IPv4 `remote`. Of a name, the first address.
   */
  hostname?: string;
  /** Local port, 0 to 65535. Default 0: any free one. */
  port?: number;
  /** Stamps the arrivals: any `Clock` will do. */
  clock: { read(into: Uint32Array): void };
  /** Called for each datagram. */
  onDatagram: DatagramHandler;
  /** Called for each error of the socket and each exception of the handler. Default: only counted. */
  onError?: (error: Error) => void;
  /**
   * The only peer: other sources are not received, and a peer that refuses is reported as an
   * {@linkcode NTPError} with code `"refused"` where the runtime can (not on `"deno"`).
   */
  remote?: { readonly hostname: string; readonly port: number };
  /** Closes the transport when it fires. */
  signal?: AbortSignal;
  /** Share the port between several sockets, balanced by the kernel. Default false. */
  reusePort?: boolean;
  /** Bind although another socket has the port. Default false. */
  reuseAddress?: boolean;
  /** On `"::"`, receive IPv6 only. Default false. */
  ipv6Only?: boolean;
  /**
   * Be able to join multicast groups and to set how datagrams to them are sent. Default false: then
   * `joinGroup()`, `leaveGroup()` and `configureMulticast()` throw.
   *
   * The adapter `"deno"` cannot, so `bindUdp` takes `"node"` on Deno, which is slower. On `"::"` it
   * makes two sockets of one port, one for each family, since a socket of both can be set up for one
   * of them only.
   */
  multicast?: boolean;
}

/**
 * Binds a socket.
 *
 * @throws {TypeError} if an option has the wrong type
 * @throws {RangeError} if an option is out of range
 * @throws {NTPError} `address-in-use`, `address-unavailable`, `permission`, `unsupported`,
 * `not-found`, `unreachable`, `aborted` or `system`, with the remedy where there is one
 */
export type BindUdp = (options: UdpBindOptions) => Promise<UdpTransport>;
