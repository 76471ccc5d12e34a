import { bindUdp } from "../transport/bind_udp.ts";
import { Endpoint } from "../transport/endpoint.ts";
import type { BindUdp, UdpTransport } from "../transport/udp_transport.ts";
import { Link, type LinkPair, waysOf } from "./link.ts";
import { type Lateness, Punctual } from "./punctual.ts";
import { RandomStream } from "./random_stream.ts";

/** Options of {@linkcode Relay.start}. */
export interface RelayOptions {
  /** Where the datagrams go: an IP address and a port. */
  target: { hostname: string; port: number };
  /** Where to listen. Default: any free port of 127.0.0.1. */
  listen?: { hostname?: string; port?: number };
  /**
   * What happens to them on the way `toward` the target, and on the way back `away` from it. Times
   * in it count from the start of the relay. Default: nothing.
   */
  link?: LinkPair;
  /** What is random follows from it. Default 1. */
  seed?: number | string;
  /**
   * For how long before a datagram leaves the relay keeps a core busy to let it leave in time, in
   * milliseconds, 0 or more. Default 1.
   */
  spinMs?: number;
  /** After how long a socket to the target that nobody uses is closed, in milliseconds. Default 60,000. */
  idleMs?: number;
  /** How many clients there may be at once; those of further ones are lost. Default 1024. */
  maxClients?: number;
  /** How sockets are made. Default: the runtime's own UDP. */
  bind?: BindUdp;
  /** Told of errors of the sockets. Default: they are only counted. */
  onError?: (error: Error) => void;
}

/** What a {@linkcode Relay} did in one direction. */
export interface RelayCounts {
  /** Datagrams that came. */
  readonly received: number;
  /** Datagrams that left, copies included. */
  readonly sent: number;
  /** Datagrams of which no copy left, or will. */
  readonly lost: number;
}

/** What a {@linkcode Relay} did so far. */
export interface RelayStatistics {
  /** On the way to the target. */
  readonly toward: RelayCounts;
  /** On the way back. */
  readonly away: RelayCounts;
  /**
   * How much later than they should have datagrams left, in milliseconds: jitter of the relay
   * itself. What the kernel and the runtime take to hand a datagram over comes on top.
   */
  readonly lateness: Lateness;
  /** Errors of the sockets. */
  readonly errors: number;
}

/** A client: who it is, and the socket that the target knows it by. */
interface Client {
  readonly endpoint: Endpoint;
  readonly upstream: Promise<UdpTransport>;
  lastUsed: number;
}

type Direction = "toward" | "away";

/**
 * A bad network between real programs: what is sent to the relay goes on to its target, and back,
 * with delay, jitter, losses, copies and reordering that follow from a seed. On real sockets and in
 * real time, so not all of it is the same on each run: {@linkcode Relay.statistics} tells how
 * exactly the delays were kept.
 *
 * Each client has a socket of its own toward the target, which sees the relay's address. The way
 * through a relay without delays takes some 50 µs on each runtime; with delays, most datagrams leave
 * within a microsecond of their time, and one in a hundred some tenths of a millisecond late on a
 * machine that has other things to do.
 *
 * @example A server 20 ms away
 * ```ts
 * import { NTPServer, query } from "@ntps/ntps";
 * import { Relay } from "@ntps/ntps/testing";
 * import { assert } from "@std/assert";
 *
 * const server = new NTPServer();
 * const target = await server.listen({ hostname: "127.0.0.1", port: 0 });
 * const relay = await Relay.start({ target, link: { base: 0.010 } });
 * const { delay } = await query("127.0.0.1", { port: relay.port });
 * assert(delay >= 0.020);
 * await relay.close();
 * await server.close();
 * ```
 */
