// The conditions of bench:sync: what chronyd and ntpd were measured in (S…), and more of the same
// kind without a baseline (X…). README.md describes the model.

import type { OscillatorOptions } from "../../src/testing/oscillator.ts";
import type { DelayOptions } from "../../src/testing/delay.ts";

/** A way in one direction. */
export interface Way {
  delay: DelayOptions;
  /** Share of packets lost. */
  loss?: number;
}

/** What others reached under the same conditions: seconds, and seconds per second. */
export interface Baseline {
  chronydTime: number;
  chronydMax: number;
  chronydFrequency: number;
  /** Last second with an error above 1 ms; null: there was none without. */
  chronydConverged: number | null;
  ntpdTime: number;
  ntpdFrequency: number;
  busyboxTime: number;
}

/** One set of conditions. */
export interface Row {
  id: string;
  text: string;
  /** How long, and from which second on errors count. */
  seconds: number;
  from: number;
  /** log2 of seconds. */
  minPoll: number;
  maxPoll: number;
  iburst: boolean;
  clock: OscillatorOptions;
  /** To the server and back. */
  outward: Way;
  back: Way;
  /** How far each server's clock is ahead; one server for each. */
  servers: number[];
  baseline?: Baseline;
}

const START = { offset: 0.01, wander: 1e-9 };
const NEAR: Way = { delay: { base: 1e-4, exponential: 1e-4 } };
const FAR: Way = { delay: { base: 2e-2, exponential: 1e-3 } };
const JITTERY: Way = { delay: { base: 2e-2, exponential: 1e-2 } };

function row(id: string, text: string, way: Way, more: Partial<Row> = {}): Row {
  return {
    id,
    text,
    seconds: 100_000,
    from: 10_000,
    minPoll: 6,
    maxPoll: 6,
    iburst: false,
    clock: START,
    outward: way,
    back: way,
    servers: [0],
    ...more,
  };
}

const LONG = { seconds: 200_000, from: 40_000, maxPoll: 10 };

function baseline(
  chronydTime: number,
  chronydMax: number,
  chronydFrequency: number,
  chronydConverged: number | null,
  ntpdTime: number,
  ntpdFrequency: number,
  busyboxTime: number,
): { baseline: Baseline } {
  return {
    baseline: {
      chronydTime,
      chronydMax,
      chronydFrequency,
      chronydConverged,
      ntpdTime,
      ntpdFrequency,
      busyboxTime,
    },
  };
}

/** All conditions. */
export const ROWS: readonly Row[] = [
  row("S1", "LAN", NEAR, baseline(2.38e-5, 8.3e-5, 1.22e-7, 131, 2.33e-5, 6.6e-8, 3.8e-4)),
  row("S2", "LAN, poll 4", NEAR, {
    minPoll: 4,
    maxPoll: 4,
    ...baseline(1.11e-5, 7.4e-5, 1.49e-7, 34, 1.46e-5, 2.4e-7, 3.8e-4),
  }),
  row("S3", "WAN", FAR, baseline(1.09e-4, 3.8e-4, 2.77e-7, 131, 1.48e-4, 5.9e-7, 6.7e-4)),
  row("S4", "WAN, poll 6 to 10", FAR, {
    ...LONG,
    ...baseline(4.94e-4, 1.4e-3, 2.82e-7, null, 4.28e-4, 1.5e-7, 7.9e-4),
  }),
  row("S5", "jittery WAN, poll 6 to 10", JITTERY, {
    ...LONG,
    ...baseline(2.03e-3, 4.4e-3, 3.12e-7, null, 3.62e-3, 1.4e-6, 6.8e-3),
  }),
  row("S7", "LAN, bad crystal", NEAR, {
    clock: { offset: 0.01, wander: 1e-8 },
    ...baseline(5.56e-5, 2.2e-4, 6.71e-7, 131, 1.73e-4, 3.0e-7, 3.6e-3),
  }),
  row("S9", "LAN, 20 % lost each way", { ...NEAR, loss: 0.2 }, {
    ...baseline(3.19e-5, 1.2e-4, 1.52e-7, 195, 2.86e-5, 7.5e-8, 3.7e-4),
  }),
  row("S10", "LAN, temperature", NEAR, {
    clock: { ...START, sinusoid: { amplitude: 1e-6, period: 7200 } },
    ...baseline(6.17e-5, 2.7e-4, 8.39e-7, 131, 3.62e-4, 5.5e-7, 1.1e-3),
  }),
  row("S11", "start, 50 ppm and 0.1 s", NEAR, {
    seconds: 7200,
    from: 1,
    iburst: true,
    clock: { offset: 0.1, frequency: 5e-5, wander: 1e-9 },
    ...baseline(2.09e-3, 1.0e-1, 9.8e-4, 6, 1.08e-2, 7.9e-5, 1.2e-2),
  }),
  row("S13", "WAN, normal jitter", { delay: { base: 2e-2, normal: 1e-3, least: 5e-3 } }, {
    ...baseline(2.22e-4, 8.0e-4, 9.13e-7, 544, 6.07e-4, 2.2e-6, 5.8e-4),
  }),

  row("X1", "LAN, good crystal", NEAR, { clock: { offset: 0.01, wander: 1e-10 } }),
  row("X2", "WAN, good crystal, poll 6 to 10", FAR, {
    ...LONG,
    clock: { offset: 0.01, wander: 1e-10 },
  }),
  row("X3", "WAN, jitter on the way out only", { delay: { base: 2e-2 } }, {
    outward: { delay: { base: 2e-2, exponential: 5e-3 } },
  }),
  row("X4", "WAN, jitter on the way back mostly", { delay: { base: 2e-2, exponential: 5e-3 } }, {
    outward: { delay: { base: 2e-2, exponential: 5e-4 } },
  }),
  row("X5", "start, 100 ppm and 1 s", NEAR, {
    seconds: 7200,
    from: 1,
    iburst: true,
    clock: { offset: 1, frequency: 1e-4, wander: 1e-9 },
  }),
  row("X6", "WAN start, -100 ppm and -0.3 s", FAR, {
    seconds: 7200,
    from: 1,
    iburst: true,
    clock: { offset: -0.3, frequency: -1e-4, wander: 1e-9 },
  }),
  row("X7", "100 ms away", { delay: { base: 0.1, exponential: 2e-3 } }),
  row("X8", "300 ms away, poll 6 to 10", { delay: { base: 0.3, exponential: 1e-2 } }, LONG),
  row("X9", "LAN, 4 servers", NEAR, { servers: [0, 0, 0, 0] }),
  row("X10", "WAN, 4 servers", FAR, { servers: [0, 0, 0, 0] }),
  row("X11", "LAN, 5 servers, 2 falsetickers that agree", NEAR, { servers: [0, 0, 0, 0.5, 0.5] }),
  row("X12", "WAN, 4 servers, 1 falseticker", FAR, { servers: [0, 0.05, 0, 0] }),
];
