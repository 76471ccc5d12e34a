import {
  type BroadcasterStatistics,
  type BroadcastTarget,
  NTPBroadcaster,
} from "../association/ntp_broadcaster.ts";
import { NTPPassivePeers } from "../association/ntp_passive_peers.ts";
import { NTPPeer } from "../association/ntp_peer.ts";
import type { SymmetricKey } from "../auth/symmetric_key.ts";
import type { ResolveHost } from "../client/options.ts";
import { NTPError } from "../packet/error.ts";
import type { NTPServer } from "../server/ntp_server.ts";
import { Endpoint } from "../transport/endpoint.ts";
import { resolveHost } from "../transport/resolve.ts";
import { BROADCAST_INTERVAL_MS, broadcastTargets } from "./broadcast_options.ts";
import { PeerLog } from "./peer_log.ts";
import { formatSeconds } from "./quantity.ts";
import type { ServeValues } from "./serve_values.ts";
import type { World } from "./world.ts";

/** How long the system may take to say that it cannot send, in milliseconds. */
const SETTLE_MS = 100;

/** The last error that was reported, if there was one. */
export interface LastError {
  last?: Error | undefined;
}

/** What a server does besides answering: values of the options, and the key that they name. */
export interface AssociationParts extends Omit<ServeValues, "key"> {
  /** Signs broadcasts, and packets to active peers. */
  readonly key: SymmetricKey | undefined;
}

/** What the associations share with their server. */
export interface Surroundings {
  /** All that they touch. */
  readonly world: World;
  /** What the server's sockets report to, and the broadcasts too. */
  readonly errors: LastError;
  /** Ends them. */
  readonly signal: AbortSignal;
}

/** The broadcasts and the peers of `ntps serve`. */
export class ServeAssociations {
  /** What the peers do. */
  readonly log: PeerLog = new PeerLog();
  readonly #server: NTPServer;
  readonly #parts: AssociationParts;
  readonly #targets: readonly BroadcastTarget[];
  readonly #interval: number;
  readonly #surroundings: Surroundings;
  readonly #peers: readonly NTPPeer[];
  readonly #passive: NTPPassivePeers | undefined;
  #broadcaster: NTPBroadcaster | undefined;

  /**
   * Makes them; they do nothing before {@linkcode ServeAssociations.start}.
   *
   * @param server whose port they share
   * @param parts what there shall be
   * @param surroundings what they share with it
   */
  constructor(server: NTPServer, parts: AssociationParts, surroundings: Surroundings) {
    this.#server = server;
    this.#parts = parts;
    this.#targets = broadcastTargets(parts, parts.interface);
    this.#interval = (parts.broadcastInterval ?? BROADCAST_INTERVAL_MS) / 1000;
    this.#surroundings = surroundings;
    const common = this.#common();
    this.#peers = parts.peer.map(({ text, hostname, port }) =>
      new NTPPeer({
        ...common,
        ...this.log.events(text),
        endpoint: hostname,
        ...(port !== undefined && { port }),
        ...(parts.key && { key: parts.key }),
        interleaved: parts.interleaved,
        resolve: (host, options) => this.#resolve(host, options),
      })
    );
    if (!parts.passive) return;
    this.#passive = new NTPPassivePeers({
      ...common,
      ...this.log.events(),
      allowUnauthenticated: parts.unauthenticated,
    });
  }

  /**
   * Starts them; the server listens.
   *
   * @param warn told what is unwise
   * @throws {NTPError} if a peer is not found, or what is broadcast cannot be sent
   */
  async start(warn: (message: string) => void): Promise<void> {
    for (const peer of this.#peers) await peer.start();
    this.#passive?.start();
    if (this.#targets.length > 0) await this.#startBroadcasts(warn);
  }

  /** What has been broadcast, if anything shall be. */
  get broadcasts(): BroadcasterStatistics | undefined {
    return this.#broadcaster?.statistics();
  }

  /** What there is, in a few words each. */
  describe(): string[] {
    const { peer, passive, unauthenticated, key } = this.#parts;
    const signed = key === undefined ? "without a key" : `with key ${key.id}`;
    const words: string[] = [];
    if (this.#targets.length > 0) {
      const where = this.#targets.map(targetText).join(", ");
      words.push(`broadcasts to ${where} every ${formatSeconds(this.#interval)} ${signed}`);
    }
    if (peer.length > 0) words.push(`peers ${peer.map(({ text }) => text).join(", ")} ${signed}`);
    if (passive) words.push(`passive peers ${unauthenticated ? "with and without" : "with"} a key`);
    return words;
  }

  /** Options of all of them. */
  #common() {
    const { world: { timers, queryOptions: { random } = {} }, signal } = this.#surroundings;
    return { server: this.#server, timers, signal, ...(random && { random }) };
  }

  async #startBroadcasts(warn: (message: string) => void): Promise<void> {
    const { world: { timers }, errors } = this.#surroundings;
    const { key } = this.#parts;
    const { port } = this.#server.addresses[0]!;
    const targets = this.#targets.map((target) => ({ ...target, port }));
    for (const { address } of targets) this.#checkReaches(address);
    const warnings: string[] = [];
    this.#broadcaster = new NTPBroadcaster({
      ...this.#common(),
      targets,
      interval: this.#interval,
      interleaved: this.#parts.interleaved,
      ...(key && { key }),
      onWarning: (message) => warnings.push(message),
      onError: (error) => errors.last = error,
    });
    errors.last = undefined;
    this.#broadcaster.start();
    await new Promise<void>((resolve) => timers.after(SETTLE_MS, resolve));
    const { last } = errors;
    if (last !== undefined && targets.some((target) => concerns(last, target))) throw last;
    warnings.forEach(warn);
  }

  /** The addresses of a peer that the server can send to. */
  async #resolve(...[host, options]: Parameters<ResolveHost>): Promise<string[]> {
    const resolve = this.#surroundings.world.queryOptions?.resolve ?? resolveHost;
    const addresses = await resolve(host, options);
    const reached = addresses.filter((address) => this.#reaches(address));
    if (reached.length === 0) this.#checkReaches(addresses[0]!);
    return reached;
  }

  #reaches(address: string): boolean {
    return this.#server.transportFor(new Endpoint(address, 0)) !== undefined;
  }

  #checkReaches(address: string): void {
    if (this.#reaches(address)) return;
    const any = address.includes(":") ? "::" : "0.0.0.0";
    throw new NTPError(
      "unreachable",
      `The server listens at no address from which it could send to ${address}: add --address ${any}`,
    );
  }
}

function targetText({ address, networkInterface }: BroadcastTarget): string {
  return networkInterface === undefined || address.includes("%")
    ? address
    : `${address}%${networkInterface}`;
}

/** Whether an error of a socket is about a target: it names the address then. */
function concerns({ message }: Error, { address, port }: BroadcastTarget): boolean {
  return message.includes(`${new Endpoint(address, port!)}`);
}
