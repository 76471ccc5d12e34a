/**
 * UDP over `Deno.listenDatagram`. Needs `--unstable-net` and `--allow-net`.
 *
 * @module
 */
import { NTPError } from "../packet/error.ts";
import { BaseUdpTransport } from "./base_udp_transport.ts";
import type { UdpBindSettings } from "./bind_options.ts";
import type { Endpoint } from "./endpoint.ts";
import { openUdp } from "./open_udp.ts";
import { type PendingSend, SendQueue } from "./send_queue.ts";
import type { SendOutcome, UdpBindOptions, UdpTransport } from "./udp_transport.ts";

/** The part of Deno that is used, so that this file is checked without Deno's types. */
interface DenoAddress {
  transport: "udp";
  hostname: string;
  port: number;
}

interface DenoDatagramConn {
  readonly addr: { readonly port: number };
  receive(into: Uint8Array): Promise<[Uint8Array, DenoAddress]>;
  send(data: Uint8Array, to: DenoAddress): Promise<number>;
  close(): void;
}

interface DenoNamespace {
  listenDatagram?(
    options: DenoAddress & { reuseAddress: boolean; loopback: boolean },
  ): DenoDatagramConn;
}

/**
 * Binds with `Deno.listenDatagram`.
 *
 * It cannot honour `reusePort`, `ipv6Only` and `multicast`, nor report a `remote` that refuses. It tells the
 * source of a link-local IPv6 datagram without its scope, so on a machine with several interfaces a
 * reply may leave by the wrong one: bind the link-local address with its scope
 * (`"fe80::1%eth0"`), once per interface.
 *
 * @param options as for every `BindUdp`
 * @throws {TypeError} if an option has the wrong type
 * @throws {RangeError} if an option is out of range
 * @throws {NTPError} `address-in-use`, `address-unavailable`, `permission`, `unsupported`,
 * `not-found`, `unreachable`, `aborted` or `system`, with the remedy where there is one
 *
 * @example A server that insists on Deno's own sockets
 * ```ts
 * import { NTPServer } from "@ntps/ntps";
 * import { bindDenoUdp } from "@ntps/ntps/transport/deno";
 *
 * const server = new NTPServer({ bind: bindDenoUdp });
 * ```
 */
export function bindDenoUdp(options: UdpBindOptions): Promise<UdpTransport> {
  return openUdp(options, DenoUdpTransport.open);
}

class DenoUdpTransport extends BaseUdpTransport {
  override readonly kind = "deno";
  override readonly port: number;
  readonly #socket: DenoDatagramConn;
  readonly #queue = new SendQueue((send, error) => this.#finish(send, error));
  readonly #to: DenoAddress = { transport: "udp", hostname: "", port: 0 };
  readonly #received: Promise<void>;

  constructor(settings: UdpBindSettings, hostname: string, socket: DenoDatagramConn) {
    super(settings, hostname);
    this.#socket = socket;
    this.port = socket.addr.port;
    this.#received = this.#receive();
  }

  static open(settings: UdpBindSettings, hostname: string): DenoUdpTransport {
    const { Deno } = globalThis as { Deno?: DenoNamespace };
    if (Deno === undefined) {
      throw new NTPError("unsupported", 'The "deno" transport runs on Deno only');
    }
    if (Deno.listenDatagram === undefined) {
      throw new NTPError(
        "unsupported",
        'Deno has UDP only with the flag --unstable-net or with "unstable": ["net"] in deno.json; ' +
          'or choose the "node" transport',
      );
    }
    if (settings.reusePort) {
      throw new NTPError(
        "unsupported",
        "Deno cannot share a port between sockets (reusePort): run on Bun, or on Node 22.12 or " +
          "later",
      );
    }
    if (settings.multicast) {
      throw new NTPError(
        "unsupported",
        "Deno.listenDatagram does not tell whether a group was joined, and chooses no interface for " +
          'IPv4 groups (multicast): choose the "node" transport, or none, as bindUdp then takes it',
      );
    }
    if (settings.ipv6Only) {
      throw new NTPError(
        "unsupported",
        'Deno.listenDatagram ignores ipv6Only: choose the "node" transport',
      );
    }
    const { port, reuseAddress } = settings;
    // All others hear by default what they send to groups.
    const loopback = true;
    const socket = Deno.listenDatagram({
      transport: "udp",
      hostname,
      port,
      reuseAddress,
      loopback,
    });
    return new DenoUdpTransport(settings, hostname, socket);
  }

  protected override transmit(data: Uint8Array, to: Endpoint): SendOutcome {
    // Deno may read the bytes after send() has returned, so it gets a copy.
    const send = this.#queue.take(data, this.addressOf(to), to.port);
    if (send === undefined) return "full";
    this.#to.hostname = send.hostname;
    this.#to.port = send.port;
    this.#socket.send(send.view, this.#to).then(send.done, send.settled);
    return "queued";
  }

  protected override permitBroadcast(): void {
    // Deno always does.
  }

  protected override async release(): Promise<void> {
    if (!this.#queue.drained) await this.#queue.drain();
    this.#socket.close();
    await this.#received;
  }

  #finish(send: PendingSend, error: unknown): void {
    if (error !== undefined) this.fail(error, "send", send.hostname, send.port);
    this.#queue.release(send);
  }

  async #receive(): Promise<void> {
    // One buffer for all: larger than any datagram, since what is cut off is not told.
    const buffer = new Uint8Array(65536);
    while (!this.closed) {
      try {
        const received = await this.#socket.receive(buffer);
        this.deliver(received[0], received[1].hostname, received[1].port);
      } catch (error) {
        if (this.closed) return;
        this.failReceiving(error);
        if (error instanceof Error && error.name === "BadResource") return void this.close();
        // An error that comes back at once must not starve the event loop.
        await new Promise((resolve) => setTimeout(resolve));
      }
    }
  }
}
