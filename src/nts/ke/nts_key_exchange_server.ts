import { NTPError } from "../../packet/error.ts";
import { codeOf, systemError } from "../../transport/system_error.ts";
import { ConnectionTable } from "./connection_table.ts";
import { checkWhole, KE_PORT } from "./establish_options.ts";
import { KeConnection } from "./ke_connection.ts";
import { KeCounters, type KeServerStatistics } from "./ke_statistics.ts";
import {
  type CheckedKeServerOptions,
  checkIdentity,
  checkKeServerOptions,
  type NtsKeyExchangeServerOptions,
} from "./key_exchange_server_options.ts";
import { loadTls } from "./tls/load_tls.ts";
import type { TcpSocket, TlsAcceptor, TlsEngine, TlsIdentity } from "./tls/tls_engine.ts";

/** Where a key exchange server listens. */
export interface KeListenOptions {
  /** Address. Default `"::"`: all, of both families. */
  hostname?: string;
  /** Port, 0 to 65535; 0: any that is free. Default 4460. */
  port?: number;
}

/** Where a key exchange server does listen. */
export interface KeAddress {
  /** IP address. */
  readonly hostname: string;
  /** Port. */
  readonly port: number;
}

/** The part of a `node:net` server that is used. */
interface TcpServer {
  on(event: "error", listener: (error: Error) => void): unknown;
  listen(options: { host: string; port: number }, listening: () => void): unknown;
  address(): { address: string; port: number } | string | null;
  close(closed: () => void): unknown;
}

/** The part of `node:net` that is used. */
interface NodeNet {
  createServer(onConnection: (socket: TcpSocket) => void): TcpServer;
}

/**
 * A key exchange server of NTS (RFC 8915 §4): gives clients keys, and cookies for an NTP server that
 * shares its key set.
 *
 * Time, memory and number of connections are bounded: who is slow, or one too many, loses the
 * connection. What strangers do wrong is counted and nothing else.
 *
 * @example A server with a certificate of its own
 * ```ts ignore
 * import { NtsKeyExchangeServer } from "@ntps/ntps/nts";
 *
 * const server = new NtsKeyExchangeServer({
 *   cert: await Deno.readTextFile("cert.pem"),
 *   key: await Deno.readTextFile("key.pem"),
 *   cookieKeys, // those of the NTP server
 * });
 * await server.listen();
 * ```
 */
export class NtsKeyExchangeServer {
  readonly #options: CheckedKeServerOptions;
  readonly #table: ConnectionTable<KeConnection>;
  readonly #counters = new KeCounters();
  readonly #listeners: { server: TcpServer; address: KeAddress }[] = [];
  #identity: TlsIdentity;
  #engine: TlsEngine | undefined;
  #acceptor: TlsAcceptor | undefined;
  #isClosed = false;

  /**
   * Makes a server, which does not listen yet.
   *
   * @param options certificate, key and cookies; the rest is optional
   * @throws {TypeError} if an option has the wrong type
   * @throws {RangeError} if an option is out of range
   */
  constructor(options: NtsKeyExchangeServerOptions) {
    this.#options = checkKeServerOptions(options);
    const { identity, maxConnections, maxConnectionsPerPrefix } = this.#options;
    this.#identity = identity;
    this.#table = new ConnectionTable(maxConnections, maxConnectionsPerPrefix);
  }

  /** Where it listens. */
  get addresses(): readonly KeAddress[] {
    return this.#listeners.map(({ address }) => address);
  }

  /**
   * Begins to listen; more than once, for more than one address.
   *
   * @param options address and port
   * @returns where it listens
   * @throws {TypeError} if an option has the wrong type
   * @throws {RangeError} if an option is out of range
   * @throws {NTPError} `malformed` if certificate or key cannot be used, `unsupported` where this
   * runtime has no TLS that exports keys, `address-in-use`, `address-unavailable`, `permission`, or
   * `closed` after {@linkcode NtsKeyExchangeServer.close}
   */
  async listen(options: KeListenOptions = {}): Promise<KeAddress> {
    const { hostname, port = KE_PORT } = options;
    checkWhole("port", port, 0, 65535);
    if (hostname !== undefined && typeof hostname !== "string") {
      throw new TypeError(`hostname is an IP address, not ${String(hostname)}`);
    }
    this.#engine ??= await loadTls(this.#options.tls);
    this.#acceptor ??= this.#engine.serve(this.#identity);
    const net = await import("node:net") as unknown as NodeNet;
    if (hostname !== undefined) return await this.#listenAt(net, hostname, port);
    try {
      return await this.#listenAt(net, "::", port);
    } catch (error) {
      // A machine without IPv6.
      if (!(error instanceof NTPError) || error.code !== "address-unavailable") throw error;
      return await this.#listenAt(net, "0.0.0.0", port);
    }
  }

