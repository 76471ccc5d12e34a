/**
 * UDP over `node:dgram`, which Deno and Bun have too.
 *
 * @module
 */
import { createSocket, type Socket, type SocketOptions } from "node:dgram";
// On Deno the ticks that node:dgram waits for run only when this has been loaded.
import process from "node:process";
import { NTPError } from "../packet/error.ts";
import { BaseUdpTransport } from "./base_udp_transport.ts";
import type { UdpBindSettings } from "./bind_options.ts";
import type { Endpoint } from "./endpoint.ts";
import { Multicast, type MulticastSocket } from "./multicast.ts";
import { type FindInterface, systemInterfaces } from "./network_interface.ts";
import { openUdp } from "./open_udp.ts";
import { type PendingSend, SendQueue } from "./send_queue.ts";
import { MAX_SEND_TRIES, mayComeFromIcmp, systemError } from "./system_error.ts";
import type { SendOutcome, UdpBindOptions, UdpTransport } from "./udp_transport.ts";

type NetPermission = (descriptor: { name: "net"; host: string }) => { readonly state: string };

interface DenoPermissions {
  permissions: { requestSync: NetPermission; querySync: NetPermission };
}

const ON_DENO = process.versions["deno"] !== undefined;

/** Deno's connect() makes no connect(2): strangers are heard, and a send is no cheaper. */
const CONNECTS = !ON_DENO;

/**
 * Binds with `node:dgram`, on Node, Bun and Deno. On Deno it needs no `--unstable-net`, but costs
 * more per datagram, knows no `remote` that refuses, and cannot set the hop limit of IPv6 groups.
 *
 * @param options as for every `BindUdp`
 * @throws {TypeError} if an option has the wrong type
 * @throws {RangeError} if an option is out of range
 * @throws {NTPError} `address-in-use`, `address-unavailable`, `permission`, `unsupported`,
 * `not-found`, `unreachable`, `aborted` or `system`, with the remedy where there is one
 *
 * @example A datagram to oneself
 * ```ts
 * import { Endpoint, SystemClock } from "@ntps/ntps";
 * import { bindNodeUdp } from "@ntps/ntps/transport/node";
 * import { assertEquals } from "@std/assert";
 *
 * const transport = await bindNodeUdp({
 *   hostname: "127.0.0.1",
 *   clock: new SystemClock(),
 *   onDatagram(data) {
 *     assertEquals(data.length, 48);
 *     transport.close();
 *   },
 * });
 * transport.send(new Uint8Array(48), new Endpoint("127.0.0.1", transport.port));
 * ```
 */
export function bindNodeUdp(options: UdpBindOptions): Promise<UdpTransport> {
  return openUdp(options, NodeUdpTransport.open);
}

class NodeUdpTransport extends BaseUdpTransport {
  override readonly kind = "node";
  override readonly port: number;
  readonly #socket: Socket;
  readonly #queue = new SendQueue((send, error) => this.#finish(send, error));

  constructor(
    settings: UdpBindSettings,
    hostname: string,
    socket: Socket,
    find: FindInterface | undefined,
  ) {
    super(
      settings,
      hostname,
      find && new Multicast(multicastSocket(socket, hostname), hostname, find),
    );
    // Deno's own sockets always may, and without it Deno does not tell why a send has failed.
    if (ON_DENO) socket.setBroadcast(true);
    this.#socket = socket;
    this.port = socket.address().port;
    socket.on("message", (data, { address, port }) => this.deliver(data, address, port));
    socket.on("error", (error) => this.failReceiving(error));
  }

  static async open(settings: UdpBindSettings, hostname: string): Promise<NodeUdpTransport> {
    const { port, remote, reusePort, reuseAddress, ipv6Only } = settings;
    if (reusePort && !await canReusePort()) {
      throw new NTPError(
        "unsupported",
        "node:dgram cannot share a port between sockets (reusePort) here: run on Bun, or on Node " +
          "22.12 or later",
      );
    }
    const find = settings.multicast ? await systemInterfaces() : undefined;
    const denied = denoDenial("requestSync", hostname, port);
    if (denied !== undefined) throw denied;
    const socket = createSocket({
      type: hostname.includes(":") ? "udp6" : "udp4",
      reuseAddr: reuseAddress,
      reusePort,
      ipv6Only,
      lookup: literally,
    });
    try {
      await done(
        socket,
        (callback) => socket.bind({ address: hostname, port, exclusive: true }, callback),
      );
      if (remote !== undefined && CONNECTS) await connect(socket, hostname, remote);
    } catch (error) {
      socket.close();
      throw error;
    }
    return new NodeUdpTransport(settings, hostname, socket, find);
  }

