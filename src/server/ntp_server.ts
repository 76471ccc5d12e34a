import type { Clock, ClockState } from "../clock/clock.ts";
import { FunctionClock } from "../clock/function_clock.ts";
import { SystemClock } from "../clock/system_clock.ts";
import { MAX_NTS_REPLY_LENGTH, type NtsGuard } from "../nts/nts_guard.ts";
import { NTPError } from "../packet/error.ts";
import { HEADER_LENGTH, leapOf, modeOf } from "../packet/header.ts";
import type { Mode } from "../packet/mode.ts";
import { addSeconds, timestampDifference } from "../packet/timestamp.ts";
import { bindUdp, nativeObstacle, type TransportName } from "../transport/bind_udp.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import { joinGroups } from "../transport/join_groups.ts";
import { checkTransport } from "../transport/transport_option.ts";
import type {
  BindUdp,
  DatagramHandler,
  SendOutcome,
  UdpTransport,
} from "../transport/udp_transport.ts";
import type { Admission } from "./admission.ts";
import { admissionRules, type KeptTables } from "./admission_rules.ts";
import { checkServerOptions } from "./check_server_options.ts";
import type { DecisionHook } from "./decision.ts";
import { Departures } from "./departures.ts";
import {
  DROP_ACCESS,
  DROP_AUTHENTICATION,
  DROP_UNSENT,
  DROP_UNSYNCHRONIZED,
} from "./drop_reason.ts";
import { Interleaved, NO_SLOT } from "./interleaved.ts";
import type {
  ListenOptions,
  NTPServerOptions,
  Route,
  ServerAddress,
} from "./ntp_server_options.ts";
import { MAX_NTPV5_LENGTH, type Ntpv5Guard } from "./ntpv5_guard.ts";
import { type KeySource, keySourceOf } from "./request_mac.ts";
import { MAX_REPLY_LENGTH, Responder } from "./responder.ts";
import {
  type RateLimiterOccupancy,
  type ReplyKind,
  ServerCounters,
  type ServerStatistics,
} from "./statistics.ts";
import { checkStratum, parseRefid, type SystemVariables } from "./system_variables.ts";
import { TopPrefixes } from "./top_prefixes.ts";
import type { WorkerRules } from "./workers/worker_messages.ts";
import { checkWorkable, workersSettings } from "./workers/worker_options.ts";
import type { WorkersTransport } from "./workers/workers_transport.ts";

/** How many of those who ask most are told. */
const MAX_PREFIXES = 10;
/** Default port of NTP (RFC 5905 §7.2). */
const NTP_PORT = 123;

/**
 * An NTP server (RFC 5905). Subclass it, set `refid` and `stratum` and override
 * {@linkcode NTPServer.getTime}, to serve time from a reference of your own; or give it a clock.
 *
 * Only requests are answered (mode 3, and mode 0 of version 1), with as many bytes as they have at
 * most; every other datagram costs a counter and nothing else.
 *
 * @example A server on a reference clock
 * ```ts
 * import { NTPServer, query, timestampFromUnixNanoseconds } from "@ntps/ntps";
 * import { assertEquals } from "@std/assert";
 *
 * class GNSSServer extends NTPServer {
 *   override refid = "GNSS";
 *   override stratum = 1;
 *   override getTime(): bigint {
 *     const nanoseconds = BigInt(Date.now()) * 1_000_000n; // ask the receiver here
 *     return timestampFromUnixNanoseconds(nanoseconds);
 *   }
 * }
 *
 * const server = new GNSSServer();
 * const { hostname, port } = await server.listen({ hostname: "127.0.0.1", port: 0 });
 * const { packet } = await query(hostname, { port });
 * assertEquals(packet.referenceText, "GNSS");
 * await server.close();
 * ```
 */
