// A clock for workers that is 1000 s fast, loaded later.
import type { Clock } from "../../../src/clock/clock.ts";
import { FunctionClock } from "../../../src/clock/function_clock.ts";
import { SystemClock } from "../../../src/clock/system_clock.ts";
import { addSeconds } from "../../../src/packet/timestamp.ts";

const system = new SystemClock();

export default async function makeClock(): Promise<Clock> {
  await new Promise((resolve) => setTimeout(resolve, 1));
  return new FunctionClock(() => addSeconds(system.now(), 1000), { precision: -20 });
}