  /**
   * Uses another certificate from the next connection on; those that stand are not disturbed. For a
   * certificate that is renewed.
   *
   * @param identity certificate and key, as text in PEM
   * @throws {TypeError} if one of them is no text
   * @throws {NTPError} `malformed` if they cannot be used; then the old ones stay. Before the first
   * {@linkcode NtsKeyExchangeServer.listen} that is found there
   */
  setCertificate(identity: { cert: string; key: string }): void {
    const checked = checkIdentity(identity);
    if (this.#engine !== undefined && !this.#isClosed) {
      const acceptor = this.#engine.serve(checked);
      this.#acceptor?.close();
      this.#acceptor = acceptor;
    }
    this.#identity = checked;
  }

  /** What it has done so far. */
  statistics(): KeServerStatistics {
    return this.#counters.snapshot(this.#table.size);
  }

  /** Stops listening and ends all connections. Harmless when called again. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const closed = this.#listeners.splice(0).map(({ server }) =>
      new Promise<void>((resolve) => server.close(() => resolve()))
    );
    for (const connection of this.#table.all) connection.close();
    await Promise.all(closed);
    this.#acceptor?.close();
    this.#acceptor = undefined;
  }

  /** The same as {@linkcode NtsKeyExchangeServer.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #listenAt(net: NodeNet, hostname: string, port: number): Promise<KeAddress> {
    if (this.#isClosed) throw new NTPError("closed", "The key exchange server is closed");
    const server = net.createServer((socket) => this.#accept(socket));
    await new Promise<void>((resolve, reject) => {
      let isListening = false;
      server.on("error", (error) => {
        if (isListening) this.#options.onError(error);
        else reject(bindError(error, hostname, port));
      });
      server.listen({ host: hostname, port }, () => {
        isListening = true;
        resolve();
      });
    });
    const bound = server.address();
    const address: KeAddress = typeof bound === "object" && bound !== null
      ? { hostname: bound.address, port: bound.port }
      : { hostname, port };
    this.#listeners.push({ server, address });
    if (this.#isClosed) await this.close();
    return address;
  }

  #accept(socket: TcpSocket): void {
    const acceptor = this.#acceptor;
    const { remoteAddress } = socket;
    socket.on("error", () => {}); // whoever owns it later is told too
    if (acceptor === undefined || this.#isClosed || remoteAddress === undefined) {
      socket.destroy();
      return;
    }
    this.#counters.accepted++;
    const { offer, limits, timers } = this.#options;
    let connection: KeConnection;
    try {
      connection = new KeConnection(socket, {
        acceptor,
        offer,
        limits,
        timers,
        onOutcome: (failure, error) => {
          if (failure === undefined) this.#counters.answered++;
          else this.#counters.failed[failure]++;
          if (error instanceof Error) this.#options.onError(error);
        },
        onClosed: () => this.#table.delete(connection),
      });
    } catch { // it was closed before it could be used
      this.#counters.failed.handshake++;
      socket.destroy();
      return;
    }
    this.#table.add(connection, remoteAddress);
  }
}

/** The error of a TCP server that could not listen. */
function bindError(error: Error, hostname: string, port: number): NTPError {
  const code = codeOf(error);
  if (code === "EADDRINUSE") {
    return new NTPError(
      "address-in-use",
      `Another process listens at port ${port} of ${hostname}: stop that one (ss -tlpn shows it), ` +
        "or choose another port",
      { cause: error },
    );
  }
  if (code === "EINVAL") { // what Deno says of an address that is not this machine's
    return new NTPError(
      "address-unavailable",
      `This machine has no address ${hostname}: use one of its own (ip address lists them), or "::" ` +
        "for all",
      { cause: error },
    );
  }
  return systemError(error, { what: "bind", hostname, port });
}
