import { KeyStore } from "../auth/key_store.ts";
import type { SymmetricKey } from "../auth/symmetric_key.ts";
import { type Authentication, authenticationOf } from "../client/authentication.ts";
import type { QueryOptions } from "../client/options.ts";
import { query } from "../client/query.ts";
import type { Clock } from "../clock/clock.ts";
import { SystemClock } from "../clock/system_clock.ts";
import { NTPError } from "../packet/error.ts";
import { isLinkLocal } from "../packet/ip_address.ts";
import { MODE_BROADCAST } from "../packet/mode.ts";
import { NTPPacket } from "../packet/packet.ts";
import { timestampFromWords } from "../packet/timestamp.ts";
import type { KeySource } from "../server/request_mac.ts";
import { bindUdp } from "../transport/bind_udp.ts";
import { Endpoint } from "../transport/endpoint.ts";
import { joinGroups } from "../transport/join_groups.ts";
import type { BindUdp, UdpTransport } from "../transport/udp_transport.ts";
import type { IgnoredReason, Reception } from "./association.ts";
import { BroadcastSource } from "./broadcast_source.ts";
import { type AssociationEvents, EventSource } from "./events.ts";
import { GREATEST_POLL, LEAST_POLL } from "./poll_process.ts";
import { type AssociationWorld, checkWorld } from "./world.ts";

/** Milliseconds that pass after a calibration that failed before another is tried. */
const RETRY_MS = 60_000;
/** Intervals without a broadcast after which a server counts as unreachable (RFC 5905 §9.1). */
const PATIENCE = 8;
/** Exchanges of a calibration, and the time between them. */
const VOLLEY = 6, VOLLEY_INTERVAL_MS = 2000;

/** Options of {@linkcode NTPBroadcastClient}. */
export interface NTPBroadcastClientOptions extends AssociationEvents, AssociationWorld {
  /** Multicast groups to join. Default none: broadcasts of the subnet only. */
  groups?: readonly string[];
  /**
   * Interfaces to join the groups on: names or addresses. Default: the one that the route says. Deno
   * hears of a link-local server (`fe80::1`) only the address: on a machine with several interfaces
   * its delay can be measured only if one is named here, by its name.
   */
  networkInterfaces?: readonly string[];
  /** Local address. Default `"::"`, IPv6 and IPv4. */
  hostname?: string;
  /** Port to listen at, 1 to 65535. Default 123, which needs privileges. */
  port?: number;
  /** Keys that broadcasts may be signed with: keys, or a `KeyStore`. */
  keys?: readonly SymmetricKey[] | KeySource;
  /** Believe broadcasts that are not signed. Default false. */
  allowUnauthenticated?: boolean;
  /**
   * Delay there and back, in seconds, 0 to 60, where it is known and the servers are not to be
   * asked. Default: each server is asked for it once (the calibration volley).
   */
  delay?: number;
  /**
   * How many servers may be heard at once, 1 to 1000; one more takes the place of a lost one, or is
   * ignored. Default 16.
   */
  maxServers?: number;
  /** How the volley is sent: options of `query`, such as `samples` and `intervalMs`. */
  volley?: QueryOptions;
  /** The clock to compare with. Default: the system's. */
  clock?: Clock;
  /** How sockets are made. Default: the runtime's own UDP. */
  bind?: BindUdp;
}

/** What a broadcast client has heard from one server. */
export interface BroadcastServerStatistics {
  /** IP address of the server. */
  readonly hostname: string;
  /** Port of the server. */
  readonly port: number;
  /** Whether the delay is known. */
  readonly calibrated: boolean;
  /** Broadcasts that gave a sample. */
  readonly samples: number;
}

/** What a broadcast client has heard. */
export interface BroadcastClientStatistics {
  /** Datagrams received. */
  readonly received: number;
  /** Datagrams that were not believed, by reason. */
  readonly ignored: Readonly<Partial<Record<IgnoredReason, number>>>;
  /** The servers that were heard. */
  readonly servers: readonly BroadcastServerStatistics[];
}

/** One server, and what goes on with it. */
interface Heard {
  readonly source: BroadcastSource;
  readonly events: EventSource;
  samples: number;
  /** Whether a calibration is under way, or one failed not long ago. */
  isBusy: boolean;
  /** Whether it did not answer the volley, or is heard no more: its place may go to another. */
  isLost: boolean;
  /** Ends the wait for the next broadcast. */
  cancelWait: () => void;
}

/**
 * Listens to what servers broadcast in its subnet and in multicast groups (RFC 5905 §3.1). From
 * each it learns the delay first, by asking it a few times; then every broadcast measures the clock,
 * and nothing is sent any more.
 *
 * Only signed broadcasts are believed, unless the user says otherwise: on most networks anybody can
 * send one.
 *
 * @example Listening to the group of NTP
 * ```ts
 * import { NTPBroadcastClient, SymmetricKey } from "@ntps/ntps";
 *
 * const key = new SymmetricKey({ id: 1, type: "AES128", secret: new Uint8Array(16) });
 * const client = new NTPBroadcastClient({
 *   groups: ["224.0.1.1"],
 *   keys: [key],
 *   onSample: ({ hostname, offset }) => console.log(`${hostname} is ${offset} s ahead`),
 * });
 * // await client.listen();
 * await client.close();
 * ```
 */
