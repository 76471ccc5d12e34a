// The world in which the code of the README runs: it stands in for "@ntps/ntps" and exports the same,
// but every host name means this machine, servers listen on loopback at a free port, and whoever asks
// for the port that a server wanted gets the one it has. Without a server in the code, one answers on
// port 123. What brings sockets of its own (`bind`) and numbers its hosts is left alone.
import * as library from "@ntps/ntps";

export * from "@ntps/ntps";

const LOOPBACK = "127.0.0.1";

const servers = new Set<library.NTPServer>();
/** The ports that servers have, by those that they wanted. */
const ports = new Map<number, number>();

/** Listens at a free port of loopback. */
export class NTPServer extends library.NTPServer {
  readonly #ownSockets: boolean;

  constructor(options: library.NTPServerOptions = {}) {
    super(options);
    this.#ownSockets = options.bind !== undefined;
  }

  override async listen(options: library.ListenOptions = {}): Promise<library.ServerAddress> {
    servers.add(this);
    if (this.#ownSockets) return await super.listen(options);
    const address = await super.listen({ ...options, hostname: LOOPBACK, port: 0 });
    ports.set(options.port ?? 123, address.port);
    return address;
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

/** Closes the servers that still listen: the code of the README may leave them on. */
export async function closeServers(): Promise<void> {
  await Promise.all([...servers].map((server) => server.close()));
}
