import { MODE_SYMMETRIC_ACTIVE, MODE_SYMMETRIC_PASSIVE } from "../packet/mode.ts";
import { modeOf } from "../packet/header.ts";
import type { NTPServer } from "../server/ntp_server.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import type { UdpTransport } from "../transport/udp_transport.ts";
import type { AssociationRunner } from "./association_runner.ts";

/** An association, and the socket that its peer asks. */
interface Peer {
  readonly runner: AssociationRunner;
  /** Not known before the peer is heard. */
  transport: UdpTransport | undefined;
}

/** Asked about a symmetric active packet of a stranger; adds an association for it, or not. */
export type Mobilizer = (data: Uint8Array, source: Endpoint) => void;

const tables = new WeakMap<NTPServer, PeerTable>();

function nameOf({ hostname, port }: Endpoint): string {
  return `${hostname}#${port}`;
}

/**
 * The symmetric associations of one server: which of them a packet is for (RFC 5905 §9.2, figure
 * 20).
 */
export class PeerTable {
  readonly #server: NTPServer;
  readonly #peers = new Map<string, Peer>();
  #mobilizer: Mobilizer | undefined;
  #endRoute: (() => void) | undefined;

  /**
   * The table of a server.
   *
   * @param server the server whose port the associations share
   */
  static of(server: NTPServer): PeerTable {
    let table = tables.get(server);
    if (table === undefined) tables.set(server, table = new PeerTable(server));
    return table;
  }

  private constructor(server: NTPServer) {
    this.#server = server;
  }

  /** How many associations there are. */
  get size(): number {
    return this.#peers.size;
  }

  /** The association with a peer, if there is one. */
  get(remote: Endpoint): AssociationRunner | undefined {
    return this.#peers.get(nameOf(remote))?.runner;
  }

  /**
   * Sends to the peer of an association: from the address that the peer asks, since it knows us by
   * that one.
   *
   * @param data the payload
   * @param remote the peer
   * @param departed told when it left
   */
  send(data: Uint8Array, remote: Endpoint, departed: (departure: bigint) => void): void {
    const server = this.#server;
    const transport = this.#peers.get(nameOf(remote))?.transport;
    const outcome = transport && server.sendTimed(data, remote, departed, transport);
    if (outcome === undefined || outcome === "closed") server.sendTimed(data, remote, departed);
  }

  /** Adds an association, in the place of any other with the same peer. */
  add(runner: AssociationRunner): void {
    this.#peers.set(nameOf(runner.association.remote), { runner, transport: undefined });
    this.#update();
  }

  /** Removes an association. */
  delete(runner: AssociationRunner): void {
    const name = nameOf(runner.association.remote);
    if (this.#peers.get(name)?.runner === runner) this.#peers.delete(name);
    this.#update();
  }

  /** Sets who is asked about strangers; `undefined`, nobody. */
  setMobilizer(mobilizer: Mobilizer | undefined): void {
    this.#mobilizer = mobilizer;
    this.#update();
  }

  /** Has the server's symmetric packets while there is anybody who wants them. */
  #update(): void {
    const isWanted = this.#peers.size > 0 || this.#mobilizer !== undefined;
    if (!isWanted) {
      this.#endRoute?.();
      this.#endRoute = undefined;
    }
    if (!isWanted || this.#endRoute !== undefined) return;
    const modes = [MODE_SYMMETRIC_ACTIVE, MODE_SYMMETRIC_PASSIVE] as const;
    this.#endRoute = this.#server.route(modes, (data, source, arrival, transport) => {
      const name = nameOf(source);
      if (!this.#peers.has(name) && modeOf(data[0]!) === MODE_SYMMETRIC_ACTIVE) {
        this.#mobilizer?.(data, source);
      }
      const peer = this.#peers.get(name);
      if (peer === undefined) return false;
      const { runner } = peer;
      const reception = runner.receive(data, arrival);
      // One that only begins is not believed against one that answers (CVE-2015-1853).
      const isNew = runner.association.poll.reach === 0 && reception.outcome === "ignored" &&
        reception.reason === "unsolicited";
      if (isNew || reception.outcome === "sample") peer.transport = transport;
      return true;
    });
  }
}
