// A clock that follows servers in a simulation, and what is noticed of it each second.
import { timestampDifference } from "../../src/packet/timestamp.ts";
import { NTPSync } from "../../src/sync/ntp_sync.ts";
import type { NTPSyncOptions } from "../../src/sync/ntp_sync_options.ts";
import type { ClockErrors } from "../../src/testing/clock_errors.ts";
import type { SimulatedNodeOptions } from "../../src/testing/simulated_node.ts";
import { Simulation, type SimulationOptions } from "../../src/testing/simulation.ts";
import type { ScriptedServerOptions } from "../../src/testing/scripted_server.ts";
import type { BindUdp } from "../../src/transport/udp_transport.ts";

/** What the world of a test is made of. */
export interface SceneOptions extends SimulationOptions {
  /** The servers; their names are given, else `a.example`, `b.example`, … */
  servers: (Partial<SimulatedNodeOptions> & ScriptedServerOptions)[];
  /** The machine that follows them. */
  client?: Partial<SimulatedNodeOptions>;
  /** How it follows them. */
  sync?: Partial<NTPSyncOptions>;
  /** Shortest and longest poll. */
  minPoll?: number;
  maxPoll?: number;
  /** A clock that goes on while the machine sleeps: milliseconds, given the seconds since the start. */
  wallMs?: (elapsed: number) => number;
}

/** What was seen of a clock. */
export class Observations {
  /** Errors of the clock, once each second. */
  errors!: ClockErrors;
  /** Looks, and how often the true time was not within the bounds. */
  looks = 0;
  outside = 0;
  /** Widths of the bounds, and root distances. */
  readonly widths: number[] = [];
  readonly distances: number[] = [];
  /** Farthest that the clock ever went back, in seconds; steps that it told of are in it. */
  backwards = 0;
  /** Steps that it told of. */
  readonly steps: number[] = [];
  /** Largest error since `from`. */
  worst = 0;

  /** Share of looks at which the true time was within the bounds. */
  get coverage(): number {
    return 1 - this.outside / this.looks;
  }

  /** Median of the widths of the bounds over the RMS root distance. */
  get width(): number {
    const sorted = [...this.widths].sort((a, b) => a - b);
    const squares = this.distances.reduce((sum, distance) => sum + distance ** 2, 0);
    return sorted[sorted.length >> 1]! / Math.sqrt(squares / this.distances.length);
  }
}

/** A world, and a clock that runs in it. */
export interface Scene {
  readonly simulation: Simulation;
  readonly sync: NTPSync;
  readonly seen: Observations;
  /** Requests sent so far. */
  requests(): number;
}

/** Names of the servers of a scene. */
export function serverName(index: number): string {
  return `${String.fromCharCode(97 + index % 26)}${index < 26 ? "" : index}.example`;
}

/** Makes a world, starts a clock in it, and begins to look. */
export async function stage(options: SceneOptions): Promise<Scene> {
  const {
    servers,
    client = {},
    sync: syncOptions = {},
    minPoll = 6,
    maxPoll = 6,
    wallMs,
    ...rest
  } = options;
  const simulation = new Simulation(rest);
  const names = servers.map((server, index) => server.name ?? serverName(index));
  for (const [index, server] of servers.entries()) {
    await simulation.addServer({ stratum: 1, refid: "GPS", ...server, name: names[index]! });
  }
  const { world } = simulation.addNode({ name: "client", ...client });
  const seen = new Observations();
  let requests = 0, before: bigint | undefined;
  let sync: NTPSync | undefined = undefined as NTPSync | undefined;
  const goneBack = (now: bigint) => {
    if (before === undefined) return;
    seen.backwards = Math.max(seen.backwards, -timestampDifference(now, before));
  };
  const look = () => {
    if (sync?.clock.started !== true) return;
    const now = sync.clock.now();
    goneBack(now);
    before = now;
  };
  const bind: BindUdp = async (bindOptions) => {
    const transport = await world.bind({
      ...bindOptions,
      onDatagram(data, source, arrival) {
        look(); // no time passes until the sample is taken
        bindOptions.onDatagram(data, source, arrival);
      },
    });
    const send = transport.send.bind(transport);
    transport.send = (data, to) => {
      requests++;
      return send(data, to);
    };
    return transport;
  };
  sync = await simulation.runUntil(NTPSync.start({
    ...world,
    bind,
    servers: syncOptions.pools ? [] : names.map((hostname) => ({ hostname, minPoll, maxPoll })),
    ...syncOptions,
    ...(wallMs && { wallMs: () => wallMs(simulation.elapsed) }),
    onUpdate(of) {
      syncOptions.onUpdate?.(of);
      look();
    },
  }));
  const { clock } = sync;
  clock.onStep((seconds) => seen.steps.push(seconds));
  seen.errors = simulation.watch(clock, {
    onLook(_, error) {
      look();
      const truth = simulation.trueTime(), { earliest, latest } = clock.bounds();
      seen.looks++;
      seen.worst = Math.max(seen.worst, Math.abs(error));
      const isInside = timestampDifference(earliest, truth) <= 0 &&
        timestampDifference(latest, truth) >= 0;
      if (!isInside) seen.outside++;
      seen.widths.push(timestampDifference(latest, earliest));
      const { rootDelay, rootDispersion } = clock.state();
      seen.distances.push(rootDelay / 2 + rootDispersion);
    },
  });
  return { simulation, sync, seen, requests: () => requests };
}
