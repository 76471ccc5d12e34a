import type { Adjustment, SteerableClock, SteeringState } from "../../src/steering/mod.ts";
import { addSeconds, timestampDifference } from "../../src/packet/timestamp.ts";

/** A system clock on hardware of a test: it can be steered without harm. */
export class FakeSystemTime implements SteerableClock {
  readonly adjustments: Adjustment[] = [];
  readonly #hardware: () => bigint;
  #base: bigint;
  #since: bigint;
  #frequency = 0;
  /** What it tells of itself besides. */
  told: Partial<SteeringState> = {};

  /**
   * @param hardware its oscillator: an NTP timestamp that nothing steers
   * @param ahead how far it is ahead of that at first, in seconds
   */
  constructor(hardware: () => bigint, ahead = 0) {
    this.#hardware = hardware;
    this.#since = hardware();
    this.#base = addSeconds(this.#since, ahead);
  }

  now(): bigint {
    const elapsed = timestampDifference(this.#hardware(), this.#since);
    const rate = 1 + this.#frequency + (this.told.tickFrequency ?? 0);
    return addSeconds(this.#base, elapsed * rate);
  }

  state(): SteeringState {
    return {
      frequency: this.#frequency,
      tickFrequency: 0,
      synchronized: false,
      kernelLoop: false,
      maxError: 16,
      ...this.told,
    };
  }

  adjust(adjustment: Adjustment): void {
    this.adjustments.push(adjustment);
    const { step = 0, frequency = this.#frequency } = adjustment;
    this.#base = addSeconds(this.now(), step);
    this.#since = this.#hardware();
    this.#frequency = frequency;
  }
}
