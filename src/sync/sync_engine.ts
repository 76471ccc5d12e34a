import type { Exchange, Measurement } from "../client/measurement.ts";
import type { Clock } from "../clock/clock.ts";
import { LeapSeconds } from "../clock/leap_seconds.ts";
import { checkLeapSmear, type LeapSmear } from "../clock/leap_smear.ts";
import type { Timers } from "../clock/timers.ts";
import type { LeapIndicator } from "../packet/leap_indicator.ts";
import { isSmearReferenceId } from "../packet/smear_reference_id.ts";
import { timestampDifference } from "../packet/timestamp.ts";
import { ClockCore } from "./clock_core.ts";
import {
  checkDiscipline,
  Discipline,
  type DisciplineOptions,
  type DisciplineOutcome,
} from "./discipline.ts";
import { DisciplinedClock } from "./disciplined_clock.ts";
import { type Estimate, predict } from "./estimate.ts";
import { planLeap } from "./leap_plan.ts";
import { advisePoll } from "./poll_advice.ts";
import type { Regression } from "./regression.ts";
import { type Candidate, select, type SourcePreference, type SourceState } from "./selection.ts";
import { type SampleOutcome, type SourceSample, SyncSource } from "./sync_source.ts";

/** What a clock does at a leap second: see {@linkcode SyncEngineOptions.leap}. */
export type LeapMode = "slew" | "step" | "ignore" | LeapSmear;

/** Options of {@linkcode SyncEngine}. */
export interface SyncEngineOptions extends DisciplineOptions {
  /** The clock to be corrected: a steady one, which nobody sets. It is only read. */
  clock: Clock;
  /** How the clock waits. Default: the runtime's timers. */
  timers?: Timers;
  /**
   * Fewest sources that must agree, 1 or more. Default 1; more than half of those that have a say must
   * agree in any case.
   */
  minSources?: number;
  /** Largest error of a source that is followed, and of a clock that is called synchronised, in seconds. Default 3. */
  maxDistance?: number;
  /**
   * How long the clock is called synchronised, and a server on it is, after the last of its sources was
   * lost, in seconds, above 0. Default Infinity: as long as its error is below `maxDistance`.
   */
  maxHoldover?: number;
  /**
   * What to do at a leap second: `"slew"` (the default), let it happen and make it good at
   * `maxSlewRate`, so that the clock never runs backwards; `"step"`, repeat or leave out a second, as
   * UTC does; `"ignore"`, it is somebody else's business, as on sources that smear; or a smear.
   */
  leap?: LeapMode;
  /**
   * When there are leap seconds: counts for more than what sources announce, until it expires. Default:
   * the sources tell, more than half of them.
   */
  leapSeconds?: LeapSeconds;
  /** Frequency of true time against the raw clock as it was last known, in seconds per second: of a drift file. */
  frequency?: number;
}

/** What is known of one source, as of one moment. */
export interface SourceReport {
  /** Whether it is followed, and why not. */
  readonly state: SourceState;
  /** How far it is ahead of the disciplined clock, in seconds; NaN before the first sample. */
  readonly offset: number;
  /** Standard deviation of that. */
  readonly deviation: number;
  /** Shortest round-trip delay of late, in seconds. */
  readonly delay: number;
  /** Largest error that its time can have, in seconds. */
  readonly distance: number;
  /**
   * Its latest sample: how far it was ahead of the disciplined clock's corrections of now; its delay;
   * how long ago it was.
   */
  readonly last:
    | { readonly offset: number; readonly delay: number; readonly age: number }
    | undefined;
  /** Samples that the estimate is made of. */
  readonly samples: number;
  /** Samples set aside, since they fitted nothing before. */
  readonly setAside: number;
  /** How often it was started anew. */
  readonly restarts: number;
  /** A line through its latest samples; the frequency is against the disciplined clock's. */
  readonly regression: Regression | undefined;
  /** What it says of itself. */
  readonly stratum: number;
  /** See `stratum`. */
  readonly leapIndicator: LeapIndicator;
  /** See `stratum`. */
  readonly referenceId: number;
}

