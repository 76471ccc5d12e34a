/**
 * UDP over `Bun.udpSocket`.
 *
 * @module
 */
import { NTPError } from "../packet/error.ts";
import { BaseUdpTransport } from "./base_udp_transport.ts";
import type { UdpBindSettings } from "./bind_options.ts";
import type { Endpoint } from "./endpoint.ts";
import { Multicast, type MulticastSocket } from "./multicast.ts";
import { type FindInterface, systemInterfaces } from "./network_interface.ts";
import { openUdp } from "./open_udp.ts";
import { MAX_SEND_TRIES, mayComeFromIcmp } from "./system_error.ts";
import type { SendOutcome, UdpBindOptions, UdpTransport } from "./udp_transport.ts";

/** The part of Bun that is used, so that this file is checked without Bun's types. */
interface BunUdpSocket extends MulticastSocket {
  readonly port: number;
  /** The last two not on connected sockets. False when the kernel's queue is full. */
  send(data: Uint8Array, port?: number, address?: string): boolean;
  setBroadcast(permitted: boolean): unknown;
  close(): void;
}

interface BunUdpOptions {
  hostname: string;
  port: number;
  flags: number;
  binaryType: "uint8array";
  connect?: { hostname: string; port: number };
  socket: {
    data(socket: BunUdpSocket, data: Uint8Array, port: number, address: string): void;
    error(...args: unknown[]): void;
  };
}

interface BunNamespace {
  udpSocket(options: BunUdpOptions): Promise<BunUdpSocket>;
}

/** Bits of `flags`, which Bun's own node:dgram uses; the options of these names are ignored. */
const REUSE_PORT = 4, IPV6_ONLY = 8, REUSE_ADDRESS = 16;

/**
 * Binds with `Bun.udpSocket`.
 *
 * @param options as for every `BindUdp`
 * @throws {TypeError} if an option has the wrong type
 * @throws {RangeError} if an option is out of range
 * @throws {NTPError} `address-in-use`, `address-unavailable`, `permission`, `unsupported`,
 * `not-found`, `unreachable`, `aborted` or `system`, with the remedy where there is one
 *
 * @example A server that insists on Bun's own sockets
 * ```ts
 * import { NTPServer } from "@ntps/ntps";
 * import { bindBunUdp } from "@ntps/ntps/transport/bun";
 *
 * const server = new NTPServer({ bind: bindBunUdp });
 * ```
 */
export function bindBunUdp(options: UdpBindOptions): Promise<UdpTransport> {
  return openUdp(options, BunUdpTransport.open);
}

class BunUdpTransport extends BaseUdpTransport {
  override readonly kind = "bun";
  override readonly port: number;
  readonly #socket: BunUdpSocket;

  constructor(
    settings: UdpBindSettings,
    hostname: string,
    socket: BunUdpSocket,
    find: FindInterface | undefined,
  ) {
    super(settings, hostname, find && new Multicast(socket, hostname, find));
    this.#socket = socket;
    this.port = socket.port;
  }

  static async open(settings: UdpBindSettings, hostname: string): Promise<BunUdpTransport> {
    const { Bun } = globalThis as { Bun?: BunNamespace };
    if (Bun === undefined) {
      throw new NTPError("unsupported", 'The "bun" transport runs on Bun only');
    }
    const { port, remote, reusePort, reuseAddress, ipv6Only } = settings;
    const find = settings.multicast ? await systemInterfaces() : undefined;
    const self: { transport?: BunUdpTransport } = {};
    const socket = await Bun.udpSocket({
      hostname,
      port,
      binaryType: "uint8array",
      flags: (reusePort ? REUSE_PORT : 0) | (ipv6Only ? IPV6_ONLY : 0) |
        (reuseAddress ? REUSE_ADDRESS : 0),
      ...(remote && { connect: { hostname: remote.hostname, port: remote.port } }),
      socket: {
        data: (_socket, data, port, address) => self.transport?.deliver(data, address, port),
        // Called with the error alone, against Bun's types. Without it the process would end.
        error: (...args) => self.transport?.failReceiving(args[args.length - 1]),
      },
    });
    return self.transport = new BunUdpTransport(settings, hostname, socket, find);
  }

  protected override transmit(data: Uint8Array, to: Endpoint): SendOutcome {
    // Bun copies the bytes or has sent them when it returns.
    let earlier: unknown;
    for (let tries = 1;; tries++) {
      try {
        const taken = this.settings.remote === undefined
          ? this.#socket.send(data, to.port, this.addressOf(to))
          : this.#socket.send(data);
        if (earlier !== undefined) this.failByIcmp(earlier);
        return taken ? "sent" : "full";
      } catch (error) {
        // Bun sets IP_RECVERR: the refusal of an earlier datagram, to anybody, ends this call
        // instead, and is gone once told. This datagram is still to be sent.
        if (tries === MAX_SEND_TRIES || !mayComeFromIcmp(error)) throw error;
        earlier = error;
      }
    }
  }

  protected override permitBroadcast(): void {
    this.#socket.setBroadcast(true);
  }

  protected override release(): Promise<void> {
    this.#socket.close();
    return Promise.resolve();
  }
}
