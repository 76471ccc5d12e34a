import type { LeapIndicator } from "../packet/leap_indicator.ts";
import { DelayWindow } from "./delay_window.ts";
import { type Estimate, predict } from "./estimate.ts";
import { FilterBank } from "./filter_bank.ts";
import { regress, type Regression, type WeightedPoint } from "./regression.ts";

/** One measurement of a source, and what the source says of itself. Seconds. */
export interface SourceSample {
  /** When it was made, in seconds of the raw clock: the middle of the exchange. */
  readonly time: number;
  /** How far the source is ahead of the raw clock, less the base of both. */
  readonly offset: number;
  /** Round-trip delay, 0 or more; 0 of a reference clock. */
  readonly delay: number;
  /** Error of the measurement: precision of both clocks, or of a reference clock. */
  readonly dispersion: number;
  /** Stratum of the source, 0 (a reference clock) to 15. */
  readonly stratum: number;
  /** Leap indicator that it announces. */
  readonly leapIndicator: LeapIndicator;
  /** Its delay to the primary reference. */
  readonly rootDelay: number;
  /** Its dispersion to the primary reference. */
  readonly rootDispersion: number;
  /** Where it has its time from: 32 bits. */
  readonly referenceId: number;
}

/** What became of a sample: used; set aside, since it fits nothing before; or the first of a new start. */
export type SampleOutcome = "used" | "aside" | "restarted";

/** Samples kept for the regression. */
const HISTORY = 64;
/** A sample is set aside if it is off by so many standard deviations more than its delay explains. */
const SURPRISE = 6;
/** How much of an excess of the delay an offset may be wrong by: half, and some for a minimum not seen yet. */
const EXPLAINED = 0.6;
/** Samples before any is set aside. */
const WARM_UP = 8;
/** After so many samples set aside in a row they are believed: source or clock was set. */
const BELIEVED = 3;
/** What is known of the frequency after source or clock was set: it is the same within 10 ppm. */
const FREQUENCY_KEPT = 1e-5 ** 2;
/** Least variance of an offset, in seconds²: a tenth of a microsecond, squared. */
const LEAST_VARIANCE = 1e-7 ** 2;
/** How far an estimate may be off, in its own standard deviations: 1 in 16,000 of normal ones. */
export const CONFIDENCE = 4;
/** How fast an error may grow that no sample has shown yet, in seconds per second: temperature changes. */
export const MAX_CLOCK_ERROR = 1e-6;

/** What is known of one source: its latest samples, and what follows from them. */
export class SyncSource {
  readonly #delays = new DelayWindow();
  readonly #initialFrequency: { readonly value: number; readonly variance: number } | undefined;
  #bank: FilterBank;
  #history: WeightedPoint[] = [];
  #aside: SourceSample[] = [];
  #last: SourceSample | undefined;
  #restarts = 0;
  #set = 0;
  /** By how much the samples set aside contradict the estimate, in seconds. */
  #doubt = 0;

  /**
   * Makes a source that nothing is known of.
   *
   * @param frequency of the reference against the raw clock, as far as it is known beforehand
   */
  constructor(frequency?: { readonly value: number; readonly variance: number }) {
    this.#initialFrequency = frequency;
    this.#bank = new FilterBank(frequency);
  }

  /** The latest sample; undefined before the first. */
  get last(): SourceSample | undefined {
    return this.#last;
  }

  /** Samples that the present estimate is made of. */
  get samples(): number {
    return this.#bank.count;
  }

  /** How often it was started anew, since source or clock had been set. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Samples set aside. */
  get setAside(): number {
    return this.#set;
  }

  /** How far its frequency wanders against the raw clock: standard deviation per √s. */
  get wander(): number {
    return this.#bank.wander;
  }

  /** Shortest round-trip delay of late, in seconds. */
  get shortestDelay(): number {
    return this.#delays.minimum;
  }

