import type { Clock, ClockState } from "../../src/clock/clock.ts";
import { timestampFromUnixNanoseconds, timestampFromWords } from "../../src/packet/timestamp.ts";
import type { SourceSample } from "../../src/sync/sync_source.ts";

/** A raw clock that shows what it is told to. */
export class ManualClock implements Clock {
  readonly precision = -30;
  /** Seconds since `start`. */
  elapsed = 0;
  readonly #start: bigint;

  /** Makes a clock that shows a date. */
  constructor(start: string) {
    this.#start = timestampFromUnixNanoseconds(BigInt(Date.parse(start)) * 1_000_000n);
  }

  now(): bigint {
    return BigInt.asUintN(64, this.#start + BigInt(Math.round(this.elapsed * 2 ** 32)));
  }

  read(into: Uint32Array): void {
    const now = this.now();
    into[0] = Number(now >> 32n);
    into[1] = Number(BigInt.asUintN(32, now));
  }

  state(): ClockState {
    throw new Error("Nobody asks a raw clock for its state");
  }
}

/** A sample of a stratum 1 server 20 ms away. */
export function sampleAt(
  clock: ManualClock,
  offset: number,
  more: Partial<SourceSample> = {},
): SourceSample {
  return {
    time: clock.elapsed,
    offset,
    delay: 0.02,
    dispersion: 1e-6,
    stratum: 1,
    leapIndicator: 0,
    rootDelay: 0,
    rootDispersion: 0,
    referenceId: 0x47505300,
    ...more,
  };
}

/** What two words stand for. */
export function timestampOf(words: Uint32Array): bigint {
  return timestampFromWords(words[0]!, words[1]!);
}