export class NTPServer implements AsyncDisposable {
  /** Reference identifier; may be changed while the server runs. See {@linkcode NTPServerOptions}. */
  refid: string;
  /** Stratum, 0 to 16; may be changed while the server runs. See {@linkcode NTPServerOptions}. */
  stratum: number;
  #ownClock: Clock;
  /** Of sockets that are closed. */
  #overflows = 0;
  #admission: Admission | undefined;
  #keys: KeySource | undefined;
  readonly #nts: NtsGuard | undefined;
  readonly #ntpv5: Ntpv5Guard | undefined;
  readonly #decide: DecisionHook | undefined;
  readonly #ownBind: BindUdp | undefined;
  /** What workers are told of access rules and limits. */
  #rules: Omit<WorkerRules, "keys">;
  /** Memory of limits that may come again. */
  readonly #kept: KeptTables = new Map();
  /** Begin to answer by new rules, one for each socket. */
  readonly #renewals = new Set<() => void>();
  readonly #onError: ((error: Error) => void) | undefined;
  readonly #transport: TransportName;
  /** Whether clients in interleaved mode are answered in it; undefined, where there are stamps. */
  readonly #interleaves: boolean | undefined;
  readonly #usesOwnSockets: boolean;
  readonly #counters = new ServerCounters();
  readonly #prefixes: TopPrefixes | undefined;
  readonly #transports = new Set<UdpTransport>();
  /** Those that tell when replies left. */
  readonly #departures = new WeakMap<UdpTransport, Departures>();
  /** Routes by mode; most servers have none. */
  readonly #routes = new Map<number, Route>();
  #clockInUse: Clock | undefined;
  /** Those of the transports that have workers. */
  readonly #workers = new Set<WorkersTransport>();
  /** Restarts of workers; `undefined` while there has never been one. */
  #restarts: number | undefined;
  /** Counts the calls of `close()`, so that a `listen()` under way notices one. */
  #closings = 0;

