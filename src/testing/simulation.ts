import type { ResolveHost } from "../client/options.ts";
import type { Clock } from "../clock/clock.ts";
import { NTPError } from "../packet/error.ts";
import { addSeconds, timestampFromDate } from "../packet/timestamp.ts";
import { Endpoint } from "../transport/endpoint.ts";
import { resolveHost } from "../transport/resolve.ts";
import type { BindUdp } from "../transport/udp_transport.ts";
import { ClockErrors } from "./clock_errors.ts";
import type { Fault } from "./fault.ts";
import type { LinkOptions, LinkPair, Span } from "./link.ts";
import { RandomStream } from "./random_stream.ts";
import { ScriptedServer, type ScriptedServerOptions } from "./scripted_server.ts";
import { SimulatedClock, type SimulatedClockOptions } from "./simulated_clock.ts";
import { SimulatedNetwork } from "./simulated_network.ts";
import type { SimulatedNode, SimulatedNodeOptions } from "./simulated_node.ts";
import { VirtualTime } from "./virtual_time.ts";

/** Options of {@linkcode Simulation}. */
export interface SimulationOptions {
  /** Whatever is random follows from it: a number or text. Default 1. */
  seed?: number | string;
  /** True time at the start: a `Date` or an NTP timestamp. Default 2026-01-01T00:00:00Z. */
  start?: Date | bigint;
  /** How datagrams travel where nothing else is said. Default: 100 µs and no losses. */
  link?: LinkOptions;
  /** IPv4 prefixes whose last address is their broadcast address. Default: none. */
  subnets?: readonly string[];
  /**
   * A leap second: at how many seconds after the start UTC has been one second longer (`"insert"`)
   * or shorter (`"delete"`). True time steps then, servers that are right step with it, and
   * announce it the day before. Default: none.
   */
  leap?: { at: number; kind: "insert" | "delete" };
}

/** Options of {@linkcode Simulation.watch}. */
export interface WatchOptions {
  /** How often to look, in seconds. Default 1. */
  interval?: number;
  /**
   * Tells the error of the clock's rate at that moment, in seconds per second. Default: what the
   * clock has gained since the last look, steps included, divided by the interval.
   */
  frequencyError?: () => number;
  /** Called at each look, after it was recorded: for what else is to be looked at. Must not act. */
  onLook?: (at: number, timeError: number) => void;
}

const DAY = 86400;
const DEFAULT_LINK: LinkOptions = { base: 1e-4 };

/**
 * A world on virtual time: machines with clocks that are wrong, a network between them, servers that
 * do what a script says. Code under test runs in it as it is, given the node's clock, timers,
 * sockets and random numbers; true time is known, so that what the code makes of it can be measured.
 * The same seed gives the same run, to the last bit, on every runtime, unless the code
 * under test computes with what engines compute differently (`Math.exp`, `Math.log`, `**`).
 *
 * @example How far a clock that is read by NTP every minute is off in a day
 * ```ts
 * import { query } from "@ntps/ntps";
 * import { Simulation } from "@ntps/ntps/testing";
 * import { assert } from "@std/assert";
 *
 * const simulation = new Simulation({ seed: 1, link: { base: 0.020, exponential: 0.001 } });
 * await simulation.addServer({ name: "ntp.example" });
 * const { clock, world } = simulation.addNode({
 *   name: "client",
 *   clock: { offset: 0.5, frequency: 50e-6, wander: 1e-9 },
 * });
 * const repeat = async () => {
 *   clock.step((await query("ntp.example", world)).offset);
 *   world.timers.after(60_000, repeat);
 * };
 * repeat();
 * const errors = simulation.watch(clock);
 * await simulation.run(86_400);
 * assert(errors.statistics({ from: 60 }).maxTime < 0.010);
 * ```
 */
export class Simulation {
  /** True time, but for a leap second: nodes know nothing of it. */
  readonly time: VirtualTime;
  /** The stream all others come from. */
  readonly random: RandomStream;
  readonly #network: SimulatedNetwork;
  readonly #nodes = new Map<string, SimulatedNode>();
  readonly #names = new Map<string, readonly string[]>();
  readonly #addresses = new Set<string>();
  readonly #leap: SimulationOptions["leap"];
  readonly #servers: ScriptedServer[] = [];
  readonly #told = new Uint32Array(2);
  readonly #now = new Uint32Array(2);

