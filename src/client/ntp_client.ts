import { checkHost, checkOptions, type QueryOptions } from "./options.ts";
import { query, queryRaw, type QueryResult, type RawReply } from "./query.ts";

/** Options of {@linkcode NTPClient}. */
export interface NTPClientOptions extends QueryOptions {
  /** Server to ask: name or IP address. */
  endpoint: string;
}

/**
 * A client of one server: {@linkcode query} with its options kept.
 *
 * @example Asking the same server twice
 * ```ts
 * import { NTPClient, NTPServer } from "@ntps/ntps";
 * import { assertEquals } from "@std/assert";
 *
 * const server = new NTPServer({ refid: "GPS" });
 * const { port } = await server.listen({ hostname: "127.0.0.1", port: 0 });
 * const client = new NTPClient({ endpoint: "127.0.0.1", port, timeoutMs: 1000 });
 * await client.query();
 * const { packet } = await client.query();
 * assertEquals(packet.referenceText, "GPS");
 * await server.close();
 * ```
 */
export class NTPClient {
  /** Server to ask: name or IP address. */
  readonly endpoint: string;
  readonly #options: QueryOptions;

  /**
   * Makes a client; it does nothing before {@linkcode NTPClient.query}.
   *
   * @param options the server and how to ask it
   * @throws {TypeError} if an option has the wrong type
   * @throws {RangeError} if an option is out of range
   */
  constructor(options: NTPClientOptions) {
    const { endpoint, ...rest } = options;
    this.endpoint = checkHost("endpoint", endpoint);
    checkOptions(rest);
    this.#options = rest;
  }

  /**
   * Asks the server for the time: {@linkcode query} with this client's options.
   *
   * @param options what differs this time
   */
  query(options: QueryOptions = {}): Promise<QueryResult> {
    return query(this.endpoint, { ...this.#options, ...options });
  }

  /**
   * Asks once and returns the reply, whatever it says: {@linkcode queryRaw} with this client's
   * options.
   *
   * @param options what differs this time
   */
  queryRaw(options: QueryOptions = {}): Promise<RawReply> {
    return queryRaw(this.endpoint, { ...this.#options, ...options });
  }
}
