import { SymmetricKey } from "../auth/symmetric_key.ts";
import { authenticationOf } from "../client/authentication.ts";
import { answers } from "../client/match.ts";
import { makeRequest, signed } from "../client/request.ts";
import type { Clock } from "../clock/clock.ts";
import { SystemClock } from "../clock/system_clock.ts";
import { NTPError } from "../packet/error.ts";
import { isMulticast } from "../packet/ip_address.ts";
import { NTPPacket, type Version } from "../packet/packet.ts";
import { bindUdp } from "../transport/bind_udp.ts";
import { Endpoint } from "../transport/endpoint.ts";
import type { BindUdp, UdpTransport } from "../transport/udp_transport.ts";
import { Association } from "./association.ts";
import { AssociationRunner, type AssociationStatistics } from "./association_runner.ts";
import { type AssociationEvents, EventSource } from "./events.ts";
import { checkPollOptions, type PollOptions } from "./poll_process.ts";
import { type AssociationWorld, checkWorld } from "./world.ts";

/** Hop limits of one search after the other: nearer servers are found first (RFC 5905 §13.4). */
const HOP_LIMITS = [1, 2, 4, 8, 16, 32, 64, 128, 255];
/** Polls in a row without an answer after which a server found is given up. */
const PATIENCE = 8;

/** Options of {@linkcode NTPManycastClient}. */
export interface NTPManycastClientOptions extends PollOptions, AssociationEvents, AssociationWorld {
  /** Multicast group that the servers are in, such as `"239.255.1.1"` or `"ff05::101"`. */
  group: string;
  /** Port of the servers, 1 to 65535. Default 123. */
  port?: number;
  /** Outgoing interface: its name or one of its addresses. Default: the route's. */
  networkInterface?: string;
  /** Key that client and servers share. Without one, anybody in reach can become a server. */
  key?: SymmetricKey;
  /** Protocol version, 1 to 4. Default 4. */
  version?: Version;
  /** How many servers are enough, 1 to 100: then the search ends, until one is lost. Default 3. */
  enough?: number;
  /** Farthest search: time to live or hop limit, 1 to 255. Default 32. */
  maxHopLimit?: number;
  /** The clock to compare with. Default: the system's. */
  clock?: Clock;
  /** How sockets are made. Default: the runtime's own UDP. */
  bind?: BindUdp;
}

/** A server that was found. */
export interface ManycastServer extends AssociationStatistics {
  /** IP address of the server. */
  readonly hostname: string;
  /** Port of the server. */
  readonly port: number;
}

/** A search that replies may still come to. */
interface Search {
  readonly request: Uint8Array;
}

/**
 * Finds servers by asking a multicast group, farther and farther until enough have answered, and
 * then asks each of them for itself (RFC 5905 §3.1). Servers of this machine are not looked for.
 *
 * A server takes part by listening in the group: see `ListenOptions.groups`.
 *
 * @example Three servers of the site
 * ```ts
 * import { NTPManycastClient } from "@ntps/ntps";
 *
 * const client = new NTPManycastClient({
 *   group: "239.255.1.1",
 *   onSample: ({ hostname, offset }) => console.log(`${hostname} is ${offset} s ahead`),
 * });
 * // await client.start();
 * await client.close();
 * ```
 */
export class NTPManycastClient implements AsyncDisposable {
  readonly #options: NTPManycastClientOptions;
  readonly #group: Endpoint;
  readonly #clock: Clock;
  readonly #enough: number;
  #hopLimits: readonly number[];
  readonly #servers = new Map<string, { runner: AssociationRunner; events: EventSource }>();
  #transport: UdpTransport | undefined;
  #search: Search | undefined;
  #searches = 0;
  #cancelSearch = (): void => {};
  #closed = false;

