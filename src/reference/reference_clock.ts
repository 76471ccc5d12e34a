import { NTPError } from "../packet/error.ts";
import type { LeapIndicator } from "../packet/leap_indicator.ts";
import { referenceIdFromText } from "../packet/reference_id.ts";
import { addSeconds, timestampDifference } from "../packet/timestamp.ts";
import { preferenceOf } from "../sync/preference.ts";
import type { SourcePreference } from "../sync/selection.ts";
import type { SyncChannel, SyncInput, SyncSink } from "../sync/sync_input.ts";
import { filterReadings, type Reading } from "./reading_filter.ts";

/** Options that all reference clocks have. */
export interface ReferenceClockOptions extends SourcePreference {
  /** Reference identifier that a server on it announces: one to four ASCII characters. */
  refid?: string;
  /** Stratum of the clock itself, 0 to 14: a server on it is one more. Default 0. */
  stratum?: number;
  /** Seconds to be added to each of its readings: what cables and drivers take. Default 0. */
  offset?: number;
  /**
   * Round-trip delay to what it takes its time from, in seconds, 0 to 1: a server on it announces it,
   * and half of it counts as error. For what lies behind a network, such as a PTP master. Default 0.
   */
  delay?: number;
  /** Largest error of its time when it is locked, in seconds, above 0 to 1. */
  maxError?: number;
  /** How often its readings are made into one sample: log2 of seconds, 0 to 10. Default 4. */
  poll?: number;
  /** Seconds without a reading after which it is no longer locked, 1 or more. Default 10. */
  patience?: number;
}

/** What is known of a reference clock. */
export interface ReferenceClockStatus {
  /** Whether its time can be believed. */
  readonly locked: boolean;
  /** Why it is not locked; empty if it is. */
  readonly reason: string;
  /** How far its latest reading was ahead of the raw clock, in seconds; NaN before the first. */
  readonly offset: number;
  /** Standard deviation of its readings within the latest sample, in seconds. */
  readonly jitter: number;
  /** Largest error of its time, in seconds. */
  readonly maxError: number;
  /** Leap indicator. */
  readonly leapIndicator: LeapIndicator;
  /** Readings taken since the start. */
  readonly readings: number;
  /** Readings and messages that could not be used, by reason. */
  readonly rejected: Readonly<Record<string, number>>;
}

/** Readings that are kept for a sample at most: more come only from clocks that talk very much. */
const MOST_READINGS = 1024;
/** A reading from the future, by more than stamps may err, in seconds: the system's clock was set. */
const FUTURE = 1e-3;
/** Shortest wait until a look whether it is silent, in seconds. */
const LEAST_WATCH = 0.05;
/** Reach register: eight polls. */
const REACH_BITS = 0xff;

/**
 * A reference clock: a source of time that is no server. Subclass it for a clock of your own: open
 * the device in {@linkcode ReferenceClock.open}, and call {@linkcode ReferenceClock.reading} for each
 * reading and {@linkcode ReferenceClock.unlock} when the time can no longer be believed.
 *
 * @example A lab clock that tells its time each second
 * ```ts
 * import { NTPSync } from "@ntps/ntps";
 * import { ReferenceClock } from "@ntps/ntps/reference";
 * import type { SyncSink } from "@ntps/ntps/sync";
 * import { addSeconds } from "@ntps/ntps/packet";
 * import { assert } from "@std/assert";
 *
 * class LabClock extends ReferenceClock {
 *   #cancel = () => {};
 *
 *   protected override open({ clock, timers }: SyncSink): void {
 *     const read = () => {
 *       const raw = clock.now();
 *       this.reading(addSeconds(raw, 0.25), raw); // ask the instrument here
 *       this.#cancel = timers.after(1000, read);
 *     };
 *     read();
 *   }
 *
 *   protected override release(): void {
 *     this.#cancel();
 *   }
 * }
 *
 * const lab = new LabClock({ refid: "LAB", maxError: 1e-6 });
 * const sync = await NTPSync.start({ inputs: [lab] });
 * assert(sync.clock.maxError < 0.01 && lab.status().locked);
 * await sync.close();
 * ```
 */
export abstract class ReferenceClock implements SyncInput {
  /** Reference identifier, as text. */
  readonly refid: string;
  readonly #preference: Required<SourcePreference>;
  readonly #stratum: number;
  readonly #correction: number;
  readonly #delay: number;
  readonly #poll: number;
  readonly #patience: number;
  #maxError: number;
  #sink: SyncSink | undefined;
  #channel: SyncChannel | undefined;
  #cancelPoll = (): void => {};
  #cancelWatch = (): void => {};
  #readings: Reading[] = [];
  /** What the first reading of a sample was ahead of the raw clock by, and when that was. */
  #base = 0n;
  #baseRaw = 0n;
  #lastRaw: bigint | undefined;
  #disturbances = 0;
  #reach = 0;
  #locked = false;
  #reason = "not started";
  #offset = NaN;
  #jitter = 0;
  #leapIndicator: LeapIndicator = 0;
  #count = 0;
  readonly #rejected: Record<string, number> = {};

