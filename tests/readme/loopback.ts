// The world in which the code of the README runs: it stands in for "@ntps/ntps" and exports the same,
// but every host name means this machine, servers listen on loopback at a free port, and whoever asks
// for the port that a server wanted gets the one it has. Without a server in the code, one answers on
// port 123. What brings sockets of its own (`bind`) and numbers its hosts is left alone. What has to
// do with groups is on a network in memory, where nobody else is.
import * as library from "@ntps/ntps";
import { MemoryNetwork } from "@ntps/ntps/transport/memory";

export * from "@ntps/ntps";

const LOOPBACK = "127.0.0.1";

/** The peer of everybody who has one: it does not answer. */
const NOBODY = "127.0.0.2";

/** Binds for a server, which knows only when it listens whether it is for groups. */
const bindServer: library.BindUdp = (options) =>
  options.multicast
    ? new MemoryNetwork().bind(options)
    : library.bindUdp({ ...options, hostname: LOOPBACK, port: 0 });

const servers = new Set<library.NTPServer>();
/** The ports that servers have, by those that they wanted. */
const ports = new Map<number, number>();

/** Listens at a free port of loopback. */
export class NTPServer extends library.NTPServer {
  readonly #ownSockets: boolean;
  readonly #options: library.NTPServerOptions;
  /** Workers bind by themselves, so a server that has them is one that was not told how. */
  #withWorkers: library.NTPServer | undefined;

  constructor(options: library.NTPServerOptions = {}) {
    super({ bind: bindServer, ...options });
    this.#options = options;
    this.#ownSockets = options.bind !== undefined;
  }

  override async listen(options: library.ListenOptions = {}): Promise<library.ServerAddress> {
    servers.add(this);
    if (options.workers !== undefined) {
      this.#withWorkers = new library.NTPServer(this.#options);
      return await this.#withWorkers.listen({ ...options, hostname: LOOPBACK, port: 0 });
    }
    const address = await super.listen(options);
    if (!this.#ownSockets) ports.set(options.port ?? 123, address.port);
    return address;
  }

  override statistics(): library.ServerStatistics {
    return this.#withWorkers?.statistics() ?? super.statistics();
  }

  override async close(): Promise<void> {
    await this.#withWorkers?.close();
    await super.close();
  }
}

async function redirected(
  host: string,
  options: library.QueryOptions,
): Promise<library.QueryOptions> {
  const isAddress = library.parseIpAddress(host, new Uint8Array(16)) !== 0;
  if (isAddress && options.bind !== undefined) return options;
  const wanted = options.port ?? 123;
  if (wanted === 123 && !ports.has(123)) await new NTPServer().listen();
  return {
    // Two seconds between samples are for strangers' servers.
    intervalMs: 10,
    ...options,
    port: ports.get(wanted) ?? wanted,
    resolve: () => Promise.resolve([LOOPBACK]),
  };
}

/** Asks this machine. */
export async function query(
  host: string,
  options: library.QueryOptions = {},
): Promise<library.QueryResult> {
  return await library.query(host, await redirected(host, options));
}

/** Asks this machine. */
export async function queryRaw(
  host: string,
  options: library.QueryOptions = {},
): Promise<library.RawReply> {
  return await library.queryRaw(host, await redirected(host, options));
}

/** Asks this machine. */
export async function* queryMany(
  hosts: Iterable<string | library.ManyHost>,
  options: library.QueryManyOptions = {},
): AsyncGenerator<library.ManyOutcome, void, undefined> {
  const names = [...hosts].map((host) => typeof host === "string" ? host : host.hostname);
  yield* library.queryMany(names, await redirected("", options));
}

/** Asks this machine. */
export class NTPClient extends library.NTPClient {
  readonly #options: library.QueryOptions;

  constructor(options: library.NTPClientOptions) {
    super(options);
    this.#options = options;
  }

  override async query(options: library.QueryOptions = {}): Promise<library.QueryResult> {
    const all = { ...this.#options, ...options };
    return await super.query(await redirected(this.endpoint, all));
  }
}

/** Hears nobody. */
export class NTPBroadcastClient extends library.NTPBroadcastClient {
  constructor(options: library.NTPBroadcastClientOptions) {
    super({ bind: new MemoryNetwork().bind, ...options });
  }
}

/** Finds nobody. */
export class NTPManycastClient extends library.NTPManycastClient {
  constructor(options: library.NTPManycastClientOptions) {
    super({ bind: new MemoryNetwork().bind, ...options });
  }
}

/** Asks a peer that does not answer. */
export class NTPPeer extends library.NTPPeer {
  constructor(options: library.NTPPeerOptions) {
    super({ resolve: () => Promise.resolve([NOBODY]), ...options });
  }
}

/** Follows a server on this machine for each that is named. */
export const NTPSync = {
  async start(options: library.NTPSyncOptions): Promise<library.NTPSync> {
    if (options.bind !== undefined) return await library.NTPSync.start(options);
    const { servers: named = [], pools = [], ...rest } = options;
    const own = await Promise.all([...named, ...pools].map(async (one) => {
      const server = new library.NTPServer({ stratum: 1, refid: "GPS" });
      servers.add(server);
      const { port } = await server.listen({ hostname: LOOPBACK, port: 0 });
      return { ...(typeof one === "string" ? {} : one), hostname: LOOPBACK, port };
    }));
    return await library.NTPSync.start({ ...rest, servers: own });
  },
};

/** Closes the servers that still listen: the code of the README may leave them on. */
export async function closeServers(): Promise<void> {
  await Promise.all([...servers].map((server) => server.close()));
}
