// The model of bench:sync, as a world in which a client runs as it is: packets, sockets, timers.

import type { Clock } from "../../src/clock/clock.ts";
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
  const { clock, rate } = await simulation.runUntil(
    Promise.resolve(subject({ ...world, bind }, servers, row)),
  );
  const raw = world.clock;
  const errors = simulation.watch(clock, {
    ...(rate && { frequencyError: () => (1 + raw.frequencyError) * rate() - 1 }),
  });
  await simulation.run(row.seconds - simulation.elapsed);
  const requestInterval = row.seconds * servers.length / requests;
  return { ...errors.statistics({ from: row.from }), requestInterval };
}

function linkOf({ delay, loss = 0 }: Way): LinkOptions {
  return { ...delay, loss };
}