  /**
   * Makes a clock that is not read yet.
   *
   * @param options see {@linkcode ReferenceClockOptions}
   * @param defaults reference identifier and largest error of this kind of clock
   * @throws {TypeError} if an option has the wrong type
   * @throws {RangeError} if an option is out of range
   */
  constructor(
    options: ReferenceClockOptions = {},
    defaults: { readonly refid: string; readonly maxError: number } = {
      refid: "LOCL",
      maxError: 1e-3,
    },
  ) {
    const { refid = defaults.refid, maxError = defaults.maxError } = options;
    const { stratum = 0, offset = 0, delay = 0, poll = 4, patience = 10 } = options;
    const numbers = { stratum, offset, delay, maxError, poll, patience };
    for (const [name, value] of Object.entries(numbers)) {
      if (typeof value !== "number") {
        throw new TypeError(`${name} is a number, not ${typeof value}: ${String(value)}`);
      }
    }
    const within = (name: string, value: number, least: number, most: number): void => {
      if (!Number.isInteger(value) || value < least || value > most) {
        throw new RangeError(`${name} is a whole number from ${least} to ${most}, not ${value}`);
      }
    };
    within("stratum", stratum, 0, 14);
    within("poll", poll, 0, 10);
    if (!Number.isFinite(offset)) throw new RangeError(`offset is finite, not ${offset}`);
    if (!(delay >= 0 && delay <= 1)) throw new RangeError(`delay is from 0 to 1 s, not ${delay}`);
    if (!(maxError > 0 && maxError <= 1)) {
      throw new RangeError(`maxError is above 0 s and at most 1, not ${maxError}`);
    }
    if (!(patience >= 1)) throw new RangeError(`patience is 1 s or more, not ${patience}`);
    referenceIdFromText(refid);
    this.refid = refid;
    this.#preference = preferenceOf(options);
    this.#stratum = stratum;
    this.#correction = offset;
    this.#delay = delay;
    this.#maxError = maxError;
    this.#poll = poll;
    this.#patience = patience;
  }

