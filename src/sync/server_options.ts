import { SymmetricKey } from "../auth/symmetric_key.ts";
import { checkPollOptions, type PollOptions } from "../association/poll_process.ts";
import { checkHost } from "../client/options.ts";
import type { NtsSessions, NtsSource } from "../nts/nts_source.ts";
import type { Version } from "../packet/packet.ts";
import { type CheckedServerOptions, NamedServers } from "./named_servers.ts";
import { preferenceOf } from "./preference.ts";
import type { SourcePreference } from "./selection.ts";
import type { SyncInput } from "./sync_input.ts";

/** A server to follow. */
export interface SyncServerOptions extends PollOptions, SourcePreference {
  /** Name or IP address. */
  hostname: string;
  /** Port, 1 to 65535. Default 123. With `nts` the key exchange tells it. */
  port?: number;
  /** Key that server and client share: nothing else is believed. Default: none. */
  key?: SymmetricKey;
  /**
   * Believe only what is protected by NTS (RFC 8915), never anything else. `hostname` is then a server
   * of key exchange, which names the server to ask; of a pool each address is one. True: the `nts` of
   * `NTPSync.start()` makes the session; or an `NtsClient` of `@ntps/ntps/nts`; or, for one server, an
   * `NtsSession` that is used by nobody else. Default: no NTS.
   */
  nts?: true | NtsSessions | NtsSource;
  /** Port of the key exchange, 1 to 65535. Default 4460. Not for an `NtsSession`, which knows it. */
  ntsPort?: number;
  /** Protocol version to ask in, 1 to 4. Default 4. */
  version?: Version;
  /** Ask only addresses of this family, 4 or 6. Default both. */
  family?: 4 | 6;
  /** Begin with four requests, two seconds apart. Default true. */
  iburst?: boolean;
  /**
   * Ask in interleaved mode (RFC 9769 §2): each reply tells when the one before left, which with stamps
   * of the kernel on both sides leaves less to chance. Servers that do not know it are followed in
   * basic mode. Samples are then one poll interval old, and who sees the requests can tell that they
   * are of one client, wherever it asks from. Default false.
   */
  interleaved?: boolean;
}

/** A pool: a name whose addresses are servers of different people. */
export interface SyncPoolOptions extends SyncServerOptions {
  /** How many of them to follow, 1 to 64. Default 4. */
  maxSources?: number;
}

const FLAGS = ["iburst", "interleaved", "prefer", "require", "trust", "noSelect"] as const;

function check(
  kind: "server" | "pool",
  server: string | SyncPoolOptions,
): CheckedServerOptions {
  const options: SyncPoolOptions = typeof server === "string" ? { hostname: server } : server;
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`a ${kind} is a name or an object with a hostname, not ${String(options)}`);
  }
  const { version = 4, family, key, iburst = true, maxSources = 4, ntsPort } = options;
  const { port = 123 } = options;
  const hostname = checkHost("hostname", options.hostname);
  for (
    const [name, value, least, most] of [
      ["port", port, 1, 65535],
      ["ntsPort", ntsPort ?? 1, 1, 65535],
      ["version", version, 1, 4],
      ["maxSources", maxSources, 1, 64],
    ] as const
  ) {
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new RangeError(
        `${name} is a whole number from ${least} to ${most}, not ${String(value)}`,
      );
    }
  }
  for (const name of FLAGS) {
    const value = options[name];
    if (value !== undefined && typeof value !== "boolean") {
      throw new TypeError(`${name} is true or false, not ${String(value)}`);
    }
  }
  if (family !== undefined && family !== 4 && family !== 6) {
    throw new RangeError(`family is 4 or 6, not ${String(family)}`);
  }
  if (key !== undefined && !(key instanceof SymmetricKey)) {
    throw new TypeError(`key is a SymmetricKey, not ${typeof key}`);
  }
  const nts = checkNts(kind, options);
  return {
    ...{ kind, hostname, port, key, nts, ntsPort, version, family, iburst },
    ...checkPollOptions(options),
    interleaved: options.interleaved ?? false,
    maxSources: kind === "pool" ? maxSources : 1,
    preference: preferenceOf(options),
  };
}

/** What protects requests, if it goes with the other options. */
function checkNts(
  kind: "server" | "pool",
  { key, nts, ntsPort, port, version = 4 }: SyncPoolOptions,
): true | NtsSessions | NtsSource | undefined {
  if (nts === undefined) {
    if (ntsPort !== undefined) throw new TypeError("ntsPort is given, but no nts");
    return undefined;
  }
  const isSession = nts !== true && typeof (nts as NtsSource)?.ready === "function";
  if (nts !== true && !isSession && typeof (nts as NtsSessions)?.session !== "function") {
    throw new TypeError(`nts is true, an NtsClient or an NtsSession, not ${String(nts)}`);
  }
  if (isSession && kind === "pool") {
    throw new TypeError("An NtsSession is for one server: nts of a pool is true or an NtsClient");
  }
  if (isSession && ntsPort !== undefined) {
    throw new TypeError("ntsPort is given, but an NtsSession knows whom to ask");
  }
  if (key !== undefined) throw new TypeError("Either key or nts is given, not both");
  if (version !== 4) throw new RangeError(`version is 4 with nts, not ${version}`);
  if (port !== undefined && port !== 123) {
    throw new RangeError(
      `port is told by the key exchange, whose own is ntsPort: leave out port, ${port}`,
    );
  }
  return nts;
}

/**
 * A server as a source of time. One address of its name is asked; when that one dies, the next.
 *
 * @param server its name, or more about it
 * @throws {TypeError} if an option has the wrong type
 * @throws {RangeError} if an option is out of range
 *
 * @example One more source, at run time
 * ```ts
 * import { NTPServer, NTPSync, serverInput } from "@ntps/ntps";
 * import { assertEquals } from "@std/assert";
 *
 * const server = new NTPServer({ refid: "GPS", stratum: 1 });
 * const { port } = await server.listen({ hostname: "127.0.0.1", port: 0 });
 * const sync = await NTPSync.start({ servers: [{ hostname: "127.0.0.1", port }] });
 * sync.add(serverInput({ hostname: "127.0.0.2", port, noSelect: true }));
 * await sync.close();
 * await server.close();
 * assertEquals(sync.clock.started, true);
 * ```
 */
export function serverInput(server: string | SyncServerOptions): SyncInput {
  return new NamedServers(check("server", server));
}

/**
 * A pool as a source of time: several addresses of its name are asked. Who dies, tells the wrong time
 * for long or sends us away is replaced; this machine's own addresses are left out.
 *
 * @param pool its name, or more about it
 * @throws {TypeError} if an option has the wrong type
 * @throws {RangeError} if an option is out of range
 *
 * @example Four servers of the pool
 * ```ts
 * import { poolInput } from "@ntps/ntps";
 *
 * const pool = poolInput("pool.ntp.org"); // for sync.add(pool)
 * ```
 */
export function poolInput(pool: string | SyncPoolOptions): SyncInput {
  return new NamedServers(check("pool", pool));
}