  /**
   * Makes a server; it does nothing before {@linkcode NTPServer.listen}.
   *
   * @param options all optional
   * @throws {TypeError} if an option has the wrong type
   * @throws {RangeError} if an option is out of range
   */
  constructor(options: NTPServerOptions = {}) {
    this.refid = options.refid ?? "LOCL";
    this.stratum = options.stratum ?? 1;
    parseRefid(this.refid);
    checkStratum(this.stratum);
    const { clock, access, rateLimit, keys, nts, ntpv5, decide, bind, onError } = options;
    const { interleaves, countPrefixes } = checkServerOptions(options);
    this.#ownClock = clock ?? new SystemClock();
    const { admission, rules } = admissionRules({ access, rateLimit }, this.#kept);
    this.#admission = admission;
    this.#rules = rules;
    this.#keys = keySourceOf(keys);
    this.#nts = nts;
    this.#ntpv5 = ntpv5;
    this.#decide = decide;
    this.#ownBind = bind;
    this.#onError = onError;
    this.#transport = checkTransport(options);
    this.#interleaves = interleaves;
    this.#usesOwnSockets = bind === undefined;
    this.#prefixes = countPrefixes ? new TopPrefixes() : undefined;
  }

  /**
   * Tells the time. Override it to serve the time of a reference of your own.
   *
   * @returns an NTP timestamp, such as `timestampFromUnixNanoseconds()` or `timestampFromDate()`
   * makes. Not Unix time: that is 70 years off.
   */
  getTime(): bigint {
    return this.#ownClock.now();
  }

  /**
   * Tells what the clock knows of itself: whether it is synchronised, leap indicator, root delay,
   * root dispersion, when it was last set. Asked about once a second. Override it, by itself or
   * together with {@linkcode NTPServer.getTime}; what it leaves out has the defaults of `FunctionClock`.
   */
  getState(): Partial<ClockState> {
    return this.#ownClock.state();
  }

  /**
   * Starts to listen. May be called again for further addresses.
   *
   * @param options where
   * @returns the address, with the port chosen when 0 was asked for
   * @throws {TypeError} if an option has the wrong type, or `getTime()` tells no NTP timestamp
   * @throws {RangeError} if an option, `refid` or `stratum` is out of range
   * @throws {NTPError} `address-in-use`, `address-unavailable`, `permission`, `unsupported`,
   * `unreachable`, `aborted`, `closed` or `system`, with the remedy where there is one
   */
  async listen(options: ListenOptions = {}): Promise<ServerAddress> {
    const { groups = [], networkInterfaces, workers: _, ...bindOptions } = options;
    const closings = this.#closings;
    const hasWorkers = workersSettings(options.workers) !== undefined;
    await this.#adoptKernelClock(hasWorkers);
    const isInGroup = groups.length > 0;
    const { clock } = this;
    const variables = (): SystemVariables => this.systemVariables();
    const bind = this.#binder(options);
    variables(); // what is wrong with clock, refid or stratum is said before anything starts
    clock.read(new Uint32Array(2));

    const reportError = (error: unknown) => this.#reportError(error);
    const counters = this.#counters, prefixes = this.#prefixes;
    let interleaved: Interleaved | undefined;
    const makeResponder = () => {
      const made = new Responder({
        clock,
        variables,
        admission: this.#admission,
        keys: this.#keys,
        nts: this.#nts,
        ntpv5: this.#ntpv5,
        decide: this.#decide,
        onDecision: ({ action, reason }) => counters.countDecision(action, reason),
        onError: reportError,
      });
      made.interleaved = interleaved;
      return made;
    };
    let responder = makeResponder();
    const renew = () => void (responder = makeResponder());
    const reply = new Uint8Array(Math.max(
      MAX_REPLY_LENGTH,
      this.#nts ? MAX_NTS_REPLY_LENGTH : 0,
      this.#ntpv5 ? MAX_NTPV5_LENGTH : 0,
    ));
    const plain = reply.subarray(0, HEADER_LENGTH);
    let transport: UdpTransport | undefined; // none yet while it is being bound
    let departures: Departures | undefined;
    const onDatagram: DatagramHandler = (data, source, arrival) => {
      counters.countPacket(data[0]); // an answer may be written where it is
      prefixes?.count(source.bytes);
      if (transport && this.#routes.size > 0 && this.#isRouted(data, source, arrival, transport)) {
        return;
      }
      responder.sendDelay = transport?.sendDelay ?? 0;
      let outcome = responder.respond(data, data.length, source, arrival, reply);
      if (isInGroup && outcome > 0) outcome = quietened(outcome, reply, responder.kind);
      if (outcome > 0) {
        const bytes = outcome === HEADER_LENGTH ? plain : reply.subarray(0, outcome);
        const { slot } = responder, fraction = arrival[1]!;
        if (slot !== NO_SLOT) departures!.before(transport!, slot, fraction);
        const sent = transport?.send(bytes, source);
        if (slot !== NO_SLOT) departures!.after(transport!, slot, fraction);
        if (sent !== "sent" && sent !== "queued") outcome = DROP_UNSENT;
      }
      counters.count(outcome, responder.kind);
      if (outcome > 0) {
        if (responder.kind === "answer") counters.countDelay(responder.delayUnits(arrival));
        if (responder.isNts) counters.countNts();
      }
    };
    const bound = transport = await bind({
      ...bindOptions,
      transport: this.#transport,
      port: options.port ?? NTP_PORT,
      multicast: options.multicast ?? isInGroup,
      clock,
      onDatagram,
      onError: reportError,
    });
    if (this.#interleaves ?? bound.stamps !== undefined) {
      interleaved = new Interleaved(undefined, crypto.getRandomValues(new Uint32Array(1))[0]);
      responder.interleaved = interleaved;
      departures = new Departures(interleaved, clock);
      departures.attach(bound);
      this.#departures.set(bound, departures);
    }
    try {
      joinGroups(bound, groups, networkInterfaces);
      if (closings !== this.#closings) {
        throw new NTPError("closed", "The server was closed before it listened");
      }
    } catch (error) {
      await bound.close();
      throw error;
    }
    this.#transports.add(bound);
    this.#renewals.add(renew);
    renew(); // the rules may be others since
    options.signal?.addEventListener("abort", () => this.#transports.delete(bound), { once: true });
    return addressOf(bound);
  }

  /** The system's clock is read by a shorter way where the system's calls may be used anyway. */
  async #adoptKernelClock(isNative: boolean): Promise<void> {
    const clock = this.#ownClock;
    if (!(clock instanceof SystemClock && clock.isOfSystem && this.#usesOwnSockets)) return;
    const name = this.#transport;
    const obstacle = isNative || name !== "auto" ? undefined : await nativeObstacle();
    if (name === "portable" || obstacle !== undefined) return;
    const { kernelSystemClock } = await import("./kernel_system_clock.ts");
    this.#ownClock = await kernelSystemClock(clock) ?? clock;
    this.#clockInUse = undefined;
  }

  /**
   * Changes who is answered, and with which keys, while the server runs; no request is lost. Clients
   * keep what they have used of a limit that stays the same.
   *
   * @param rules all of them: what is left out is there no more
   * @throws {TypeError} if an option has the wrong type, or workers cannot have the keys; all stays as
   * it was then
   * @throws {RangeError} if an option is out of range, likewise
   *
   * @example A network more
   * ```ts
   * import { NTPServer } from "@ntps/ntps";
   *
   * const server = new NTPServer({ access: [{ prefix: "192.0.2.0/24", action: "allow" }] });
   * server.setRules({
   *   access: [
   *     { prefix: "192.0.2.0/24", action: "allow" },
   *     { prefix: "2001:db8::/32", action: "allow" },
   *   ],
   * });
   * ```
   */
  setRules(options: Pick<NTPServerOptions, "access" | "rateLimit" | "keys">): void {
    const { admission, rules } = admissionRules(options, this.#kept);
    const keys = keySourceOf(options.keys);
    const workers = [...this.#workers];
    const posted = workers.length === 0 ? undefined : checkWorkable({ ...this.#own, keys }, {});
    this.#admission = admission;
    this.#rules = rules;
    this.#keys = keys;
    for (const renew of this.#renewals) renew();
    for (const transport of workers) transport.setRules({ ...rules, keys: posted });
  }

  /** The addresses that the server listens at. */
  get addresses(): ServerAddress[] {
    return [...this.#transports].map(addressOf);
  }

  /** The clock that stamps and tells: the subclass's where it overrides `getTime()`. */
  get clock(): Clock {
    return this.#clockInUse ??= this.#chooseClock();
  }

  /** Keys that clients may authenticate with. */
  get keys(): KeySource | undefined {
    return this.#keys;
  }

  /**
   * What the server says of itself in its replies (RFC 5905 §11.1).
   *
   * @throws {TypeError} if `stratum` or `refid` has the wrong type
   * @throws {RangeError} if `stratum` or `refid` is out of range
   */
  systemVariables(): SystemVariables {
    const { clock } = this;
    const state = clock.state();
    const stratum = state.stratum ?? this.stratum;
    checkStratum(stratum);
    return {
      leapIndicator: state.synchronized ? state.leapIndicator : 3,
      stratum: Math.max(1, stratum),
      precision: clock.precision,
      rootDelay: state.rootDelay,
      rootDispersion: state.rootDispersion,
      referenceId: state.referenceId ?? parseRefid(this.refid),
      referenceTimestamp: state.referenceTimestamp,
    };
  }

  /**
   * Gives the datagrams of some modes to somebody else, so that associations can share the port.
   *
   * @param modes modes that are no requests: 1, 2, 4 or 5
   * @param route takes them
   * @returns a function that ends it
   * @throws {RangeError} if a mode is none of these, or is taken already
   */
  route(modes: readonly Mode[], route: Route): () => void {
    for (const mode of modes) {
      if (![1, 2, 4, 5].includes(mode)) {
        throw new RangeError(`A route takes modes 1, 2, 4 and 5, not ${mode}`);
      }
      if (this.#routes.has(mode)) throw new RangeError(`Mode ${mode} has a route already`);
    }
    for (const mode of modes) this.#routes.set(mode, route);
    this.#tellRoutes();
    return () => {
      for (const mode of modes) if (this.#routes.get(mode) === route) this.#routes.delete(mode);
      this.#tellRoutes();
    };
  }

  /**
   * The socket that can send to an address: the first of its family, or that has both.
   *
   * @param to where to
   * @returns `undefined` when the server does not listen at such an address
   */
  transportFor(to: Endpoint): UdpTransport | undefined {
    for (const transport of this.#transports) {
      const isIpv6 = transport.hostname.includes(":");
      if (to.family === 6 ? isIpv6 : !isIpv6 || transport.hostname === "::") return transport;
    }
    return undefined;
  }

  /**
   * Sends a datagram from the server's port.
   *
   * @param data the payload
   * @param to where to
   * @returns what became of it; `"closed"` when the server does not listen at such an address
   */
  send(data: Uint8Array, to: Endpoint): SendOutcome {
    return this.transportFor(to)?.send(data, to) ?? "closed";
  }

  /**
   * Sends a datagram from the server's port, and tells when it left: at once by the server's clock,
   * and again, better, where the transport tells when.
   *
   * @param data the payload
   * @param to where to
   * @param departed told when it left: an NTP timestamp
   * @param transport by which socket. Default: {@linkcode NTPServer.transportFor}
   * @returns what became of it, as of {@linkcode NTPServer.send}
   */
  sendTimed(
    data: Uint8Array,
    to: Endpoint,
    departed: (departure: bigint) => void,
    transport: UdpTransport | undefined = this.transportFor(to),
  ): SendOutcome {
    if (transport === undefined) return "closed";
    this.#departures.get(transport)?.expect(transport, departed);
    const before = this.clock.now();
    const outcome = transport.send(data, to);
    if (outcome !== "sent" && outcome !== "queued") return outcome;
    // Within the call, nobody knows when.
    departed(addSeconds(before, timestampDifference(this.clock.now(), before) / 2));
    return outcome;
  }

  /** What the server has done since it was made: a snapshot. */
  statistics(): ServerStatistics {
    const workers = [...this.#workers];
    const counted = this.#counters.snapshot(workers.flatMap(({ counts }) => counts));
    const open = [...this.#transports];
    const rateLimiter = this.#occupancy();
    const prefixes = this.#prefixes?.top(MAX_PREFIXES);
    const statistics = {
      ...counted,
      ...(prefixes && { prefixes }),
      ...(rateLimiter && { rateLimiter }),
      overflows: this.#overflows + sum(open.map(({ counters }) => counters.overflows ?? 0)),
      transports: open.map(({ kind, choice }) =>
        choice === undefined ? kind : `${kind} (${choice})`
      ),
    };
    if (this.#restarts === undefined) return statistics;
    const serving = workers.reduce((sum, transport) => sum + transport.workers, 0);
    const restarts = workers.reduce((sum, one) => sum + one.restarts, this.#restarts);
    return { ...statistics, workers: { serving, restarts } };
  }

  /** How full the limiter is, as long as the clock tells. */
  #occupancy(): RateLimiterOccupancy | undefined {
    const now = new Uint32Array(2);
    try {
      this.clock.read(now);
    } catch {
      return undefined;
    }
    return this.#admission?.rateLimiter?.occupancy(now);
  }

  /**
   * Stops listening everywhere. Calling it again is harmless; `listen()` starts anew.
   *
   * @returns when the ports are free
   */
  async close(): Promise<void> {
    this.#closings++;
    const transports = [...this.#transports];
    this.#transports.clear();
    this.#renewals.clear();
    await Promise.all(transports.map((transport) => transport.close()));
    for (const { counters } of transports) this.#overflows += counters.overflows ?? 0;
  }

  /** {@linkcode NTPServer.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What workers may not be able to have. */
  get #own(): Omit<Parameters<typeof checkWorkable>[0], "keys"> {
    return {
      decide: this.#decide,
      bind: this.#ownBind,
      transport: this.#transport,
      nts: this.#nts,
      ntpv5: this.#ntpv5,
    };
  }

  /** What binds: the option, or what starts workers. */
  #binder(options: ListenOptions): BindUdp {
    const settings = workersSettings(options.workers);
    if (settings === undefined) return this.#ownBind ?? bindUdp;
    const keys = checkWorkable({ ...this.#own, keys: this.#keys }, options);
    return async (bindOptions) => {
      // Not loaded where nobody wants workers: it is for some runtimes only.
      const { WorkersTransport } = await import("./workers/workers_transport.ts");
      const transport = await WorkersTransport.open(bindOptions, settings, {
        clock: this.clock,
        variables: () => this.systemVariables(),
        rules: { ...this.#rules, keys },
        interleaves: this.#interleaves,
        onClockError: (error) => this.#reportError(error),
        onClosed: (closed) => {
          this.#workers.delete(closed);
          this.#restarts! += closed.restarts;
          for (const counts of closed.counts) this.#counters.add(counts);
        },
      });
      this.#restarts ??= 0;
      this.#workers.add(transport);
      this.#tellRoutes();
      return transport;
    };
  }

  /** Tells the workers which modes somebody takes. */
  #tellRoutes(): void {
    let bits = 0;
    for (const mode of this.#routes.keys()) bits |= 1 << mode;
    for (const transport of this.#workers) transport.setRoutes(bits);
  }

  #chooseClock(): Clock {
    const overridden = this.getState !== NTPServer.prototype.getState;
    if (this.getTime === NTPServer.prototype.getTime && !overridden) return this.#ownClock;
    return new FunctionClock(
      () => this.getTime(),
      overridden ? { state: () => this.getState() } : {},
    );
  }

  /** Whether a datagram is for a route; it is counted then. */
  #isRouted(
    data: Uint8Array,
    source: Endpoint,
    arrival: Uint32Array,
    transport: UdpTransport,
  ): boolean {
    if (data.length < HEADER_LENGTH) return false;
    const route = this.#routes.get(modeOf(data[0]!));
    if (route === undefined) return false;
    if (this.#admission?.denies(source)) {
      this.#counters.count(DROP_ACCESS, "answer");
      return true;
    }
    let isTaken = true;
    try {
      isTaken = route(data, source, arrival, transport);
    } catch (error) {
      this.#reportError(error);
    }
    if (isTaken) this.#counters.countRouted();
    return isTaken;
  }

  #reportError(error: unknown): void {
    this.#counters.countError();
    this.#onError?.(error instanceof Error ? error : new Error(String(error)));
  }
}

function sum(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

function addressOf({ hostname, port, kind, choice }: UdpTransport): ServerAddress {
  return { hostname, port, transport: kind, ...(choice !== undefined && { choice }) };
}

/**
 * What a server in a multicast group does not say: that it has no time, and that it cannot check a
 * MAC (RFC 5905 §9.2) or a cookie, since others in the group may have it and can.
 */
function quietened(outcome: number, reply: Uint8Array, kind: ReplyKind): number {
  if (kind === "crypto-NAK" || kind === "NTS-NAK") return DROP_AUTHENTICATION;
  return kind === "answer" && leapOf(reply[0]!) === 3 ? DROP_UNSYNCHRONIZED : outcome;
}
