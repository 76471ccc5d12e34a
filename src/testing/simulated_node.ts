import type { ResolveHost } from "../client/options.ts";
import type { Random } from "../client/request.ts";
import type { Timers } from "../clock/timers.ts";
import type { BindUdp } from "../transport/udp_transport.ts";
import type { LinkPair } from "./link.ts";
import type { SimulatedClock, SimulatedClockOptions } from "./simulated_clock.ts";

/** Options of a node. */
export interface SimulatedNodeOptions {
  /** Its name, by which its address is found, and which its random numbers depend on. */
  name: string;
  /** Its IP address. Default: 10.0.0.1, 10.0.0.2, … in the order of the nodes. */
  address?: string;
  /** How its clock keeps time. Default: right. */
  clock?: SimulatedClockOptions;
  /** What leads to it and from it. Default: the simulation's `link`. */
  link?: LinkPair;
}

/** The world as code on a node sees it: to be passed to what takes such options. */
export interface SimulatedWorld {
  /** The node's clock. */
  readonly clock: SimulatedClock;
  /** Virtual time. */
  readonly timers: Timers;
  /** The node's own random numbers. */
  readonly random: Random;
  /** The node's network. */
  readonly bind: BindUdp;
  /** Names of nodes, and those given with {@linkcode Simulation.addName}. */
  readonly resolve: ResolveHost;
}

/** A machine in a {@linkcode Simulation}. */
export interface SimulatedNode {
  /** Its name. */
  readonly name: string;
  /** Its IP address. */
  readonly address: string;
  /** Its clock, as the hardware is: undisciplined. */
  readonly clock: SimulatedClock;
  /** Binds a socket at its address. */
  readonly bind: BindUdp;
  /** How far its clock is ahead of true time, in seconds. */
  readonly offset: number;
  /**
   * All that code on this machine needs of it: `query(name, node.world)`,
   * `new NTPServer({ ...node.world })`.
   */
  readonly world: SimulatedWorld;
}
