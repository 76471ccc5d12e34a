// The model of bench:sync, as a world in which a client runs as it is: packets, sockets, timers.

import type { Clock } from "../../src/clock/clock.ts";
import { timestampDifference } from "../../src/packet/timestamp.ts";
import type { ClockErrorStatistics } from "../../src/testing/clock_errors.ts";
import type { LinkOptions } from "../../src/testing/link.ts";
import type { SimulatedWorld } from "../../src/testing/simulated_node.ts";
import { Simulation } from "../../src/testing/simulation.ts";
import type { BindUdp } from "../../src/transport/udp_transport.ts";
import type { Row, Way } from "./sync_rows.ts";

/** What a client under test has made of its clock. */
export interface Disciplined {
  /** The clock whose error counts. */
  clock: Pick<Clock, "read">;
  /** By which factor it runs faster than the raw clock now. Absent: its readings tell. */
  rate?: () => number;
  /** Between which NTP timestamps it says that the true time lies. */
  bounds?: () => { earliest: bigint; latest: bigint };
  /** Half the root delay and the root dispersion that it would announce now, in seconds. */
  rootDistance?: () => number;
}

/**
 * A client to be measured: starts to follow the servers.
 *
 * @param world the machine it runs on: its raw clock, timers, network
 * @param servers their names
 * @param row its poll interval, and whether it may begin with a burst
 */
export type SyncSubject = (
  world: SimulatedWorld,
  servers: string[],
  row: Pick<Row, "minPoll" | "maxPoll" | "iburst">,
) => Disciplined | Promise<Disciplined>;

/** What was measured in one run. */
export interface RunResult extends ClockErrorStatistics {
  /** Mean time between two requests to a server, in seconds. */
  requestInterval: number;
  /** Percent of instants at which the true time lay within the bounds; NaN: it tells none. */
  boundsHeld: number;
  /** Median width of the bounds over the root mean square of the root distance; NaN likewise. */
  boundsWidth: number;
}

/**
 * Runs a client under the conditions of a row.
 *
 * @param row the conditions
 * @param seed of everything that is random
 * @param subject the client
 */
export async function runRow(row: Row, seed: number, subject: SyncSubject): Promise<RunResult> {
  const simulation = new Simulation({ seed: `${row.id} ${seed}` });
  const servers = row.servers.map((_, index) => `server${index}.example`);
  for (const [index, offset] of row.servers.entries()) {
    await simulation.addServer({ name: servers[index]!, refid: "GPS", clock: { offset } });
  }
  const { world } = simulation.addNode({
    name: "client",
    clock: row.clock,
    link: { away: linkOf(row.outward), toward: linkOf(row.back) },
  });
  let requests = 0;
  const bind: BindUdp = async (options) => {
    const transport = await world.bind(options);
    const send = transport.send.bind(transport);
    transport.send = (data, to) => {
      requests++;
      return send(data, to);
    };
    return transport;
  };
  // Until the client has a clock, its machine's counts.
  const raw = world.clock;
  let disciplined: Disciplined = { clock: raw, rate: () => 1 };
  const told = { read: (into: Uint32Array) => disciplined.clock.read(into) };
  let last = simulation.errorOf(told);
  const errors = simulation.watch(told, {
    frequencyError: () => {
      const before = last;
      last = simulation.errorOf(told);
      const { rate } = disciplined;
      return rate ? (1 + raw.frequencyError) * rate() - 1 : last - before;
    },
  });
  const bounds = new BoundsRecord();
  simulation.time.observe(BOUNDS_INTERVAL_MS, () => bounds.look(disciplined, simulation));
  disciplined = await simulation.runUntil(
    Promise.resolve(subject({ ...world, bind }, servers, row)),
  );
  await simulation.run(row.seconds - simulation.elapsed);
  const requestInterval = row.seconds * servers.length / requests;
  return { ...errors.statistics({ from: row.from }), ...bounds.figures(), requestInterval };
}

function linkOf({ delay, loss = 0 }: Way): LinkOptions {
  return { ...delay, loss };
}

/** How often the bounds are looked at. */
const BOUNDS_INTERVAL_MS = 10_000;

/** Whether the bounds of a clock hold, and how wide they are. */
class BoundsRecord {
  #count = 0;
  #held = 0;
  #squares = 0;
  readonly #widths: number[] = [];

  look({ bounds, rootDistance }: Disciplined, simulation: Simulation): void {
    if (bounds === undefined || rootDistance === undefined) return;
    const { earliest, latest } = bounds(), now = simulation.trueTime();
    this.#count++;
    if (timestampDifference(now, earliest) >= 0 && timestampDifference(latest, now) >= 0) {
      this.#held++;
    }
    this.#widths.push(timestampDifference(latest, earliest));
    const distance = rootDistance();
    this.#squares += distance * distance; // ** differs in its last bit between engines
  }

  figures(): { boundsHeld: number; boundsWidth: number } {
    const widths = this.#widths.sort((a, b) => a - b);
    const median = widths[widths.length >> 1] ?? NaN;
    return {
      boundsHeld: 100 * this.#held / this.#count,
      boundsWidth: median / Math.sqrt(this.#squares / this.#count),
    };
  }
}