export class NTPBroadcastClient implements AsyncDisposable {
  readonly #options: NTPBroadcastClientOptions;
  readonly #clock: Clock;
  readonly #keys: KeySource | undefined;
  readonly #servers = new Map<string, Heard>();
  readonly #ignored: Partial<Record<IgnoredReason, number>> = {};
  readonly #ending = new AbortController();
  readonly #cancels = new Set<() => void>();
  #transport: UdpTransport | undefined;
  #received = 0;

  /**
   * Makes a client; it does nothing before {@linkcode NTPBroadcastClient.listen}.
   *
   * @param options what to listen to and whom to believe
   * @throws {TypeError} if an option has the wrong type
   * @throws {RangeError} if an option is out of range
   */
  constructor(options: NTPBroadcastClientOptions = {}) {
    const { keys, allowUnauthenticated = false, delay, maxServers = 16, port = 123 } = options;
    if (keys === undefined && !allowUnauthenticated) {
      throw new TypeError(
        "keys is missing: broadcasts are believed only if they are signed. Give the keys, or set " +
          "allowUnauthenticated where you trust everybody on the network",
      );
    }
    for (
      const [name, value, least, most] of [
        ["port", port, 1, 65535],
        ["maxServers", maxServers, 1, 1000],
      ] as const
    ) {
      if (!Number.isInteger(value) || value < least || value > most) {
        throw new RangeError(`${name} is a whole number from ${least} to ${most}, not ${value}`);
      }
    }
    if (delay !== undefined && !(delay >= 0 && delay <= 60)) {
      throw new RangeError(`delay lies from 0 to 60 s, not ${delay}`);
    }
    checkWorld(options);
    this.#keys = Array.isArray(keys) ? new KeyStore(keys) : keys as KeySource | undefined;
    this.#clock = options.clock ?? new SystemClock();
    this.#options = options;
  }

