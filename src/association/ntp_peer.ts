import { SymmetricKey } from "../auth/symmetric_key.ts";
import { checkHost, type ResolveHost } from "../client/options.ts";
import { NTPError } from "../packet/error.ts";
import type { Version } from "../packet/packet.ts";
import { NTPServer } from "../server/ntp_server.ts";
import { Endpoint } from "../transport/endpoint.ts";
import { resolveHost } from "../transport/resolve.ts";
import { Association } from "./association.ts";
import { AssociationRunner, type AssociationStatistics } from "./association_runner.ts";
import { type AssociationEvents, EventSource, type PeerState } from "./events.ts";
import { ownReferenceIds } from "./own_reference_ids.ts";
import { PeerTable } from "./peer_table.ts";
import { checkPollOptions, type PollOptions } from "./poll_process.ts";
import { type AssociationWorld, checkWorld } from "./world.ts";

/** Options of {@linkcode NTPPeer}. */
export interface NTPPeerOptions extends PollOptions, AssociationEvents, AssociationWorld {
  /** Our own server: the association shares its port, its clock and what it says of itself. */
  server: NTPServer;
  /** The peer: name or IP address. */
  endpoint: string;
  /** The peer's port, 1 to 65535. Default 123. */
  port?: number;
  /** Key that both sides share. Without one, anybody who can forge addresses can deny the service. */
  key?: SymmetricKey;
  /** Protocol version, 1 to 4. Default 4. */
  version?: Version;
  /**
   * Send in interleaved mode (RFC 9769 §3), in which each packet tells when the one before it left, as
   * the kernel says where the transport is native. A peer that sends none itself is tried again now
   * and then, at the cost of some of our answers; one that does is answered in it anyway. Default
   * false.
   */
  interleaved?: boolean;
  /**
   * Addresses of this machine, where the server listens at all of them: a peer that follows one of
   * them is no source of time. Default: the addresses that the server was told to listen at.
   */
  ownAddresses?: readonly string[];
  /** Names to addresses. Default: the resolver of the operating system. */
  resolve?: ResolveHost;
}

/**
 * A symmetric active association (RFC 5905 §3): two servers that take time from each other, so that
 * each has the other's when it loses its own.
 *
 * The other side has either such an association with us, or takes us as a passive peer (see
 * {@linkcode NTPPassivePeers}). Both send from the port they serve at, usually 123.
 *
 * @example Two servers that are peers
 * ```ts
 * import { NTPPeer, NTPServer } from "@ntps/ntps";
 *
 * const server = new NTPServer({ refid: "GPS" });
 * await server.listen({ hostname: "127.0.0.1", port: 0 });
 * const peer = new NTPPeer({
 *   server,
 *   endpoint: "127.0.0.1",
 *   port: 12301,
 *   onSample: ({ hostname, offset }) => console.log(`${hostname} is ${offset} s ahead`),
 * });
 * await peer.start();
 * peer.close();
 * await server.close();
 * ```
 */
export class NTPPeer implements Disposable {
  /** The peer: name or IP address. */
  readonly endpoint: string;
  readonly #options: NTPPeerOptions;
  readonly #port: number;
  #runner: AssociationRunner | undefined;
  #events: EventSource | undefined;
  #endListening = (): void => {};
  #closed = false;

  /**
   * Makes an association; it does nothing before {@linkcode NTPPeer.start}.
   *
   * @param options the peer and how to treat it
   * @throws {TypeError} if an option has the wrong type
   * @throws {RangeError} if an option is out of range
   */
  constructor(options: NTPPeerOptions) {
    const { server, endpoint, port = 123, key } = options;
    if (!(server instanceof NTPServer)) {
      throw new TypeError(`server is an NTPServer, not ${String(server)}`);
    }
    if (key !== undefined && !(key instanceof SymmetricKey)) {
      throw new TypeError(`key is a SymmetricKey, not ${typeof key}`);
    }
    if (!Number.isInteger(port) || port < 1 || port > 65535) {
      throw new RangeError(`port is a whole number from 1 to 65535, not ${String(port)}`);
    }
    const { interleaved = false } = options;
    if (typeof interleaved !== "boolean") {
      throw new TypeError(`interleaved is a boolean, not ${String(interleaved)}`);
    }
    checkPollOptions(options);
    checkWorld(options);
    this.endpoint = checkHost("endpoint", endpoint);
    this.#port = port;
    this.#options = options;
  }

  /** How the association does. */
  get state(): PeerState {
    return this.#closed ? "stopped" : this.#events?.state ?? "waiting";
  }

  /**
   * Begins to poll the peer.
   *
   * @throws {NTPError} `not-found` if the name has no address, `closed` if the server does not
   * listen or the association was closed
   */
  async start(): Promise<void> {
    const { server, resolve = resolveHost, signal } = this.#options;
    const { timers, random } = checkWorld(this.#options);
    const [address] = await resolve(this.endpoint, signal === undefined ? {} : { signal });
    if (this.#closed) {
      throw new NTPError("closed", `The association with ${this.endpoint} is closed`);
    }
    if (this.#runner !== undefined) return;
    if (server.addresses.length === 0) {
      throw new NTPError("closed", "The server does not listen yet: call its listen() first");
    }
    const remote = new Endpoint(address!, this.#port);
    const { key, version, minPoll, maxPoll } = this.#options;
    const association = new Association({
      mode: "symmetric active",
      remote,
      clock: server.clock,
      random,
      variables: () => server.systemVariables(),
      ownReferenceIds: ownReferenceIds(server, this.#options.ownAddresses),
      key,
      version,
      interleaved: this.#options.interleaved,
      ...(minPoll !== undefined && { minPoll }),
      ...(maxPoll !== undefined && { maxPoll }),
    });
    const events = new EventSource(this.#options, remote);
    this.#events = events;
    this.#runner = new AssociationRunner(association, {
      clock: server.clock,
      timers,
      random,
      send: (data, departed) => PeerTable.of(server).send(data, remote, departed),
      onReception: (reception) => {
        events.received(reception);
        events.update(association);
      },
      onPoll: () => events.update(association),
    });
    PeerTable.of(server).add(this.#runner);
    const onAbort = (): void => this.close();
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#endListening = () => signal?.removeEventListener("abort", onAbort);
    this.#runner.start();
  }

  /** What the association has done; `undefined` before it has started. */
  statistics(): AssociationStatistics | undefined {
    return this.#runner?.statistics();
  }

  /** Ends the association. Calling it again is harmless. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#endListening();
    if (this.#runner === undefined) return;
    this.#runner.stop();
    PeerTable.of(this.#options.server).delete(this.#runner);
    this.#events?.become("stopped");
  }

  /** {@linkcode NTPPeer.close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }
}
