import type { Clock, ClockState } from "../clock/clock.ts";
import type { LeapIndicator } from "../packet/leap_indicator.ts";
import { smearReferenceId } from "../packet/smear_reference_id.ts";
import { addSeconds, timestampFromWords, timestampToWords } from "../packet/timestamp.ts";
import type { Discipline } from "./discipline.ts";
import { type Estimate, predict } from "./estimate.ts";
import { leapDone, type LeapPlan, smearTerm } from "./leap_plan.ts";
import { CONFIDENCE, MAX_CLOCK_ERROR } from "./sync_source.ts";

/** What the selected sources say together, as of one moment. */
export interface Knowledge {
  /** Offset and frequency. */
  readonly estimate: Estimate;
  /** How the frequency wanders: standard deviation per √s. */
  readonly wander: number;
  /** Offsets that the truth lies between. */
  readonly low: number;
  /** See `low`. */
  readonly high: number;
  /** Stratum, delay and reference identifier to announce. */
  readonly stratum: number;
  readonly rootDelay: number;
  readonly referenceId: number;
}

const WORD = 2 ** 32;
/** Largest root dispersion and delay that can be announced: a short format holds no more. */
const MOST = 65535;

/**
 * The mechanics of a clock that is disciplined: raw clock, base, line of corrections and leap second
 * make the time; what is known makes its bounds. All offsets are against the raw clock plus the base,
 * so that they are small numbers even of a raw clock that is wrong by decades.
 */
export class ClockCore {
  /** The clock that is corrected. */
  readonly raw: Clock;
  /** The corrections. */
  readonly discipline: Discipline;
  /** Who is told of steps. */
  readonly stepListeners: Set<(seconds: number) => void> = new Set();
  readonly #maxDistance: number;
  readonly #maxHoldover: number;
  readonly #origin = new Uint32Array(2);
  readonly #base = new Uint32Array(2);
  readonly #words = new Uint32Array(2);
  #plan: LeapPlan | undefined;
  /** Whether the corrections have the leap second in them already. */
  #leapt = false;
  #knowledge: Knowledge | undefined;
  /** Since when nobody is followed; undefined while somebody is. */
  #lostAt: number | undefined;

