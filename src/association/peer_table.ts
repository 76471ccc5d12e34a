import { MODE_SYMMETRIC_ACTIVE, MODE_SYMMETRIC_PASSIVE } from "../packet/mode.ts";
import { modeOf } from "../packet/header.ts";
import type { NTPServer } from "../server/ntp_server.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import type { AssociationRunner } from "./association_runner.ts";

/** Asked about a symmetric active packet of a stranger; makes an association for it, or not. */
export type Mobilizer = (data: Uint8Array, source: Endpoint) => AssociationRunner | undefined;

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
  readonly #peers = new Map<string, AssociationRunner>();
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
    return this.#peers.get(nameOf(remote));
  }

  /** Adds an association, in the place of any other with the same peer. */
  add(runner: AssociationRunner): void {
    this.#peers.set(nameOf(runner.association.remote), runner);
    this.#update();
  }

  /** Removes an association. */
  delete(runner: AssociationRunner): void {
    const name = nameOf(runner.association.remote);
    if (this.#peers.get(name) === runner) this.#peers.delete(name);
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
    this.#endRoute = this.#server.route(modes, (data, source, arrival) => {
      let runner = this.#peers.get(nameOf(source));
      if (runner === undefined && modeOf(data[0]!) === MODE_SYMMETRIC_ACTIVE) {
        runner = this.#mobilizer?.(data, source);
      }
      if (runner === undefined) return false;
      runner.receive(data, arrival);
      return true;
    });
  }
}
