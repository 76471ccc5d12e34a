import { SymmetricKey } from "../auth/symmetric_key.ts";
import { checkPollOptions, type PollOptions } from "../association/poll_process.ts";
import { checkHost } from "../client/options.ts";
import type { NtsSource } from "../nts/nts_source.ts";
import type { Version } from "../packet/packet.ts";
import { type CheckedServerOptions, NamedServers } from "./named_servers.ts";
import { preferenceOf } from "./preference.ts";
import type { SourcePreference } from "./selection.ts";
import type { SyncInput } from "./sync_input.ts";

/** A server to follow. */
export interface SyncServerOptions extends PollOptions, SourcePreference {
  /** Name or IP address. */
  hostname: string;
  /** Port, 1 to 65535. Default 123. */
  port?: number;
  /** Key that server and client share: nothing else is believed. Default: none. */
  key?: SymmetricKey;
  /**
   * A session of NTS (RFC 8915), such as an `NtsSession` of `@ntps/ntps/nts`, used by nobody else:
   * nothing else is believed. The server is the one that its key exchange names. Not for pools.
   */
  nts?: NtsSource;
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
  const { port = 123, version = 4, family, key, iburst = true, maxSources = 4, nts } = options;
  const hostname = checkHost("hostname", options.hostname);
  for (
    const [name, value, least, most] of [
      ["port", port, 1, 65535],
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
  if (nts !== undefined) {
    if (typeof nts?.ready !== "function" || typeof nts.protect !== "function") {
      throw new TypeError(`nts is an NtsSession, and so has ready() and protect(), unlike ${nts}`);
    }
    if (kind === "pool") throw new TypeError("nts is for one server: give one of servers each");
    if (key !== undefined) throw new TypeError("Either key or nts is given, not both");
    if (version !== 4) throw new RangeError(`version is 4 with nts, not ${version}`);
  }
  return {
    ...{ kind, hostname, port, key, nts, version, family, iburst },
    ...checkPollOptions(options),
    interleaved: options.interleaved ?? false,
    maxSources: kind === "pool" ? maxSources : 1,
    preference: preferenceOf(options),
  };
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