  protected override transmit(data: Uint8Array, to: Endpoint): SendOutcome {
    // Where the kernel has no room, libuv keeps the bytes; Deno always does. So they get a copy.
    const send = this.#queue.take(data, this.addressOf(to), to.port);
    if (send === undefined) return "full";
    try {
      this.#hand(send);
    } catch (error) {
      this.#queue.release(send);
      throw error;
    }
    return "queued";
  }

  protected override permitBroadcast(): void {
    this.#socket.setBroadcast(true);
  }

  protected override async release(): Promise<void> {
    if (!this.#queue.drained) await this.#queue.drain();
    await new Promise<void>((resolve) => this.#socket.close(resolve));
  }

  #hand({ view, port, hostname, settled }: PendingSend): void {
    if (this.settings.remote !== undefined && CONNECTS) this.#socket.send(view, settled);
    else this.#socket.send(view, port, hostname, settled);
  }

  #finish(send: PendingSend, error: unknown): void {
    if (error === undefined) {
      if (send.earlierError !== undefined) this.failByIcmp(send.earlierError);
    } else if (send.tries < MAX_SEND_TRIES && mayComeFromIcmp(error)) {
      send.tries++;
      send.earlierError = error;
      try {
        return this.#hand(send);
      } catch (thrown) {
        this.fail(thrown, "send", send.hostname, send.port);
      }
    } else {
      const denied = denoDenial("querySync", send.hostname, send.port);
      this.fail(denied ?? error, "send", send.hostname, send.port);
    }
    this.#queue.release(send);
  }
}

/** Calls `start` and waits for its callback, or for an error of the socket. */
function done(socket: Socket, start: (callback: () => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    // connect() hands its error to the callback.
    start((error?: unknown) => {
      socket.off("error", reject);
      if (error === undefined) resolve();
      else reject(error);
    });
  });
}

async function connect(socket: Socket, local: string, remote: Endpoint): Promise<void> {
  const { hostname, port, family } = remote;
  const address = local.includes(":") && family === 4 ? `::ffff:${hostname}` : hostname;
  try {
    await done(socket, (callback) => socket.connect(port, address, callback));
  } catch (error) {
    throw systemError(error, { what: "connect", hostname, port });
  }
}

/** Deno sets the time to live of IPv4 instead of the hop limit, which changes nothing, silently. */
function multicastSocket(socket: Socket, hostname: string): MulticastSocket {
  if (!ON_DENO || !hostname.includes(":")) return socket;
  return {
    addMembership: (group, via) => socket.addMembership(group, via),
    dropMembership: (group, via) => socket.dropMembership(group, via),
    setMulticastTTL(hopLimit) {
      if (hopLimit === 1) return; // as it is
      throw new NTPError(
        "unsupported",
        "Deno cannot set the hop limit of IPv6 groups: set that of IPv4 alone (family: 4), or run on " +
          'Node or Bun, whose "node" transport can',
      );
    },
    setMulticastLoopback: (loopback) => socket.setMulticastLoopback(loopback),
    setMulticastInterface: (via) => socket.setMulticastInterface(via),
  };
}

/** Instead of a name server, which node:dgram asks for each datagram. Addresses are literal here. */
const literally: SocketOptions["lookup"] = (hostname, _options, callback) => {
  callback(null, hostname, hostname.includes(":") ? 6 : 4);
};

let reusePortProbe: Promise<boolean> | undefined;

/** Whether two sockets can have one port: Node before 22.12 and Deno ignore `reusePort` silently. */
function canReusePort(): Promise<boolean> {
  return reusePortProbe ??= (async () => {
    if (ON_DENO) return false;
    const sockets: Socket[] = [];
    try {
      for (let port = 0; sockets.length < 2; port = sockets[0]!.address().port) {
        const socket = createSocket({ type: "udp4", reusePort: true });
        await done(socket, (callback) => socket.bind({ address: "127.0.0.1", port }, callback));
        sockets.push(socket);
      }
      return true;
    } catch {
      return false;
    } finally {
      for (const socket of sockets) socket.close();
    }
  })();
}

/** Deno's node:dgram ends the process when it may not bind, and has no code when it may not send. */
function denoDenial(
  how: "requestSync" | "querySync",
  hostname: string,
  port: number,
): NTPError | undefined {
  const { Deno } = globalThis as { Deno?: DenoPermissions };
  if (Deno === undefined) return undefined;
  const address = hostname.replace(/%.*/, "");
  const host = address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
  if (Deno.permissions[how]({ name: "net", host }).state === "granted") return undefined;
  return systemError({ name: "NotCapable" }, { what: "bind", hostname, port });
}