  /**
   * Makes a client; it does nothing before {@linkcode NTPManycastClient.start}.
   *
   * @param options the group and how many servers are wanted
   * @throws {TypeError} if an option has the wrong type
   * @throws {RangeError} if an option is out of range
   */
  constructor(options: NTPManycastClientOptions) {
    const { group, port = 123, enough = 3, maxHopLimit = 32, key } = options;
    this.#group = new Endpoint(typeof group === "string" ? group : "", port);
    if (!isMulticast(this.#group.bytes)) {
      throw new RangeError(`group is a multicast address, not ${JSON.stringify(group)}`);
    }
    for (
      const [name, value, most] of [
        ["port", port, 65535],
        ["enough", enough, 100],
        ["maxHopLimit", maxHopLimit, 255],
      ] as const
    ) {
      if (!Number.isInteger(value) || value < 1 || value > most) {
        throw new RangeError(`${name} is a whole number from 1 to ${most}, not ${value}`);
      }
    }
    if (key !== undefined && !(key instanceof SymmetricKey)) {
      throw new TypeError(`key is a SymmetricKey, not ${typeof key}`);
    }
    checkPollOptions(options);
    checkWorld(options);
    this.#options = options;
    this.#clock = options.clock ?? new SystemClock();
    this.#enough = enough;
    this.#hopLimits = [...HOP_LIMITS.filter((limit) => limit < maxHopLimit), maxHopLimit];
  }

  /**
   * Begins to search.
   *
   * @throws {NTPError} what binding throws; `unsupported` if the runtime cannot send to groups,
   * `address-unavailable` if the interface does not exist
   */
  async start(): Promise<void> {
    const { bind = bindUdp, signal } = this.#options;
    if (this.#transport !== undefined) return;
    const transport = await bind({
      hostname: this.#group.family === 6 ? "::" : "0.0.0.0",
      port: 0,
      multicast: true,
      ipv6Only: this.#group.family === 6,
      clock: this.#clock,
      onDatagram: (data, source, arrival) => this.#receive(data, source, arrival),
      onError: (error) => this.#options.onError?.(error),
    });
    if (this.#closed || signal?.aborted) {
      await transport.close();
      throw new NTPError("closed", "The client was closed before it started");
    }
    this.#transport = transport;
    try {
      this.#configure(1);
    } catch (error) {
      this.#transport = undefined;
      await transport.close();
      throw error;
    }
    signal?.addEventListener("abort", () => void this.close(), { once: true });
    this.#nextSearch();
  }

  /** The servers that were found, and what their associations have done. */
  statistics(): ManycastServer[] {
    return [...this.#servers.values()].map(({ runner }) => {
      const { hostname, port } = runner.association.remote;
      return { hostname, port, ...runner.statistics() };
    });
  }

  /** Ends search and associations. Calling it again is harmless. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelSearch();
    for (const { runner, events } of this.#servers.values()) {
      runner.stop();
      events.become("stopped");
    }
    await this.#transport?.close();
  }

  /** {@linkcode NTPManycastClient.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Asks the group, unless there are enough servers; and again a poll later. */
  #nextSearch(): void {
    const { timers, random } = checkWorld(this.#options);
    const { minPoll } = checkPollOptions(this.#options);
    const { key, version = 4 } = this.#options;
    this.#cancelSearch = timers.after(2 ** minPoll * 1000, () => this.#nextSearch());
    if (this.#servers.size >= this.#enough) {
      this.#search = undefined;
      this.#searches = 0;
      return;
    }
    const hopLimit = this.#hopLimits[Math.min(this.#searches++, this.#hopLimits.length - 1)]!;
    const plain = makeRequest(version, random);
    const request = key === undefined ? plain : signed(plain, key, version);
    this.#search = { request };
    try {
      this.#reach(hopLimit);
      this.#transport!.send(request, this.#group);
    } catch (error) {
      this.#options.onError?.(error as Error);
    }
  }

  /** Sets how far a search goes; where that cannot be set, it stays on the link. */
  #reach(hopLimit: number): void {
    try {
      this.#configure(hopLimit);
    } catch (error) {
      const isTooFar = error instanceof NTPError && error.code === "unsupported" && hopLimit > 1;
      if (!isTooFar) throw error;
      this.#hopLimits = [1];
      this.#configure(1);
      this.#options.onError?.(error);
    }
  }

  #configure(hopLimit: number): void {
    const { networkInterface } = this.#options;
    this.#transport!.configureMulticast({
      hopLimit,
      loopback: false, // a server of this machine has the same clock
      ...(networkInterface !== undefined && { networkInterface }),
    });
  }

  #receive(data: Uint8Array, source: Endpoint, arrival: Uint32Array): void {
    const isFound = this.#search !== undefined && answers(this.#search.request, data);
    const known = this.#servers.get(`${source}`);
    if (isFound && known === undefined && this.#isUseful(data)) this.#add(source.clone());
    else if (!isFound) known?.runner.receive(data, arrival);
  }

  /** Whether who answered our search knows the time, and another server is wanted. */
  #isUseful(data: Uint8Array): boolean {
    if (this.#servers.size >= this.#enough) return false;
    const { key } = this.#options;
    try {
      const packet = NTPPacket.decode(data);
      const isTimeTeller = packet.stratum > 0 && packet.stratum < 16 && packet.leapIndicator !== 3;
      return isTimeTeller && (key === undefined || authenticationOf(data, packet, key) === "key");
    } catch {
      return false;
    }
  }

  #add(remote: Endpoint): void {
    const { timers, random } = checkWorld(this.#options);
    const { key, version, minPoll, maxPoll } = this.#options;
    const association = new Association({
      mode: "client",
      remote,
      clock: this.#clock,
      random,
      key,
      version,
      ...(minPoll !== undefined && { minPoll }),
      ...(maxPoll !== undefined && { maxPoll }),
    });
    const events = new EventSource(this.#options, remote);
    let silence = 0;
    const runner = new AssociationRunner(association, {
      clock: this.#clock,
      timers,
      random,
      send: (data) => void this.#transport?.send(data, remote),
      onReception: (reception) => {
        if (reception.outcome === "sample") silence = 0;
        events.received(reception);
        events.update(association);
        if (association.stopped) this.#servers.delete(`${remote}`);
      },
      onPoll: () => {
        events.update(association);
        if (++silence <= PATIENCE) return;
        runner.stop();
        this.#servers.delete(`${remote}`);
        events.become("stopped");
      },
    });
    this.#servers.set(`${remote}`, { runner, events });
    runner.start();
  }
}