/** What became of a sample. */
export interface SyncOutcome {
  /** Of the source it came from. */
  readonly sample: SampleOutcome;
  /** Of the clock; undefined if there is nobody to follow. */
  readonly clock: DisciplineOutcome | undefined;
}

/** Standard deviation of a frequency that was known once: 1 ppm. */
const KNOWN_FREQUENCY = 1e-6 ** 2;

/** One source of an engine. */
export class SyncMember {
  /** How the user wants it treated. */
  readonly preference: SourcePreference;
  /** What its samples say. */
  readonly source: SyncSource;
  /** Reference identifier of who follows it: of its address, or the name of a reference clock. */
  readonly referenceId: number;
  /** Whether it may still answer for the first time, and so has a say. */
  starting = true;
  /** Whether it has answered one of the last eight polls. */
  reachable = false;
  /** Whether its latest answer could not be used. */
  faulty = false;
  /** Whether it is followed, and why not. */
  state: SourceState = "no samples";

  /** Made by {@linkcode SyncEngine.add}. */
  constructor(preference: SourcePreference, source: SyncSource, referenceId: number) {
    this.preference = preference;
    this.source = source;
    this.referenceId = referenceId;
  }
}

/**
 * A clock disciplined by many sources, as a pure part: samples go in, and the clock is right. It knows
 * no socket, no name and no timer.
 */
export class SyncEngine {
  /** The clock that is kept right. */
  readonly clock: DisciplinedClock;
  readonly #core: ClockCore;
  readonly #members = new Set<SyncMember>();
  readonly #minSources: number;
  readonly #maxDistance: number;
  readonly #leap: LeapMode;
  readonly #leapSeconds: LeapSeconds | undefined;
  readonly #maxSlewRate: number;
  readonly #frequency: { readonly value: number; readonly variance: number } | undefined;
  #leapIndicator: LeapIndicator = 0;
  #based = false;
  #mayStep = false;

