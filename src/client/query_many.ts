import { SymmetricKey } from "../auth/symmetric_key.ts";
import { NTPError } from "../packet/error.ts";
import { anyAddress } from "./exchange.ts";
import { ExchangeSocket } from "./exchange_socket.ts";
import { type CheckedOptions, checkHost, checkOptions, type QueryOptions } from "./options.ts";
import { type Exchanger, queryBy, type QueryResult } from "./query.ts";

/** A server to ask, where its name or address is not all. */
export interface ManyHost {
  /** Name or IP address. */
  readonly hostname: string;
  /** Its port. Default: that of the options. */
  readonly port?: number;
  /** Its key. Default: that of the options. */
  readonly key?: SymmetricKey;
}

/** Options of {@linkcode queryMany}: those of a query, for each server, and how many at once. */
export interface QueryManyOptions extends QueryOptions {
  /**
   * How many servers are asked at once, 1 to 65536. Default 64. More are done sooner, and
   * measured less exactly: a reply that arrives while others are looked at is stamped late, unless the
   * transport has the kernel's stamps.
   */
  concurrency?: number;
}

/** What became of one server: it gave the time, and there is a `result`, or there is an `error`. */
export type ManyOutcome =
  & {
    /** The server as it was given. */
    readonly host: string | ManyHost;
    /** Its place among the servers given, from 0 on. */
    readonly index: number;
  }
  & (
    | { readonly result: QueryResult; readonly error?: undefined }
    | { readonly error: NTPError; readonly result?: undefined }
  );

const MAX_CONCURRENCY = 65536;

/**
 * Asks many servers for the time, each as {@linkcode query} does, over one socket for IPv4 and one for
 * IPv6. Servers are taken from `hosts` as others are done with, and none while `concurrency` results
 * are on their way or wait to be taken, so memory does not grow with their number.
 *
 * A request's random transmit timestamp and the source of what arrives tell which reply is whose. The
 * local port is random, but the same for all. That a server's port is closed is not told to a socket
 * of many: it looks like silence, so `refused` does not occur. A `sourcePort` other than 0 needs, on
 * Deno, servers of one family.
 *
 * Leaving the loop ends what is under way and closes the sockets.
 *
 * @param hosts names, IP addresses, or servers with a port or key of their own; an array, or anything
 * that can be iterated over, asynchronously too
 * @param options as for {@linkcode query}, for each of them; and `concurrency`
 * @returns what became of each, in the order in which they are done
 * @throws {TypeError} if an option has the wrong type; by the iteration, if a server has
 * @throws {RangeError} if an option is out of range; by the iteration, if a server's port is
 * @throws {NTPError} by the iteration: `aborted` if the signal fires. What is wrong with a server is
 * its outcome's `error`
 *
 * @example Two servers, one of which is silent
 * ```ts
 * import { NTPServer, queryMany } from "@ntps/ntps";
 * import { assertEquals } from "@std/assert";
 *
 * const server = new NTPServer({ refid: "GPS" });
 * const { port } = await server.listen({ hostname: "127.0.0.1", port: 0 });
 * const hosts = ["127.0.0.1", { hostname: "127.0.0.1", port: 9 }];
 * const seen: string[] = [];
 * for await (const { index, result, error } of queryMany(hosts, { port, timeoutMs: 300 })) {
 *   seen.push(`${index}: ${result?.packet.referenceText ?? error?.code}`);
 * }
 * assertEquals(seen, ["0: GPS", "1: timeout"]);
 * await server.close();
 * ```
 */
export function queryMany(
  hosts: Iterable<string | ManyHost> | AsyncIterable<string | ManyHost>,
  options: QueryManyOptions = {},
): AsyncGenerator<ManyOutcome, void, undefined> {
  const { concurrency = 64, ...rest } = options;
  if (typeof concurrency !== "number") {
    throw new TypeError(`concurrency is a number, not ${typeof concurrency}`);
  }
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > MAX_CONCURRENCY) {
    throw new RangeError(
      `concurrency is a whole number from 1 to ${MAX_CONCURRENCY}, not ${concurrency}`,
    );
  }
  if (rest.nts !== undefined) throw new TypeError("nts is for one server: use query()");
  return run(iteratorOf(hosts), checkOptions(rest), concurrency);
}

type Hosts = Iterator<string | ManyHost> | AsyncIterator<string | ManyHost>;

