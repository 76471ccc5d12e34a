import type { NtsSessions, NtsSource } from "../nts/nts_source.ts";
import type { CheckedServerOptions } from "./named_servers.ts";
import type { SyncSink } from "./sync_input.ts";

/** A server that may be asked. */
export interface Candidate {
  /** IP address. */
  readonly address: string;
  readonly port: number;
  /** Keys that its requests are protected with; undefined, they are not. */
  readonly nts: NtsSource | undefined;
  /** Address of the server of a pool that has exchanged them. */
  readonly exchangedWith?: string | undefined;
}

/**
 * Finds the servers that a name stands for: its addresses, or those that servers of key exchange name
 * (RFC 8915 §4.1.7).
 */
export class Candidates {
  readonly #options: CheckedServerOptions;
  readonly #sink: SyncSink;
  /** Of a server: kept as long as it is wanted. */
  #session: NtsSource | undefined;
  /** How many addresses of a pool were asked for keys: the next time others have their turn. */
  #turns = 0;

  /**
   * @param options what is known of the name
   * @param sink resolves names, and may make sessions
   */
  constructor(options: CheckedServerOptions, sink: SyncSink) {
    this.#options = options;
    this.#sink = sink;
  }

  /**
   * Looks for servers.
   *
   * @param wanted how many there should be, if each has keys of its own to exchange
   * @param inUse addresses of a pool that have named a server which is asked
   * @throws what the look-up of the name threw, or the key exchanges, if all failed
   */
  async find(wanted: number, inUse: ReadonlySet<string>): Promise<Candidate[]> {
    const { hostname, kind, nts, port } = this.#options;
    if (nts === undefined) {
      const addresses = await this.#resolve(hostname);
      return addresses.map((address) => ({ address, port, nts: undefined }));
    }
    if (kind === "server") return await this.#named(this.#session ??= this.#sessionOf());
    // Each address is a server of key exchange, or all are one which names another server each time.
    const addresses = await this.#resolve(hostname);
    const turn = this.#turns % addresses.length;
    const inTurn = [...addresses.slice(turn), ...addresses.slice(0, turn)];
    const fresh = inTurn.filter((address) => !inUse.has(address));
    const asked = fresh.length > 0 ? fresh.slice(0, wanted) : inTurn.slice(0, 1);
    this.#turns += asked.length;
    const found = await Promise.allSettled(asked.map(async (address) => {
      const [first] = await this.#named(this.#sessionOf(address));
      return first === undefined ? [] : [{ ...first, exchangedWith: address }];
    }));
    const candidates = found.flatMap((one) => one.status === "fulfilled" ? one.value : []);
    const failed = found.find((one) => one.status === "rejected");
    if (candidates.length === 0 && failed !== undefined) throw failed.reason;
    return candidates;
  }

  async #resolve(hostname: string): Promise<readonly string[]> {
    const { family } = this.#options, { signal } = this.#sink;
    return await this.#sink.resolve(hostname, { signal, ...(family !== undefined && { family }) });
  }

  /** The servers that a key exchange names, all with the same keys. */
  async #named(nts: NtsSource): Promise<Candidate[]> {
    const { hostname, port } = await nts.ready(this.#sink.signal);
    return (await this.#resolve(hostname)).map((address) => ({ address, port, nts }));
  }

  #sessionOf(address?: string): NtsSource {
    const { family, hostname, nts, ntsPort } = this.#options;
    if (nts !== true && "ready" in nts!) return nts;
    const sessions: NtsSessions | undefined = nts === true ? this.#sink.nts : nts;
    if (sessions === undefined) throw new TypeError(`nts of ${hostname} is true: ${NO_CLIENT}`);
    return sessions.session(hostname, {
      ...(ntsPort !== undefined && { port: ntsPort }),
      ...(family !== undefined && { family }),
      ...(address !== undefined && { address }),
    });
  }
}

/** What is missing where `nts` is true. */
export const NO_CLIENT = "give NTPSync.start() an NtsClient of @ntps/ntps/nts as nts";