  /**
   * Makes a world without machines.
   *
   * @param options see {@linkcode SimulationOptions}
   * @throws {RangeError} if an option is out of range
   */
  constructor(options: SimulationOptions = {}) {
    const { seed = 1, start = new Date("2026-01-01T00:00:00Z"), leap } = options;
    const { link = DEFAULT_LINK, subnets = [] } = options;
    if (leap !== undefined && !(leap.at >= 0 && ["insert", "delete"].includes(leap.kind))) {
      throw new RangeError(`leap is "insert" or "delete" at 0 s or later, not ${leap.kind}`);
    }
    this.time = new VirtualTime({
      start: typeof start === "bigint" ? start : timestampFromDate(start),
    });
    this.random = new RandomStream(seed);
    this.#leap = leap;
    this.#network = new SimulatedNetwork(this.time, this.random.fork("network"), {
      link,
      subnets,
    });
  }

  /** Seconds since the start. */
  get elapsed(): number {
    return this.time.elapsedNanoseconds / 1e9;
  }

  /** The machines, in the order in which they came. */
  get nodes(): readonly SimulatedNode[] {
    return [...this.#nodes.values()];
  }

  /** The servers, in the order in which they came. */
  get servers(): readonly ScriptedServer[] {
    return this.#servers;
  }

  /** True time: UTC as NTP tells it, an NTP timestamp. */
  trueTime(): bigint {
    return addSeconds(this.time.now(), this.#leapOffset());
  }

  /**
   * How far a clock is ahead of true time, in seconds, to 2^-32 s. A {@linkcode SimulatedClock} has
   * it more exactly.
   *
   * @param clock any clock that runs in this simulation
   */
  errorOf(clock: Pick<Clock, "read">): number {
    const told = this.#told, now = this.#now;
    clock.read(told);
    this.time.read(now);
    return ((told[0]! - now[0]!) | 0) + (told[1]! - now[1]!) / 2 ** 32 - this.#leapOffset();
  }

  /**
   * Adds a machine.
   *
   * @param options see {@linkcode SimulatedNodeOptions}
   * @throws {RangeError} if name or address is taken, or an option is out of range
   */
  addNode(options: SimulatedNodeOptions): SimulatedNode {
    return this.#addNode(options, {});
  }

  /**
   * Adds a machine with a server that listens when this returns.
   *
   * @param options those of the node, which are the first to see for a clock that is not right, and
   * those of the server
   * @throws {RangeError} if name or address is taken, or an option is out of range
   *
   * @example Three that are right, and one that agrees with nobody
   * ```ts
   * import { Simulation } from "@ntps/ntps/testing";
   *
   * const simulation = new Simulation();
   * for (const name of ["a", "b", "c"]) await simulation.addServer({ name });
   * await simulation.addServer({ name: "d", faults: [{ kind: "drift", rate: 1e-4, from: 600 }] });
   * ```
   */
  async addServer(options: SimulatedNodeOptions & ScriptedServerOptions): Promise<ScriptedServer> {
    const { name, address, clock, link, ...serverOptions } = options;
    const faults: Fault[] = [...options.faults ?? []];
    const steps = [...clock?.steps ?? []];
    if (this.#leap !== undefined) {
      const { at, kind } = this.#leap;
      steps.push({ at, seconds: kind === "insert" ? -1 : 1 });
      const leapIndicator = kind === "insert" ? 1 : 2;
      // First, so that a fault of the script overrules it.
      faults.unshift({ kind: "leap", leapIndicator, from: Math.max(0, at - DAY), until: at });
    }
    // A clock of simulations follows no table: leap seconds are the simulation's.
    const state = { leapIndicator: 0 as const, rootDispersion: 1e-6, ...clock?.state };
    const node = this.#addNode({
      name,
      ...(address !== undefined && { address }),
      ...(link !== undefined && { link }),
    }, { ...clock, steps, state });
    const random = this.random.fork(`server ${name}`);
    const server = new ScriptedServer(
      node,
      { ...serverOptions, faults },
      random,
      () => this.elapsed,
    );
    await server.listen();
    this.#servers.push(server);
    return server;
  }

  /**
   * Gives a name further addresses than those of the nodes: pools, aliases.
   *
   * @param name the name
   * @param addresses its addresses in order, or names of nodes; none: it is not found any more
   */
  addName(name: string, addresses: readonly string[]): void {
    this.#names.set(name, addresses.map((one) => this.#nodes.get(one)?.address ?? one));
  }

  /**
   * Sets how datagrams travel from one machine to another. What was set for the machines
   * themselves no longer applies between these two.
   *
   * @param from a node's name or an address
   * @param to another's
   * @param there the way there
   * @param back the way back. Default: like the way there
   * @throws {RangeError} if an option is out of range
   */
  link(from: string, to: string, there: LinkOptions, back: LinkOptions = there): void {
    const a = this.#addressOf(from), b = this.#addressOf(to);
    this.#network.setPath(a, b, there);
    this.#network.setPath(b, a, back);
  }

  /**
   * Sets what leads to and from a machine. Its ways begin anew.
   *
   * @param node its name or address
   * @param link as {@linkcode SimulatedNodeOptions.link}
   * @throws {RangeError} if an option is out of range
   */
  setAccess(node: string, link: LinkPair): void {
    this.#network.setAccess(this.#addressOf(node), link);
  }

  /**
   * Cuts machines off for a time: all datagrams from and to them that leave in it are lost.
   *
   * @param span when, in seconds since the start
   * @param nodes names or addresses. Default: nobody reaches anybody
   * @throws {RangeError} if the span ends before it begins
   */
  cut(span: Span, nodes?: readonly string[]): void {
    this.#network.cut(span, nodes?.map((one) => this.#addressOf(one)));
  }

  /**
   * Does something later.
   *
   * @param elapsed when, in seconds since the start; what is past is done at once
   * @param callback what
   * @returns a function that cancels it
   */
  at(elapsed: number, callback: () => void): () => void {
    return this.time.after(Math.max(0, elapsed - this.elapsed) * 1000, callback);
  }

  /**
   * Records the error of a clock from now on, at each whole multiple of an interval, before anything
   * else is done then.
   *
   * @param clock any clock that runs in this simulation
   * @param options see {@linkcode WatchOptions}
   * @throws {RangeError} if `interval` is no time
   */
  watch(clock: Pick<Clock, "read">, options: WatchOptions = {}): ClockErrors {
    const { interval = 1, frequencyError, onLook } = options;
    const errors = new ClockErrors();
    const readError = clock instanceof SimulatedClock
      ? () => clock.offset - this.#leapOffset()
      : () => this.errorOf(clock);
    let last = readError();
    this.time.observe(interval * 1000, () => {
      const error = readError(), at = this.elapsed;
      errors.add(at, error, frequencyError ? frequencyError() : (error - last) / interval);
      last = error;
      onLook?.(at, error);
    });
    return errors;
  }

  /**
   * Lets time pass.
   *
   * @param seconds 0 or more
   * @throws {RangeError} if `seconds` is negative or not finite
   * @throws {Error} what code in the simulation throws outside of promises
   */
  async run(seconds: number): Promise<void> {
    await this.time.run(seconds * 1000);
  }

  /**
   * Lets time pass until a promise is settled.
   *
   * @param promise what to wait for
   * @param limit how far to go, in seconds. Default 3600
   * @returns what the promise gave
   * @throws {Error} if it is not settled by then; else what the promise throws
   */
  runUntil<T>(promise: Promise<T>, limit = 3600): Promise<T> {
    return this.time.runUntil(promise, limit * 1000);
  }

  #leapOffset(): number {
    const leap = this.#leap;
    if (leap === undefined || this.elapsed < leap.at) return 0;
    return leap.kind === "insert" ? -1 : 1;
  }

  #addNode(options: SimulatedNodeOptions, clockOptions: SimulatedClockOptions): SimulatedNode {
    const { name, address = this.#nextAddress(), link } = options;
    if (new Endpoint(address, 0).family === 0) {
      throw new RangeError(`address is an IP address, not "${address}"`);
    }
    if (this.#nodes.has(name) || this.#addresses.has(address)) {
      throw new RangeError(`There is a node ${name} or an address ${address} already`);
    }
    const random = this.random.fork(`node ${name}`);
    const clock = new SimulatedClock(
      this.time,
      { ...options.clock, ...clockOptions },
      random.fork("clock"),
    );
    const bytes = random.fork("bytes");
    const bind: BindUdp = (options) =>
      this.#network.bind({
        ...options,
        hostname: isAnyAddress(options.hostname) ? address : options.hostname,
      });
    const leapOffset = () => this.#leapOffset();
    const node: SimulatedNode = {
      name,
      address,
      clock,
      bind,
      get offset() {
        return clock.offset - leapOffset();
      },
      world: {
        clock,
        timers: this.time,
        random: (into) => bytes.fill(into),
        bind,
        resolve: this.#resolve,
      },
    };
    this.#network.setName(address, name);
    if (link !== undefined) this.#network.setAccess(address, link);
    this.#nodes.set(name, node);
    this.#addresses.add(address);
    return node;
  }

  readonly #resolve: ResolveHost = (hostname, options) =>
    resolveHost(hostname, {
      ...options,
      lookup: (name) => {
        const found = this.#names.get(name) ?? [this.#nodes.get(name)?.address ?? []].flat();
        if (found.length > 0) return Promise.resolve(found);
        return Promise.reject(
          new NTPError("not-found", `The simulation has no ${name}: addNode() or addName() it`),
        );
      },
    });

  #nextAddress(): string {
    for (let n = this.#nodes.size + 1;; n++) {
      const address = `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`;
      if (!this.#addresses.has(address)) return address;
    }
  }

  #addressOf(node: string): string {
    const address = this.#nodes.get(node)?.address ?? node;
    if (new Endpoint(address, 0).family !== 0) return address;
    throw new RangeError(`There is no node "${node}"`);
  }
}

function isAnyAddress(hostname: string | undefined): boolean {
  return hostname === undefined || hostname === "::" || hostname === "0.0.0.0";
}