function iteratorOf(hosts: unknown): Hosts {
  // A single name can be iterated over as well: by its letters.
  if (typeof hosts === "object" && hosts !== null) {
    if (Symbol.asyncIterator in hosts) {
      return (hosts as AsyncIterable<string>)[Symbol.asyncIterator]();
    }
    if (Symbol.iterator in hosts) return (hosts as Iterable<string>)[Symbol.iterator]();
  }
  throw new TypeError(`hosts is an array or an iterable of servers, not ${String(hosts)}`);
}

/** A server's options. */
function checkManyHost(
  host: string | ManyHost,
  options: CheckedOptions,
): { hostname: string; options: CheckedOptions } {
  if (typeof host === "string") return { hostname: checkHost("host", host), options };
  const { hostname, port = options.port, key = options.key } = host ?? {};
  checkHost("hostname", hostname);
  if (typeof port !== "number") throw new TypeError(`port is a number, not ${typeof port}`);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new RangeError(`port is a whole number from 1 to 65535, not ${port}`);
  }
  if (key !== undefined && !(key instanceof SymmetricKey)) {
    throw new TypeError(`key is a SymmetricKey, not ${typeof key}`);
  }
  return { hostname, options: { ...options, port, ...(key !== undefined && { key }) } };
}

/** Sockets for exchanges, made when a family is first asked. */
class Sockets {
  readonly #options: CheckedOptions;
  readonly #byFamily = new Map<number, ExchangeSocket>();

  constructor(options: CheckedOptions) {
    this.#options = options;
  }

  readonly exchange: Exchanger = (server, options) => {
    let socket = this.#byFamily.get(server.family);
    if (socket === undefined) {
      const { sourcePort } = this.#options;
      socket = new ExchangeSocket(this.#options, {
        hostname: anyAddress(server.family),
        port: sourcePort,
        ipv6Only: sourcePort !== 0 && server.family === 6, // else both would want the port
      });
      this.#byFamily.set(server.family, socket);
    }
    return socket.exchange(server, options);
  };

  async close(): Promise<void> {
    await Promise.all([...this.#byFamily.values()].map((socket) => socket.close()));
  }
}

async function* run(
  hosts: Hosts,
  given: CheckedOptions,
  concurrency: number,
): AsyncGenerator<ManyOutcome, void, undefined> {
  // One for each server: Node warns of signals that many listen to.
  const controllers = new Set<AbortController>();
  const abortAll = () => controllers.forEach((one) => one.abort(given.signal?.reason));
  given.signal?.addEventListener("abort", abortAll, { once: true });
  const sockets = new Sockets(given);
  const done: ManyOutcome[] = [];
  let underWay = 0, count = 0;
  let isTaking = false, isAtEnd = false;
  let failure: { error: unknown } | undefined;
  let wake = () => {};

  const ask = async (host: string | ManyHost): Promise<void> => {
    const index = count++;
    const { hostname, options } = checkManyHost(host, given);
    const controller = new AbortController();
    if (given.signal?.aborted) controller.abort(given.signal.reason);
    const own = { ...options, signal: controller.signal };
    controllers.add(controller);
    underWay++;
    try {
      done.push({ host, index, result: await queryBy(hostname, own, sockets.exchange) });
    } catch (error) {
      if (!(error instanceof NTPError) || error.code === "aborted") throw error;
      done.push({ host, index, error });
    } finally {
      underWay--;
      controllers.delete(controller);
    }
  };
  const fail = (error: unknown) => failure ??= { error };
  /** Takes servers while there is room; what it waits for must not keep results waiting. */
  const take = async (): Promise<void> => {
    if (isTaking || isAtEnd) return;
    isTaking = true;
    try {
      while (underWay + done.length < concurrency && failure === undefined) {
        const next = await hosts.next();
        if (next.done) {
          isAtEnd = true;
          break;
        }
        ask(next.value).catch(fail).finally(() => wake());
      }
    } catch (error) {
      fail(error);
    } finally {
      isTaking = false;
      wake();
    }
  };

  try {
    for (;;) {
      take();
      if (failure !== undefined) throw failure.error;
      const outcome = done.shift();
      if (outcome !== undefined) yield outcome;
      else if (isAtEnd && underWay === 0) return;
      else await new Promise<void>((resolve) => wake = resolve);
    }
  } finally {
    given.signal?.removeEventListener("abort", abortAll);
    abortAll();
    await sockets.close();
    await hosts.return?.();
  }
}