  /** What is known of the clock. */
  status(): ReferenceClockStatus {
    return {
      locked: this.#locked,
      reason: this.#reason,
      offset: this.#offset,
      jitter: this.#jitter,
      maxError: this.#maxError,
      leapIndicator: this.#leapIndicator,
      readings: this.#count,
      rejected: { ...this.#rejected },
    };
  }

  /**
   * Begins to read the clock. `NTPSync` calls it.
   *
   * @param sink where samples go
   */
  start(sink: SyncSink): void {
    this.#sink = sink;
    this.#reason = "nothing heard yet";
    this.#readings = [];
    this.#lastRaw = undefined;
    this.#disturbances = sink.look();
    this.#reach = 0;
    this.#channel = sink.open({
      kind: "reference clock",
      name: this.name,
      referenceId: referenceIdFromText(this.refid),
      preference: this.#preference,
    });
    this.#channel.polled(0, this.#poll);
    this.#schedule();
    this.#watch(this.#patience);
    this.open(sink);
  }

  /** Ends it. Calling it again is harmless. */
  close(): void | Promise<void> {
    this.#cancelPoll();
    this.#cancelWatch();
    this.#channel?.close();
    this.#channel = undefined;
    if (this.#sink === undefined) return;
    this.#sink = undefined;
    this.#locked = false;
    this.#reason = "closed";
    return this.release();
  }

  /** How people call it: the name of a device, say. */
  protected get name(): string {
    return this.refid;
  }

  /**
   * Opens the device and begins to call {@linkcode ReferenceClock.reading}. What goes wrong is told
   * with {@linkcode ReferenceClock.unlock}, and tried again later.
   *
   * @param sink the raw clock, timers, randomness
   */
  protected abstract open(sink: SyncSink): void;

  /** Closes the device. */
  protected abstract release(): void | Promise<void>;

  /**
   * Takes a reading.
   *
   * @param reference what the reference clock showed: an NTP timestamp
   * @param raw what the raw clock (`sink.clock`) showed at that moment; a reading of the future, or
   * older than `patience`, is rejected
   * @param more `leapIndicator`, what it announces (default 0; 3, that it has no time, unlocks it); `maxError`, largest error from now
   * on, in seconds, where the device tells it
   */
  protected reading(
    reference: bigint,
    raw: bigint,
    more: { leapIndicator?: LeapIndicator; maxError?: number } = {},
  ): void {
    if (this.#channel === undefined) return;
    if (more.leapIndicator === 3) return this.unlock("it has no time");
    if (this.#isDisturbed()) return this.reject("a clock was set");
    if (this.#channel === undefined) return; // closed by who was told
    const age = timestampDifference(this.#sink!.clock.now(), raw);
    if (age < -FUTURE || age > this.#patience) return this.reject("not of now");
    this.#leapIndicator = more.leapIndicator ?? 0;
    if (more.maxError !== undefined) this.#maxError = more.maxError;
    if (this.#readings.length === 0) {
      this.#base = BigInt.asUintN(64, reference - raw);
      this.#baseRaw = raw;
    }
    const time = timestampDifference(raw, this.#baseRaw);
    this.#offset = timestampDifference(reference, raw) + this.#correction;
    this.#lastRaw = raw;
    this.#count++;
    if (this.#readings.length === MOST_READINGS) this.#readings.shift();
    const offset = timestampDifference(reference, raw + this.#base) + this.#correction;
    this.#readings.push({ time, offset });
    if (this.#locked) return;
    // The first one at once: the clock is waiting for it.
    this.#locked = true;
    this.#reason = "";
    this.#sample();
  }

  /**
   * The clock's time can no longer be believed: until the next reading it is not followed.
   *
   * @param reason why, for people to read
   */
  protected unlock(reason: string): void {
    if (this.#channel === undefined) return;
    this.#readings = [];
    this.#reason = reason;
    this.#locked = false;
    this.#channel.faulty(new NTPError("unsynchronized", reason));
  }

  /**
   * Nobody is to wait for its first reading any longer before the clock is set, as others are waited for
   * during `patience`: it has none before the clock was set by others.
   */
  protected giveUp(): void {
    this.#channel?.giveUp();
  }

  /**
   * Counts what could not be used.
   *
   * @param reason why, one of few
   */
  protected reject(reason: string): void {
    this.#rejected[reason] = (this.#rejected[reason] ?? 0) + 1;
  }

  /**
   * Whether a clock was set, or the machine slept: what was read before goes with another raw clock, and
   * so may what is read now, if it was stamped before.
   */
  #isDisturbed(): boolean {
    const disturbances = this.#sink!.look();
    if (disturbances === this.#disturbances) return false;
    this.#disturbances = disturbances;
    this.#readings = [];
    return true;
  }

  #schedule(): void {
    const { timers } = this.#sink!;
    this.#cancelPoll = timers.after(2 ** this.#poll * 1000, () => this.#onPoll());
  }

  /** Looks after a while whether it has been silent for too long. */
  #watch(seconds: number): void {
    this.#cancelWatch = this.#sink!.timers.after(seconds * 1000, () => {
      if (!this.#locked) {
        this.giveUp();
        if (this.#channel !== undefined) this.#watch(this.#patience);
        return;
      }
      const silence = timestampDifference(this.#sink!.clock.now(), this.#lastRaw!);
      const isSilent = silence >= this.#patience;
      if (isSilent) this.unlock(`nothing has been heard for ${Math.round(silence)} s`);
      if (this.#channel === undefined) return; // closed by who was told
      this.#watch(isSilent ? this.#patience : Math.max(LEAST_WATCH, this.#patience - silence));
    });
  }

  #onPoll(): void {
    const channel = this.#channel!;
    this.#schedule();
    if (this.#readings.length > 0) this.#sample();
    else {
      this.#reach = (this.#reach << 1) & REACH_BITS;
      channel.polled(this.#reach, this.#poll);
      if (!this.#locked) channel.failed(new NTPError("timeout", this.#reason));
    }
  }

  /** Makes one sample of the readings. */
  #sample(): void {
    const { time, offset, deviation } = filterReadings(this.#readings);
    const raw = addSeconds(this.#baseRaw, time);
    const reference = addSeconds(BigInt.asUintN(64, raw + this.#base), offset);
    const count = this.#readings.length;
    this.#jitter = deviation;
    this.#readings = [];
    this.#reach = ((this.#reach << 1) | 1) & REACH_BITS;
    const channel = this.#channel!;
    channel.takeReading(reference, raw, {
      dispersion: deviation / Math.sqrt(count) + 2 ** this.#sink!.clock.precision,
      stratum: this.#stratum,
      leapIndicator: this.#leapIndicator,
      rootDelay: this.#delay,
      rootDispersion: this.#maxError,
      referenceId: referenceIdFromText(this.refid),
    }, 2 ** this.#poll);
    channel.polled(this.#reach, this.#poll);
  }
}