  /**
   * Takes a sample.
   *
   * @param sample not older than the last
   */
  add(sample: SourceSample): SampleOutcome {
    this.#last = sample;
    const surprise = this.#surprise(sample);
    if (surprise === 0) {
      this.#aside = [];
      this.#doubt = 0;
      this.#take(sample);
      return "used";
    }
    this.#aside.push(sample);
    this.#set++;
    this.#doubt = Math.max(this.#doubt, surprise);
    if (this.#aside.length < BELIEVED) return "aside";
    const { frequency } = this.#bank.estimate!;
    this.#startAnew({ value: frequency, variance: FREQUENCY_KEPT });
    this.#restarts++;
    for (const kept of this.#aside) this.#take(kept);
    this.#aside = [];
    this.#doubt = 0;
    return "restarted";
  }

  /** Forgets the offset, not the frequency: the raw clock was disturbed. */
  disturb(): void {
    const known = this.#bank.estimate;
    this.#startAnew(
      known === undefined
        ? this.#initialFrequency
        : { value: known.frequency, variance: Math.max(known.frequencyVariance, FREQUENCY_KEPT) },
    );
    this.#aside = [];
    this.#doubt = 0;
  }

  /**
   * Source and clock were both set: a leap second.
   *
   * @param seconds by how much
   */
  shift(seconds: number): void {
    this.#bank.shift(seconds);
    const moved = <T extends { offset: number }>(at: T): T => ({
      ...at,
      offset: at.offset + seconds,
    });
    this.#history = this.#history.map(moved);
    this.#aside = this.#aside.map(moved);
    if (this.#last !== undefined) this.#last = moved(this.#last);
  }

  /**
   * Offset and frequency at some moment.
   *
   * @param time seconds of the raw clock, not before the last sample
   * @returns undefined before the first sample
   */
  estimateAt(time: number): Estimate | undefined {
    const { estimate, wander } = this.#bank;
    return estimate === undefined ? undefined : predict(estimate, time, wander);
  }

  /**
   * Largest error that the offset of {@linkcode SyncSource.estimateAt} can have: half of the delay
   * to the primary reference, all dispersion, and what the estimate may be off.
   *
   * @param estimate as of `estimateAt`
   */
  distanceOf(estimate: Estimate): number {
    const { rootDelay, rootDispersion, dispersion, time } = this.#last!;
    return (rootDelay + this.#delays.minimum) / 2 + rootDispersion + dispersion + this.#doubt +
      CONFIDENCE * Math.sqrt(Math.max(0, estimate.offsetVariance)) +
      MAX_CLOCK_ERROR * Math.abs(estimate.time - time);
  }

  /** A line through the latest samples, for people to look at. */
  regression(): Regression | undefined {
    return regress(this.#history);
  }

  /** By how much a sample contradicts all before it, in seconds; 0 if it fits. */
  #surprise(sample: SourceSample): number {
    if (this.#bank.count < WARM_UP) return 0;
    const foretold = this.estimateAt(sample.time)!;
    const surprise = Math.abs(sample.offset - foretold.offset);
    const excess = Math.max(0, sample.delay - this.#delays.minimum);
    const { standardDeviation } = regress(this.#history)!;
    const deviation = Math.sqrt(
      foretold.offsetVariance + standardDeviation ** 2 + sample.dispersion ** 2,
    );
    return surprise <= SURPRISE * deviation + EXPLAINED * excess ? 0 : surprise;
  }

  #take(sample: SourceSample): void {
    const quality = this.#delays.add(Math.max(0, sample.delay));
    const floor = Math.max(LEAST_VARIANCE, sample.dispersion ** 2);
    this.#bank.add(sample.time, sample.offset, quality, floor);
    this.#history.push({ time: sample.time, offset: sample.offset, excess: quality.excess });
    if (this.#history.length > HISTORY) this.#history.shift();
  }

  #startAnew(frequency: { readonly value: number; readonly variance: number } | undefined): void {
    this.#bank = new FilterBank(frequency);
    this.#history = [];
  }
}
