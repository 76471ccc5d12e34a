import type { Fault } from "./fault.ts";

/** A way in which a group of servers is wrong; see {@linkcode falsetickers}. */
export type FalsetickerPattern =
  | "apart"
  | "together"
  | "brackets"
  | "drift"
  | "drift-apart"
  | "jump"
  | "oscillation"
  | "noise"
  | "liars"
  | "humble"
  | "flicker";

/** All patterns of {@linkcode falsetickers}. */
export const FALSETICKER_PATTERNS: readonly FalsetickerPattern[] = [
  "apart",
  "together",
  "brackets",
  "drift",
  "drift-apart",
  "jump",
  "oscillation",
  "noise",
  "liars",
  "humble",
  "flicker",
];

/** Options of {@linkcode falsetickers}. */
export interface FalsetickersOptions {
  /** How wrong they are, in seconds, positive or negative. Default 0.1. */
  size?: number;
  /** From when on, in seconds since the start. Default 0. */
  from?: number;
  /** How long a drift takes to become `size`, and an oscillation, in seconds. Default 3600. */
  period?: number;
}

/** Claimed by servers that make themselves look better or worse than they are, in seconds. */
const LEAST_DISPERSION = 2 ** -16, GREAT_DISPERSION = 1;

/**
 * What is wrong with each of a group of servers that are wrong, by mistake or on purpose:
 * - `apart`: by different constants, `size`, −2·`size`, 3·`size`, …
 * - `together`: all by `size`: they agree with each other.
 * - `brackets`: every other one by −`size`, so that the mean is right.
 * - `drift`: together, from 0 to `size` in `period` and on: too slow to be seen as a step.
 * - `drift-apart`: the same, every other one to the other side.
 * - `jump`: together, right for one `period`, and then by `size`.
 * - `oscillation`: together, a sinusoid.
 * - `noise`: each reply by another time of up to `size`.
 * - `liars`: together, and they claim to know it exactly: no root delay, nearly no dispersion.
 * - `humble`: together, and they claim an error of a second, so that they contradict nobody.
 * - `flicker`: together, in one half of each tenth of `period` and not in the other, for 100 periods.
 *
 * @param pattern which
 * @param count how many servers, 0 or more
 * @param options see {@linkcode FalsetickersOptions}
 * @returns faults for each
 * @throws {RangeError} if there is no such pattern, or an option is out of range
 *
 * @example Two of five servers agree on a wrong time
 * ```ts
 * import { falsetickers, Simulation } from "@ntps/ntps/testing";
 *
 * const simulation = new Simulation();
 * const wrong = falsetickers("together", 2, { size: 0.5 });
 * for (let i = 0; i < 5; i++) {
 *   await simulation.addServer({ name: `server${i}`, faults: wrong[i] ?? [] });
 * }
 * ```
 */
export function falsetickers(
  pattern: FalsetickerPattern,
  count: number,
  options: FalsetickersOptions = {},
): Fault[][] {
  const { size = 0.1, from = 0, period = 3600 } = options;
  if (!FALSETICKER_PATTERNS.includes(pattern)) {
    throw new RangeError(`pattern is one of ${FALSETICKER_PATTERNS.join(", ")}, not ${pattern}`);
  }
  if (!Number.isInteger(count) || count < 0) {
    throw new RangeError(`count must be a whole number from 0, not ${count}`);
  }
  if (!Number.isFinite(size)) throw new RangeError(`size must be finite, not ${size}`);
  if (!(period > 0 && period < Infinity)) {
    throw new RangeError(`period must be above 0 s and finite, not ${period}`);
  }
  return Array.from({ length: count }, (_, index) => faultsOf(pattern, index, size, from, period));
}

function faultsOf(
  pattern: FalsetickerPattern,
  index: number,
  size: number,
  from: number,
  period: number,
): Fault[] {
  const sign = index % 2 === 0 ? 1 : -1;
  switch (pattern) {
    case "apart":
      return [{ kind: "offset", seconds: sign * (index + 1) * size, from }];
    case "together":
      return [{ kind: "offset", seconds: size, from }];
    case "brackets":
      return [{ kind: "offset", seconds: sign * size, from }];
    case "drift":
      return [{ kind: "drift", rate: size / period, from }];
    case "drift-apart":
      return [{ kind: "drift", rate: sign * size / period, from }];
    case "jump":
      return [{ kind: "offset", seconds: size, from: from + period }];
    case "oscillation":
      return [{ kind: "oscillation", amplitude: size, period, from }];
    case "noise":
      return [{ kind: "noise", seconds: Math.abs(size), from }];
    case "liars":
      return [
        { kind: "offset", seconds: size, from },
        { kind: "root", rootDelay: 0, rootDispersion: LEAST_DISPERSION, from },
      ];
    case "humble":
      return [
        { kind: "offset", seconds: size, from },
        { kind: "root", rootDispersion: GREAT_DISPERSION, from },
      ];
    case "flicker":
      return Array.from({ length: 1000 }, (_, turn) => {
        const begins = from + turn * period / 10;
        return { kind: "offset", seconds: size, from: begins, until: begins + period / 20 };
      });
  }
}