  /**
   * Begins to listen.
   *
   * @throws {NTPError} what binding throws; `unsupported` if the runtime cannot join groups,
   * `unreachable` if there is no route to a group, `address-unavailable` if an interface does not
   * exist
   * @throws {RangeError} if a group is not multicast
   */
  async listen(): Promise<void> {
    const { groups = [], networkInterfaces, hostname, port = 123, signal } = this.#options;
    const bind = this.#options.bind ?? bindUdp;
    if (this.#transport !== undefined) return;
    const transport = await bind({
      ...(hostname !== undefined && { hostname }),
      port,
      multicast: groups.length > 0,
      clock: this.#clock,
      onDatagram: (data, source, arrival) => this.#receive(data, source, arrival),
      onError: (error) => this.#options.onError?.(error),
    });
    try {
      if (this.#ending.signal.aborted || signal?.aborted) {
        throw new NTPError("closed", "The client was closed before it listened");
      }
      joinGroups(transport, groups, networkInterfaces);
    } catch (error) {
      await transport.close();
      throw error;
    }
    this.#transport = transport;
    signal?.addEventListener("abort", () => void this.close(), { once: true });
  }

  /** What was heard so far. */
  statistics(): BroadcastClientStatistics {
    const servers = [...this.#servers.values()].map(({ source, samples }) => {
      const { hostname, port } = source.remote;
      return { hostname, port, calibrated: source.calibrated, samples };
    });
    return { received: this.#received, ignored: { ...this.#ignored }, servers };
  }

  /** Listens no more. Calling it again is harmless. */
  async close(): Promise<void> {
    this.#ending.abort();
    for (const cancel of this.#cancels) cancel();
    this.#cancels.clear();
    for (const { events } of this.#servers.values()) events.become("stopped");
    await this.#transport?.close();
  }

  /** {@linkcode NTPBroadcastClient.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #receive(data: Uint8Array, source: Endpoint, arrival: Uint32Array): void {
    this.#received++;
    const reception = this.#judge(data, source, arrival);
    if (reception.outcome !== "ignored") return;
    const { reason } = reception;
    this.#ignored[reason] = (this.#ignored[reason] ?? 0) + 1;
  }

  #judge(data: Uint8Array, source: Endpoint, arrival: Uint32Array): Reception {
    let packet: NTPPacket;
    try {
      packet = NTPPacket.decode(data);
    } catch {
      return { outcome: "ignored", reason: "malformed" };
    }
    if (packet.mode !== MODE_BROADCAST) return { outcome: "ignored", reason: "mode" };
    const heard = this.#servers.get(`${source}`);
    const key = this.#keyOf(packet, source);
    const authentication: Authentication = key === undefined
      ? "none"
      : authenticationOf(data, packet, key);
    const isBelieved = authentication === "key"
      // A key is bound to its association: one server does not change keys (CVE-2015-7974).
      ? heard === undefined || heard.source.key === key
      : this.#options.allowUnauthenticated === true && heard?.source.key === undefined &&
        packet.mac === undefined;
    if (!isBelieved) return { outcome: "ignored", reason: "authentication" };
    const known = heard ?? this.#addServer(source, authentication === "key" ? key : undefined);
    if (known === undefined) return { outcome: "ignored", reason: "too many servers" };
    const time = timestampFromWords(arrival[0]!, arrival[1]!);
    const reception = known.source.receive(packet, time, authentication);
    if (!known.source.calibrated) void this.#calibrate(known);
    if (reception.outcome === "sample") known.samples++;
    known.events.received(reception);
    if (reception.outcome === "sample") this.#hear(known, packet.poll);
    return reception;
  }

  #keyOf({ mac }: NTPPacket, source: Endpoint): SymmetricKey | undefined {
    if (mac === undefined) return undefined;
    const key = this.#keys?.get(mac.keyId);
    return key !== undefined && this.#keys!.allows(key.id, source.bytes) ? key : undefined;
  }

  #addServer(source: Endpoint, key: SymmetricKey | undefined): Heard | undefined {
    const { maxServers = 16, delay } = this.#options;
    if (this.#servers.size >= maxServers && !this.#forgetOne()) return undefined;
    const remote = this.#complete(source);
    const heard: Heard = {
      source: new BroadcastSource({ remote, key, clock: this.#clock }),
      events: new EventSource(this.#options, remote),
      samples: 0,
      isBusy: false,
      isLost: false,
      cancelWait: () => {},
    };
    if (delay !== undefined) heard.source.calibrate(delay);
    this.#servers.set(`${source}`, heard);
    return heard;
  }

  /** Makes room for a server by forgetting a lost one; false when there is none. */
  #forgetOne(): boolean {
    for (const [name, heard] of this.#servers) {
      if (!heard.isLost) continue;
      heard.cancelWait();
      heard.events.become("stopped");
      this.#servers.delete(name);
      return true;
    }
    return false;
  }

  /**
   * Where a sender can be asked. Deno does not tell on which interface a link-local one was heard;
   * it is known where one alone is named.
   */
  #complete(source: Endpoint): Endpoint {
    const [name, ...others] = this.#options.networkInterfaces ?? [];
    const isName = name !== undefined && new Endpoint(name, 0).family === 0;
    if (!lacksInterface(source) || !isName || others.length > 0) return source.clone();
    return new Endpoint(`${source.hostname}%${name}`, source.port);
  }

  /** Notes that a server is heard, and waits for its next broadcasts. */
  #hear(heard: Heard, poll: number): void {
    heard.isLost = false;
    heard.events.become("reachable");
    heard.cancelWait();
    const interval = 2 ** Math.min(GREATEST_POLL, Math.max(LEAST_POLL, poll));
    heard.cancelWait = this.#after(PATIENCE * interval * 1000, () => {
      heard.isLost = true;
      heard.events.become("unreachable");
    });
  }

  /** Asks a server for the delay: the calibration volley. */
  async #calibrate(heard: Heard): Promise<void> {
    if (heard.isBusy) return;
    heard.isBusy = true;
    const { remote, key } = heard.source;
    const { bind, volley, timers, random } = this.#options;
    try {
      const { delay, samples } = await query(remote.hostname, {
        samples: VOLLEY,
        intervalMs: VOLLEY_INTERVAL_MS,
        clock: this.#clock,
        ...(bind !== undefined && { bind }),
        ...(timers !== undefined && { timers }),
        ...(random !== undefined && { random }),
        ...volley,
        port: remote.port,
        ...(key !== undefined && { key }),
        signal: this.#ending.signal,
      });
      heard.source.calibrate(delay, samples.at(-1)!.packet.transmitTimestamp);
    } catch (error) {
      if (this.#ending.signal.aborted) return;
      heard.isLost = true;
      heard.events.failed(lacksInterface(remote) ? withRemedy(error) : error as Error);
      this.#after(RETRY_MS, () => heard.isBusy = false);
    }
  }

  /** Calls `callback` later, unless the client is closed before. */
  #after(milliseconds: number, callback: () => void): () => void {
    const cancel = checkWorld(this.#options).timers.after(milliseconds, () => {
      this.#cancels.delete(cancel);
      callback();
    });
    this.#cancels.add(cancel);
    return () => {
      this.#cancels.delete(cancel);
      cancel();
    };
  }
}

/** Whether an address is that of one link, and does not tell which. */
function lacksInterface({ bytes, hostname }: Endpoint): boolean {
  return isLinkLocal(bytes) && !hostname.includes("%");
}

function withRemedy(error: unknown): Error {
  if (!(error instanceof NTPError)) return error as Error;
  return new NTPError(
    error.code,
    `${error.message}. Deno does not tell on which network interface it was heard: name the one ` +
      "network interface in networkInterfaces, or run on Node or Bun",
    { cause: error },
  );
}