export class Relay {
  readonly #target: Endpoint;
  readonly #options: RelayOptions;
  readonly #bind: BindUdp;
  readonly #punctual: Punctual;
  readonly #started: number;
  readonly #clients = new Map<string, Client>();
  readonly #counts = {
    toward: { received: 0, sent: 0, lost: 0 },
    away: { received: 0, sent: 0, lost: 0 },
  };
  #links!: Record<Direction, Link>;
  #changes = 0;
  #errors = 0;
  #listening: UdpTransport | undefined;
  #sweeper: ReturnType<typeof setInterval> | undefined;

  private constructor(options: RelayOptions) {
    const { target, spinMs = 1, idleMs = 60_000, maxClients = 1024, link = {} } = options;
    this.#target = new Endpoint(target.hostname, target.port);
    if (this.#target.family === 0) {
      throw new RangeError(`target.hostname is an IP address, not "${target.hostname}"`);
    }
    for (const [name, value] of Object.entries({ spinMs, idleMs, maxClients })) {
      if (!(value >= 0 && value < Infinity)) {
        throw new RangeError(`${name} must be 0 or more, and finite, not ${value}`);
      }
    }
    this.#options = options;
    this.#bind = options.bind ?? bindUdp;
    this.#punctual = new Punctual(spinMs);
    this.#started = this.#punctual.now();
    this.setLink(link);
  }

  /**
   * Starts a relay.
   *
   * @param options see {@linkcode RelayOptions}
   * @throws {TypeError} if an option has the wrong type
   * @throws {RangeError} if an option is out of range
   * @throws {NTPError} what binding a socket throws
   */
  static async start(options: RelayOptions): Promise<Relay> {
    const relay = new Relay(options);
    await relay.#listen();
    return relay;
  }

  /** The address it listens at. */
  get hostname(): string {
    return this.#listening!.hostname;
  }

  /** The port it listens at. */
  get port(): number {
    return this.#listening!.port;
  }

  /** Milliseconds since the start. */
  get elapsedMs(): number {
    return this.#punctual.now() - this.#started;
  }

  /**
   * Makes the network another one, for what comes from now on.
   *
   * @param link as {@linkcode RelayOptions.link}
   * @throws {RangeError} if an option is out of range
   */
  setLink(link: LinkPair): void {
    const random = new RandomStream(this.#options.seed ?? 1).fork(`relay ${this.#changes++}`);
    const { toward, away } = waysOf(link);
    this.#links = {
      toward: new Link(toward, random.fork("toward")),
      away: new Link(away, random.fork("away")),
    };
  }

  /** What it did so far. */
  statistics(): RelayStatistics {
    const { toward, away } = this.#counts;
    return {
      toward: { ...toward },
      away: { ...away },
      lateness: this.#punctual.lateness(),
      errors: this.#errors,
    };
  }

  /** Stops: what is under way is lost. Calling it again is harmless. */
  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    this.#punctual.clear();
    const clients = [...this.#clients.values()];
    this.#clients.clear();
    await this.#listening?.close();
    await Promise.all(clients.map(closeClient));
  }

  /** {@linkcode Relay.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #listen(): Promise<void> {
    const { hostname = "127.0.0.1", port = 0 } = this.#options.listen ?? {};
    this.#listening = await this.#bind({
      hostname,
      port,
      clock: NO_CLOCK,
      onDatagram: (data, source) => this.#fromClient(data, source),
      onError: this.#noteError,
    });
    const { idleMs = 60_000 } = this.#options;
    this.#sweeper = setInterval(() => this.#sweep(idleMs), Math.max(1000, idleMs / 4));
  }

  #fromClient(data: Uint8Array, source: Endpoint): void {
    const now = this.#punctual.now();
    this.#counts.toward.received++;
    const client = this.#clientOf(source);
    if (client === undefined) {
      this.#counts.toward.lost++;
      return;
    }
    client.lastUsed = now;
    this.#pass("toward", now, data, (copy) => {
      client.upstream.then((socket) => socket.send(copy, this.#target), this.#noteError);
    });
  }

  #clientOf(source: Endpoint): Client | undefined {
    const key = source.toString();
    let client = this.#clients.get(key);
    if (client !== undefined) return client;
    if (this.#clients.size >= (this.#options.maxClients ?? 1024)) return undefined;
    const endpoint = source.clone();
    const upstream = this.#bind({
      remote: { hostname: this.#target.hostname, port: this.#target.port },
      clock: NO_CLOCK,
      onDatagram: (data) => this.#fromTarget(data, endpoint),
      onError: this.#noteError,
    });
    client = { endpoint, upstream, lastUsed: 0 };
    this.#clients.set(key, client);
    upstream.catch(() => this.#clients.delete(key)); // told when it is sent to
    return client;
  }

  #fromTarget(data: Uint8Array, endpoint: Endpoint): void {
    const now = this.#punctual.now();
    this.#counts.away.received++;
    this.#pass("away", now, data, (copy) => this.#listening!.send(copy, endpoint));
  }

  #pass(
    direction: Direction,
    now: number,
    data: Uint8Array,
    send: (copy: Uint8Array) => void,
  ): void {
    const counts = this.#counts[direction], copy = data.slice();
    const delays = this.#links[direction].transit((now - this.#started) / 1000, copy);
    if (delays.length === 0) counts.lost++;
    for (const delay of delays) {
      this.#punctual.at(now + delay * 1000, () => {
        counts.sent++;
        send(copy);
      });
    }
  }

  #sweep(idleMs: number): void {
    const now = this.#punctual.now();
    for (const [key, client] of this.#clients) {
      if (now - client.lastUsed < idleMs) continue;
      this.#clients.delete(key);
      void closeClient(client);
    }
  }

  readonly #noteError = (error: Error): void => {
    this.#errors++;
    this.#options.onError?.(error);
  };
}

/** Arrivals are stamped by the steady clock that delays are counted on. */
const NO_CLOCK = { read(): void {} };

async function closeClient({ upstream }: Client): Promise<void> {
  const socket = await upstream.catch(() => undefined);
  await socket?.close();
}
