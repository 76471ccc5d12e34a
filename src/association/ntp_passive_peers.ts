import type { SymmetricKey } from "../auth/symmetric_key.ts";
import { authenticationOf } from "../client/authentication.ts";
import { NTPPacket, type Version } from "../packet/packet.ts";
import { NTPServer } from "../server/ntp_server.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import { Association } from "./association.ts";
import { AssociationRunner, type AssociationStatistics } from "./association_runner.ts";
import { type AssociationEvents, EventSource } from "./events.ts";
import { ownReferenceIds } from "./own_reference_ids.ts";
import { PeerTable } from "./peer_table.ts";
import { checkPollOptions, type PollOptions } from "./poll_process.ts";
import { type AssociationWorld, checkWorld } from "./world.ts";

/** Polls in a row without an answer after which a passive association ends. */
const PATIENCE = 8;

/** Options of {@linkcode NTPPassivePeers}. */
export interface NTPPassivePeersOptions extends PollOptions, AssociationEvents, AssociationWorld {
  /** Our own server: the associations share its port, clock and keys. */
  server: NTPServer;
  /**
   * Addresses of this machine, where the server listens at all of them: a peer that follows one of
   * them is no source of time. Default: the addresses that the server was told to listen at.
   */
  ownAddresses?: readonly string[];
  /** How many peers there may be at once, 1 to 1000. Default 16. */
  maxPeers?: number;
  /**
   * Take peers that do not authenticate themselves. Default false: anybody could become a source of
   * time, a hundred times over (CVE-2016-1549).
   */
  allowUnauthenticated?: boolean;
}

/** A passive peer and what its association has done. */
export interface PassivePeer extends AssociationStatistics {
  /** IP address of the peer. */
  readonly hostname: string;
  /** Port of the peer. */
  readonly port: number;
}

/**
 * Symmetric passive associations (RFC 5905 §3): takes whoever asks for one as a peer, if they are
 * authenticated, and forgets them when they are silent. The default poll is 16 s to 1024 s: the
 * peer's own counts within.
 *
 * @example A server that takes the peers that have its key
 * ```ts
 * import { NTPPassivePeers, NTPServer, SymmetricKey } from "@ntps/ntps";
 *
 * const key = new SymmetricKey({ id: 1, type: "AES128", secret: new Uint8Array(16) });
 * const server = new NTPServer({ refid: "GPS", keys: [key] });
 * const peers = new NTPPassivePeers({ server, maxPeers: 4 });
 * peers.start();
 * await server.listen({ hostname: "127.0.0.1", port: 0 });
 * console.log(peers.statistics().length); // 0
 * peers.close();
 * await server.close();
 * ```
 */
export class NTPPassivePeers implements Disposable {
  readonly #options: NTPPassivePeersOptions;
  readonly #maxPeers: number;
  readonly #peers = new Map<AssociationRunner, EventSource>();
  #refused = 0;

  /**
   * Makes the host of passive associations; it does nothing before
   * {@linkcode NTPPassivePeers.start}.
   *
   * @param options whom to take
   * @throws {TypeError} if an option has the wrong type
   * @throws {RangeError} if an option is out of range
   */
  constructor(options: NTPPassivePeersOptions) {
    const { server, maxPeers = 16, allowUnauthenticated = false } = options;
    if (!(server instanceof NTPServer)) {
      throw new TypeError(`server is an NTPServer, not ${String(server)}`);
    }
    if (typeof maxPeers !== "number") {
      throw new TypeError(`maxPeers is a number, not ${typeof maxPeers}: ${String(maxPeers)}`);
    }
    if (!Number.isInteger(maxPeers) || maxPeers < 1 || maxPeers > 1000) {
      throw new RangeError(`maxPeers is a whole number from 1 to 1000, not ${maxPeers}`);
    }
    if (typeof allowUnauthenticated !== "boolean") {
      throw new TypeError(`allowUnauthenticated is a boolean, not ${String(allowUnauthenticated)}`);
    }
    checkWorld(options);
    this.#options = { ...options, ...checkPollOptions({ minPoll: 4, ...options }) };
    this.#maxPeers = maxPeers;
  }

  /** How many strangers were refused: not authenticated, or one too many. */
  get refused(): number {
    return this.#refused;
  }

  /** Begins to take peers. */
  start(): void {
    PeerTable.of(this.#options.server).setMobilizer((data, source) => this.#mobilize(data, source));
    this.#options.signal?.addEventListener("abort", () => this.close(), { once: true });
  }

  /** The peers there are, and what their associations have done. */
  statistics(): PassivePeer[] {
    return [...this.#peers.keys()].map((runner) => {
      const { hostname, port } = runner.association.remote;
      return { hostname, port, ...runner.statistics() };
    });
  }

  /** Ends all passive associations, and takes no more. Calling it again is harmless. */
  close(): void {
    PeerTable.of(this.#options.server).setMobilizer(undefined);
    for (const runner of [...this.#peers.keys()]) this.#demobilize(runner);
  }

  /** {@linkcode NTPPassivePeers.close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #mobilize(data: Uint8Array, source: Endpoint): void {
    const who = this.#judge(data, source);
    if (who === undefined || this.#peers.size >= this.#maxPeers) {
      this.#refused++;
      return;
    }
    const { server, minPoll, maxPoll } = this.#options;
    const { timers, random } = checkWorld(this.#options);
    const remote = source.clone();
    const association = new Association({
      mode: "symmetric passive",
      remote,
      clock: server.clock,
      random,
      variables: () => server.systemVariables(),
      ownReferenceIds: ownReferenceIds(server, this.#options.ownAddresses),
      key: who.key,
      version: who.version,
      minPoll: minPoll!,
      maxPoll: maxPoll!,
    });
    association.poll.setHostPoll(who.poll);
    const events = new EventSource(this.#options, remote);
    let silence = 0;
    const runner = new AssociationRunner(association, {
      clock: server.clock,
      timers,
      random,
      send: (bytes, departed) => PeerTable.of(server).send(bytes, remote, departed),
      onReception: (reception) => {
        // A peer that is heard but not yet understood is not silent.
        const isHeard = reception.outcome !== "ignored" || reception.reason === "unsolicited" ||
          reception.reason === "measured";
        if (isHeard) silence = 0;
        events.received(reception);
        events.update(association);
      },
      onPoll: () => {
        events.update(association);
        if (++silence > PATIENCE) this.#demobilize(runner);
      },
    });
    this.#peers.set(runner, events);
    PeerTable.of(server).add(runner);
    runner.start();
  }

  /** Whether a stranger may become a peer, and how it is to be treated. */
  #judge(
    data: Uint8Array,
    source: Endpoint,
  ): { key: SymmetricKey | undefined; version: Version; poll: number } | undefined {
    let packet: NTPPacket;
    try {
      packet = NTPPacket.decode(data);
    } catch {
      return undefined;
    }
    const { mac, version, poll } = packet;
    const { server, allowUnauthenticated = false } = this.#options;
    if (mac === undefined) {
      return allowUnauthenticated ? { key: undefined, version, poll } : undefined;
    }
    const { keys } = server;
    const key = keys?.get(mac.keyId);
    if (key === undefined || !keys!.allows(key.id, source.bytes)) return undefined;
    return authenticationOf(data, packet, key) === "key" ? { key, version, poll } : undefined;
  }

  #demobilize(runner: AssociationRunner): void {
    const events = this.#peers.get(runner);
    if (events === undefined) return;
    this.#peers.delete(runner);
    runner.stop();
    PeerTable.of(this.#options.server).delete(runner);
    events.become("stopped");
  }
}
