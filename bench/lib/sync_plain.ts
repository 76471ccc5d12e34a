// The clock discipline that one would write first, to compare a better one with: a query at each
// poll, and a loop of proportional and integral parts. Steps where it is off by much.

import { query } from "../../src/client/query.ts";
import type { Clock } from "../../src/clock/clock.ts";
import type { SyncSubject } from "./sync_world.ts";

/** Offset from which the clock is stepped, in seconds, and gains of the loop. */
const STEP = 0.005, PHASE_GAIN = 0.3, FREQUENCY_GAIN = 0.05;

class LoopClock {
  readonly #raw: Pick<Clock, "read">;
  #offset = 0;
  #frequency = 0;
  #anchor = 0;

  constructor(raw: Pick<Clock, "read">) {
    this.#raw = raw;
  }

  get rate(): number {
    return 1 + this.#frequency;
  }

  read(into: Uint32Array): void {
    this.#raw.read(into);
    const fraction = into[1]! + this.#correction(into[0]! + into[1]! / 2 ** 32) * 2 ** 32;
    into[0] = into[0]! + Math.floor(fraction / 2 ** 32);
    into[1] = Math.floor(fraction) - Math.floor(fraction / 2 ** 32) * 2 ** 32;
  }

  now(): bigint {
    const words = new Uint32Array(2);
    this.read(words);
    return (BigInt(words[0]!) << 32n) | BigInt(words[1]!);
  }

  correct(offset: number, poll: number): void {
    const words = new Uint32Array(2);
    this.#raw.read(words);
    const raw = words[0]! + words[1]! / 2 ** 32;
    this.#offset = this.#correction(raw);
    this.#anchor = raw;
    if (Math.abs(offset) > STEP) this.#offset += offset;
    else {
      this.#offset += PHASE_GAIN * offset;
      this.#frequency += FREQUENCY_GAIN * offset / poll;
    }
  }

  #correction(raw: number): number {
    return this.#anchor === 0 ? 0 : this.#offset + (raw - this.#anchor) * this.#frequency;
  }
}

/** Follows the first server. */
export const plain: SyncSubject = (world, [server], { minPoll }) => {
  const loop = new LoopClock(world.clock);
  const clock: Clock = {
    precision: world.clock.precision,
    now: () => loop.now(),
    read: (into) => loop.read(into),
    state: () => world.clock.state(),
  };
  const ask = async (): Promise<void> => {
    try {
      const { offset } = await query(server!, { ...world, clock, timeoutMs: 1000 });
      loop.correct(offset, 2 ** minPoll);
    } catch {
      // Lost: the next one may come through.
    }
  };
  const repeat = (): void => {
    void ask();
    world.timers.after(2 ** minPoll * 1000, repeat);
  };
  repeat();
  return { clock, rate: () => loop.rate };
};