  /**
   * Makes an engine without sources.
   *
   * @param options the raw clock, and how to correct it
   * @throws {TypeError} if an option has the wrong type
   * @throws {RangeError} if an option is out of range
   */
  constructor(options: SyncEngineOptions) {
    const { minSources = 1, maxDistance = 3, leap = "slew", frequency } = options;
    const { leapSeconds, maxHoldover = Infinity } = options;
    const discipline = checkDiscipline(options);
    if (typeof options.clock?.read !== "function") {
      throw new TypeError(`clock is an object with read(), not ${String(options.clock)}`);
    }
    if (!Number.isInteger(minSources) || minSources < 1) {
      throw new RangeError(`minSources is a whole number of 1 or more, not ${minSources}`);
    }
    if (!(maxDistance > 0)) throw new RangeError(`maxDistance is above 0 s, not ${maxDistance}`);
    if (!(maxHoldover > 0)) throw new RangeError(`maxHoldover is above 0 s, not ${maxHoldover}`);
    if (frequency !== undefined && !(Math.abs(frequency) < 0.01)) {
      throw new RangeError(`frequency is below 0.01 s/s, not ${frequency}`);
    }
    if (typeof leap === "object") checkLeapSmear(leap);
    else if (leap !== "slew" && leap !== "step" && leap !== "ignore") {
      throw new TypeError(`leap is "slew", "step", "ignore" or a smear, not ${String(leap)}`);
    }
    this.#minSources = minSources;
    this.#maxDistance = maxDistance;
    if (leapSeconds !== undefined && !(leapSeconds instanceof LeapSeconds)) {
      throw new TypeError(`leapSeconds is a LeapSeconds table, not ${String(leapSeconds)}`);
    }
    this.#leap = leap;
    this.#leapSeconds = leapSeconds;
    this.#maxSlewRate = discipline.maxSlewRate;
    this.#frequency = frequency === undefined
      ? undefined
      : { value: frequency, variance: KNOWN_FREQUENCY };
    this.#core = new ClockCore(options.clock, new Discipline(discipline), maxDistance, maxHoldover);
    this.clock = new DisciplinedClock(this.#core, () => this.#leapIndicator, options.timers);
  }

  /** All sources, in the order in which they were added. */
  get members(): readonly SyncMember[] {
    return [...this.#members];
  }

  /**
   * Frequency of true time against the raw clock, as far as it is known, and its standard deviation;
   * undefined before the first sample. What a drift file keeps: no correction of the time is in it.
   */
  get frequency(): { readonly value: number; readonly deviation: number } | undefined {
    const estimate = this.#core.knowledge?.estimate;
    if (estimate === undefined) return undefined;
    const deviation = Math.sqrt(Math.max(0, estimate.frequencyVariance));
    return { value: estimate.frequency, deviation };
  }

  /** What the clock still makes good by running faster (positive) or slower, in seconds. */
  get remaining(): number {
    return this.#core.discipline.remainingAt(this.#core.seconds());
  }

  /**
   * Adds a source.
   *
   * @param preference how to treat it
   * @param referenceId what a clock that follows it announces: 32 bits
   */
  add(preference: SourcePreference, referenceId: number): SyncMember {
    const member = new SyncMember(preference, new SyncSource(this.#frequency), referenceId);
    this.#members.add(member);
    return member;
  }

  /** Removes a source. The clock goes on as it is until the next sample of another. */
  remove(member: SyncMember): void {
    this.#members.delete(member);
  }

  /**
   * Makes a sample of an exchange whose times are of the raw clock.
   *
   * @param exchange as a query or an association gives it
   */
  sampleOf(exchange: Exchange & Measurement): SourceSample {
    const { packet, requestTimestamp, destinationTimestamp } = exchange;
    const { receiveTimestamp, transmitTimestamp } = packet;
    if (!this.#based) this.#setBase(receiveTimestamp - requestTimestamp);
    const { base } = this.#core;
    const outward = timestampDifference(receiveTimestamp, requestTimestamp + base);
    const back = timestampDifference(transmitTimestamp, destinationTimestamp + base);
    const sent = this.#core.secondsOf(requestTimestamp);
    return {
      time: sent + timestampDifference(destinationTimestamp, requestTimestamp) / 2,
      offset: (outward + back) / 2,
      delay: exchange.delay,
      dispersion: exchange.dispersion,
      stratum: packet.stratum,
      leapIndicator: packet.leapIndicator,
      rootDelay: packet.rootDelay,
      rootDispersion: packet.rootDispersion,
      referenceId: packet.referenceId,
    };
  }

  /**
   * Makes a sample of a reading of a reference clock.
   *
   * @param reference the reference's time: an NTP timestamp
   * @param raw what the raw clock showed at that moment
   * @param about what the reference says of itself
   */
  sampleOfReading(
    reference: bigint,
    raw: bigint,
    about: Omit<SourceSample, "time" | "offset" | "delay">,
  ): SourceSample {
    if (!this.#based) this.#setBase(reference - raw);
    const offset = timestampDifference(reference, raw + this.#core.base);
    return { ...about, time: this.#core.secondsOf(raw), offset, delay: 0 };
  }

  /**
   * Takes a sample, chooses whom to follow, and corrects the clock.
   *
   * @param member the source
   * @param sample of that source
   * @param interval seconds until its next one
   */
  take(member: SyncMember, sample: SourceSample, interval: number): SyncOutcome {
    this.tick();
    const outcome = member.source.add(sample);
    member.starting = false;
    member.reachable = true;
    member.faulty = false;
    const estimate = this.reselect();
    const follows = estimate !== undefined && (member.state === "selected" || !this.clock.started);
    return {
      sample: outcome,
      clock: follows ? this.#follow(estimate, interval) : undefined,
    };
  }

  /**
   * Chooses whom to follow, as of now: also to be called when a source has become unreachable or
   * faulty.
   *
   * @returns what the selected sources say together; undefined if nobody is selected
   */
  reselect(): Estimate | undefined {
    const time = this.#core.seconds();
    const members: SyncMember[] = [], candidates: Candidate[] = [];
    let voters = 0;
    for (const member of this.#members) {
      const estimate = member.source.estimateAt(time);
      const distance = estimate === undefined ? Infinity : member.source.distanceOf(estimate);
      member.state = this.#unfitness(member, distance);
      if (member.starting && !member.preference.noSelect) voters++;
      if (member.state !== "selected") continue;
      members.push(member);
      const smeared = isSmearReferenceId(member.source.last!.referenceId);
      candidates.push({ ...member.preference, estimate: estimate!, distance, smeared });
    }
    const selection = select(candidates, voters + members.length);
    const enough = selection.states.filter((state) => state === "selected").length;
    members.forEach((member, i) => {
      const state = selection.states[i]!;
      member.state = state === "selected" && enough < this.#minSources ? "no majority" : state;
    });
    if (selection.estimate === undefined || enough < this.#minSources) {
      this.#core.lose();
      return undefined;
    }
    const selected = members.filter(({ state }) => state === "selected");
    this.#learn(selected, selection.estimate, selection.low, selection.high);
    return selection.estimate;
  }

  /**
   * Chooses again, since a source is waited for no more, has become unreachable or faulty, or was
   * removed; sets the clock if it has not been set and those that are left agree.
   *
   * @returns what became of the clock; undefined if nothing did
   */
  reconsider(): DisciplineOutcome | undefined {
    const estimate = this.reselect();
    return estimate === undefined || this.clock.started ? undefined : this.#follow(estimate, 1);
  }

  /**
   * Lets time pass: a leap second happens when it is due. To be called now and then, at the end of a
   * day above all.
   */
  tick(): void {
    const shift = this.#core.tick();
    if (shift === 0) return;
    for (const { source } of this.#members) source.shift(shift);
    this.#leapIndicator = 0;
  }

  /**
   * The raw clock was disturbed: the machine slept, or somebody set it. All offsets are forgotten, and
   * the clock may step at the next sample, forwards or back.
   */
  disturb(): void {
    for (const { source } of this.#members) source.disturb();
    this.#mayStep = this.clock.started;
  }

  /**
   * How often to ask a source: see `advisePoll()`.
   *
   * @param member the source
   * @param poll present poll exponent, log2 of seconds
   */
  advisePoll(member: SyncMember, poll: number): number {
    const { source } = member;
    const estimate = source.last === undefined ? undefined : source.estimateAt(source.last.time);
    return estimate === undefined
      ? poll
      : advisePoll(estimate, source.wander, source.samples, poll);
  }

  /** What is known of a source, now. */
  report(member: SyncMember): SourceReport {
    const { source } = member, time = this.#core.seconds(), { discipline } = this.#core;
    const estimate = source.estimateAt(time), { last } = source;
    const line = source.regression(), correction = discipline.correctionAt(time);
    const frequency = discipline.rateAt(time);
    return {
      state: member.state,
      offset: estimate === undefined ? NaN : estimate.offset - correction,
      deviation: estimate === undefined ? NaN : Math.sqrt(Math.max(0, estimate.offsetVariance)),
      delay: source.shortestDelay,
      distance: estimate === undefined ? Infinity : source.distanceOf(estimate),
      last: last === undefined ? undefined : {
        offset: last.offset + frequency * (time - last.time) - correction,
        delay: last.delay,
        age: time - last.time,
      },
      samples: source.samples,
      setAside: source.setAside,
      restarts: source.restarts,
      regression: line === undefined ? undefined : {
        ...line,
        offset: line.offset + frequency * (time - last!.time) - correction,
        frequency: line.frequency - frequency,
      },
      stratum: last?.stratum ?? 16,
      leapIndicator: last?.leapIndicator ?? 3,
      referenceId: last?.referenceId ?? 0,
    };
  }

  /** Why a source cannot be a candidate; `"selected"` if it can. */
  #unfitness(member: SyncMember, distance: number): SourceState {
    if (member.source.last === undefined) return member.faulty ? "unsynchronized" : "no samples";
    if (!member.reachable) return "unreachable";
    if (member.faulty) return "unsynchronized";
    if (distance > this.#maxDistance) return "too distant";
    return "selected";
  }

  #setBase(base: bigint): void {
    this.#core.base = BigInt.asUintN(64, base);
    this.#based = true;
  }

  #learn(selected: SyncMember[], estimate: Estimate, low: number, high: number): void {
    const distance = ({ source }: SyncMember): number =>
      source.distanceOf(source.estimateAt(estimate.time)!);
    const best = selected.reduce((a, b) => distance(b) < distance(a) ? b : a);
    const last = best.source.last!;
    this.#core.learn({
      estimate,
      wander: Math.max(...selected.map(({ source }) => source.wander)),
      low,
      high,
      stratum: Math.min(16, last.stratum + 1),
      rootDelay: last.rootDelay + best.source.shortestDelay,
      referenceId: best.referenceId,
    });
    this.#considerLeap(selected);
  }

  #follow(estimate: Estimate, interval: number): DisciplineOutcome {
    const { discipline, raw } = this.#core;
    const time = this.#core.seconds();
    const before = discipline.correctionAt(time), { started } = discipline;
    const now = predict(estimate, time, 0);
    const outcome = discipline.follow(time, now, interval, this.#mayStep);
    this.#mayStep &&= outcome === "refused";
    if (outcome === "started" || outcome === "stepped") {
      const base = started ? 0 : timestampDifference(this.#core.base + raw.now(), raw.now());
      const seconds = base + discipline.correctionAt(time) - before;
      for (const listener of this.#core.stepListeners) listener(seconds);
    }
    return outcome;
  }

  /** What leap second comes: as the table has it, else if more than half of the sources announce it. */
  #leapOf(selected: SyncMember[]): 0 | 1 | 2 {
    const table = this.#leapSeconds, now = this.clock.now(), pivot = this.clock.unixNanoseconds();
    if (table !== undefined && !table.isExpired(now, pivot)) {
      return table.indicatorAt(now, pivot) as 0 | 1 | 2;
    }
    const announced = (leap: LeapIndicator): boolean =>
      2 * selected.filter(({ source }) => source.last!.leapIndicator === leap).length >
        selected.length;
    return announced(1) ? 1 : announced(2) ? 2 : 0;
  }

  #considerLeap(selected: SyncMember[]): void {
    const leapIndicator = this.#leapOf(selected);
    // While one is being smeared, or has just happened, servers may still announce it.
    if (this.#core.leapt) return;
    this.#leapIndicator = leapIndicator;
    const smears = selected.some(({ source }) => isSmearReferenceId(source.last!.referenceId));
    if (leapIndicator === 0 || this.#leap === "ignore" || smears) this.#core.leap = undefined;
    else if (this.#core.leap?.inserted !== (leapIndicator === 1 ? 1 : -1)) {
      const unixSeconds = Number(this.clock.unixNanoseconds() / 1_000_000_000n);
      this.#core.leap = planLeap(
        unixSeconds,
        leapIndicator,
        this.#leapSmear(),
        typeof this.#leap === "string",
      );
    }
  }

  #leapSmear(): Required<LeapSmear> | undefined {
    if (typeof this.#leap === "object") return checkLeapSmear(this.#leap);
    if (this.#leap === "step") return undefined;
    return { shape: "linear", start: 0, duration: 1 / this.#maxSlewRate };
  }
}