  /**
   * Makes a clock that is not corrected yet.
   *
   * @param raw the clock to correct
   * @param discipline the corrections
   * @param maxDistance largest error of a clock that is called synchronised, in seconds
   * @param maxHoldover how long it is called so without a source, in seconds
   */
  constructor(
    raw: Clock,
    discipline: Discipline,
    maxDistance: number,
    maxHoldover: number = Infinity,
  ) {
    this.raw = raw;
    this.discipline = discipline;
    this.#maxDistance = maxDistance;
    this.#maxHoldover = maxHoldover;
    raw.read(this.#origin);
  }

  /** Seconds of the raw clock since this object was made. */
  seconds(): number {
    this.raw.read(this.#words);
    return this.#since(this.#words);
  }

  /** Seconds of the raw clock since this object was made, of one of its readings. */
  secondsOf(timestamp: bigint): number {
    timestampToWords(timestamp, this.#words);
    return this.#since(this.#words);
  }

  /** What is added to the raw clock before any correction: an NTP timestamp, as a difference. */
  get base(): bigint {
    return timestampFromWords(this.#base[0]!, this.#base[1]!);
  }

  set base(base: bigint) {
    timestampToWords(base, this.#base);
  }

  /** The leap second that is coming, or being smeared. */
  get leap(): LeapPlan | undefined {
    return this.#plan;
  }

  set leap(plan: LeapPlan | undefined) {
    this.#plan = plan;
    this.#leapt = false;
  }

  /** Whether the leap second has happened, and is only being smeared. */
  get leapt(): boolean {
    return this.#leapt;
  }

  /** What is known as of the latest update. */
  get knowledge(): Knowledge | undefined {
    return this.#knowledge;
  }

  /** Takes over what has become known now. */
  learn(knowledge: Knowledge): void {
    this.#knowledge = knowledge;
    this.#lostAt = undefined;
  }

  /**
   * Lets the leap second happen if it is time.
   *
   * @returns seconds that the offsets of all sources have changed by: 0 nearly always
   */
  tick(): number {
    const plan = this.#plan;
    if (plan === undefined) return 0;
    const time = this.seconds(), sinceLeap = this.#sinceLeap(this.#words, time);
    if (this.#leapt) {
      if (leapDone(plan, sinceLeap)) this.#plan = undefined;
      return 0;
    }
    if (sinceLeap < 0) return 0;
    this.discipline.step(time, -plan.inserted);
    const known = this.#knowledge;
    if (known !== undefined) {
      const estimate = { ...known.estimate, offset: known.estimate.offset - plan.inserted };
      const low = known.low - plan.inserted, high = known.high - plan.inserted;
      this.#knowledge = { ...known, estimate, low, high };
    }
    this.#leapt = true;
    if (leapDone(plan, sinceLeap)) this.#plan = undefined;
    return -plan.inserted;
  }

  /** Reads the time. Allocates nothing. */
  read(into: Uint32Array): void {
    this.raw.read(into);
    const time = this.#since(into);
    if (this.#plan === undefined) {
      this.#addBase(into);
      addUnits(into, Math.floor(this.discipline.correctionAt(time) * WORD));
    } else this.#readAroundLeap(into, time);
  }

  /** Of the time just read from the raw clock, what a smear adds, in seconds. */
  smear(): number {
    if (this.#plan === undefined) return 0;
    return smearTerm(this.#plan, this.#sinceLeap(this.#words, this.seconds()));
  }

  /**
   * How far the truth may be from the time: seconds to be added to it, at least and at most.
   *
   * @returns undefined if nothing is known
   */
  errors(): { least: number; most: number } | undefined {
    const known = this.#knowledge;
    if (known === undefined) return undefined;
    const time = this.seconds(), { estimate, wander, low, high } = known;
    const age = time - estimate.time;
    const then = predict(estimate, time, wander);
    const grown = CONFIDENCE * (deviation(then) - deviation(estimate)) + MAX_CLOCK_ERROR * age;
    const moved = estimate.frequency * age - this.discipline.correctionAt(time) - this.smear();
    return {
      least: Math.min(0, low + moved - grown),
      most: Math.max(0, high + moved + grown),
    };
  }

  /** Nobody is left to be followed. */
  lose(): void {
    this.#lostAt ??= this.seconds();
  }

  /** For how long nobody has been followed, in seconds; Infinity if nobody ever was. */
  holdover(): number {
    if (this.#knowledge === undefined) return Infinity;
    return this.#lostAt === undefined ? 0 : this.seconds() - this.#lostAt;
  }

  /** What a server on this clock announces. */
  state(leapIndicator: LeapIndicator): ClockState {
    const known = this.#knowledge, errors = this.errors();
    const error = errors === undefined ? Infinity : Math.max(-errors.least, errors.most);
    const rootDelay = Math.min(MOST, known?.rootDelay ?? 0);
    const isHidden = this.#plan?.isAnnounced === false, smear = isHidden ? this.smear() : 0;
    return {
      synchronized: error <= this.#maxDistance && this.holdover() <= this.#maxHoldover,
      leapIndicator: isHidden ? 0 : leapIndicator,
      referenceTimestamp: this.#referenceTimestamp(),
      rootDelay,
      rootDispersion: Math.min(MOST, Math.max(0, error - rootDelay / 2)),
      ...(known !== undefined && {
        stratum: known.stratum,
        referenceId: smear === 0 ? known.referenceId : smearReferenceId(smear),
      }),
    };
  }

  /**
   * When the clock was last compared, by what it shows now: a step since then must not put that in the
   * future.
   */
  #referenceTimestamp(): bigint {
    if (this.#knowledge === undefined) return 0n;
    const age = this.seconds() - this.#knowledge.estimate.time;
    this.read(this.#words);
    return addSeconds(timestampFromWords(this.#words[0]!, this.#words[1]!), -Math.max(0, age));
  }

  #since(words: Uint32Array): number {
    return ((words[0]! - this.#origin[0]!) | 0) + (words[1]! - this.#origin[1]!) / WORD;
  }

  #addBase(into: Uint32Array): void {
    const low = into[1]! + this.#base[1]!;
    into[1] = low;
    into[0] = into[0]! + this.#base[0]! + (low >= WORD ? 1 : 0);
  }

  /**
   * Seconds since the leap second, on a count that did not change.
   *
   * @param words the raw clock; changed
   * @param time the same in seconds
   */
  #sinceLeap(words: Uint32Array, time: number): number {
    const { second, inserted } = this.#plan!;
    this.#addBase(words);
    addUnits(words, Math.floor(this.discipline.correctionAt(time) * WORD));
    const since = ((words[0]! - second) | 0) + words[1]! / WORD;
    return this.#leapt ? since + inserted : since;
  }

  #readAroundLeap(into: Uint32Array, time: number): void {
    const plan = this.#plan!;
    const sinceLeap = this.#sinceLeap(into, time);
    if (!this.#leapt && sinceLeap >= 0) addUnits(into, -plan.inserted * WORD);
    addUnits(into, Math.floor(smearTerm(plan, sinceLeap) * WORD));
  }
}

/** Adds a whole number of units of 2^-32 s, positive or negative. */
function addUnits(words: Uint32Array, units: number): void {
  const seconds = Math.floor(units / WORD);
  const low = words[1]! + (units - seconds * WORD);
  words[1] = low;
  words[0] = words[0]! + seconds + (low >= WORD ? 1 : 0);
}

function deviation({ offsetVariance }: Estimate): number {
  return Math.sqrt(Math.max(0, offsetVariance));
}
