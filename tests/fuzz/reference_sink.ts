import { timestampDifference, timestampFromDate } from "../../src/packet/timestamp.ts";
import type { ReferenceClock } from "../../src/reference/reference_clock.ts";
import type { SyncChannel, SyncSink } from "../../src/sync/sync_input.ts";
import { VirtualTime } from "../../src/testing/virtual_time.ts";

/** When all of it happens. */
export const NOW: Date = new Date("2027-01-15T08:00:00Z");
/** The same, in Unix seconds. */
export const NOW_SECONDS: number = NOW.getTime() / 1000;
const START = timestampFromDate(NOW);
/** Seconds by which a stamp may be in the future, and for how long it is of now. */
const FUTURE = 1e-3, PATIENCE = 10;
const ERA = 2 ** 32;
/** What was told long ago does not last. */
const SILENCE = /^nothing has been heard for \d+ s$/;
const POLL_MS = 1000;
/** Options with which clocks make samples soon. */
export const SOON: { readonly poll: number } = { poll: Math.log2(POLL_MS / 1000) };

/** One sample that a reference clock has brought. */
export interface BroughtSample {
  readonly reference: bigint;
  readonly raw: bigint;
  readonly leapIndicator: number;
}

/** What a reference clock brings its samples to; looks at each whether it can be one. */
export class ReferenceSink {
  /** A time of its own, which begins at {@linkcode NOW}. */
  readonly time: VirtualTime = new VirtualTime({ start: START });
  /** What was brought. */
  readonly samples: BroughtSample[] = [];
  /** What did not hold first. */
  fault: string | undefined;
  readonly #reasons: RegExp;
  readonly #knowsSecond: boolean;

  /**
   * @param reasons why the clock may lose its lock: others, such as what was thrown, are findings
   * @param knowsSecond whether the clock that is kept right is right already
   */
  constructor(reasons: RegExp, knowsSecond = true) {
    this.#reasons = reasons;
    this.#knowsSecond = knowsSecond;
  }

  /** Starts a clock, does something, and ends the clock. */
  run(clock: ReferenceClock, what: () => void): void {
    clock.start(this.#sink());
    what();
    const { maxError, offset, jitter, readings } = clock.status();
    if (!(maxError > 0 && maxError <= 1)) this.#note(`largest error ${maxError}`);
    if (readings > 0 && !Number.isFinite(offset)) this.#note(`offset ${offset}`);
    if (!(jitter >= 0 && jitter < Infinity)) this.#note(`jitter ${jitter}`);
    // What has been gathered makes a sample too.
    this.time.advance(POLL_MS + 100);
    clock.close();
    if (this.time.pending > 0) this.#note("it goes on after its end");
  }

  #note(fault: string): void {
    this.fault ??= fault;
  }

  #sink(): SyncSink {
    const channel: Partial<SyncChannel> = {
      takeReading: (reference, raw, about) => {
        const { dispersion, rootDispersion, rootDelay, stratum, leapIndicator } = about;
        this.samples.push({ reference, raw, leapIndicator });
        const age = timestampDifference(this.time.now(), raw);
        if (age < -FUTURE || age > PATIENCE + 2) this.#note(`a sample of ${age} s ago`);
        if (BigInt.asUintN(64, reference) !== reference) this.#note("a timestamp of its own size");
        if (!(dispersion >= 0 && dispersion < Infinity)) this.#note(`dispersion ${dispersion}`);
        if (!(rootDispersion > 0 && rootDispersion <= 1)) this.#note(`error ${rootDispersion}`);
        if (rootDelay !== 0 || stratum !== 0) this.#note("root delay or stratum");
        if (![0, 1, 2].includes(leapIndicator)) this.#note(`leap indicator ${leapIndicator}`);
      },
      failed: () => {},
      faulty: ({ message }) => {
        if (!this.#reasons.test(message) && !SILENCE.test(message)) {
          this.#note(`it lost its lock: ${message}`);
        }
      },
      giveUp: () => {},
      polled: () => {},
      close: () => {},
    };
    const maxError = this.#knowsSecond ? 0.1 : Infinity;
    const disciplined = { maxError, now: () => this.time.now() };
    const sink = {
      clock: this.time,
      timers: this.time,
      disciplined,
      look: () => 0,
      open: () => channel,
    };
    return sink as unknown as SyncSink;
  }
}

/** How far a sample's clock was ahead of the raw one, in seconds. */
export function offsetOf({ reference, raw }: BroughtSample): number {
  return timestampDifference(reference, raw);
}

/** How far two differences of timestamps are apart, in seconds, whichever eras they are of. */
export function apart(a: number, b: number): number {
  const seconds = Math.abs(a - b) % ERA;
  return Math.min(seconds, ERA - seconds);
}
