import type { Clock, ClockState } from "../../clock/clock.ts";
import { MAX_STRATUM, type SystemVariables } from "../system_variables.ts";

/**
 * A server's clock as it is published to its workers: its state is what the server says of itself,
 * with stratum and reference of the server's own where the clock knows none.
 *
 * @param clock the server's clock
 * @param variables tells what the server says of itself
 */
export function publishedClock(clock: Clock, variables: () => SystemVariables): Clock {
  return {
    get precision() {
      return clock.precision;
    },
    now: () => clock.now(),
    read: (into) => clock.read(into),
    state(): ClockState {
      const { leapIndicator, stratum, precision: _, ...others } = variables();
      // Both mean the same, and are the same on the wire.
      const synchronized = leapIndicator !== 3 && stratum < MAX_STRATUM;
      return { ...others, synchronized, leapIndicator, stratum };
    },
  };
}
