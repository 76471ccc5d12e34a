import type { SymmetricKey } from "../auth/symmetric_key.ts";
import { checkPollOptions, GREATEST_POLL, PollProcess } from "../association/poll_process.ts";
import { exchange } from "../client/exchange.ts";
import { InterleavedExchange } from "../client/interleaved_exchange.ts";
import { KissOfDeathError } from "../client/kiss_of_death_error.ts";
import { accepted, type Exchange, measure, type Measurement } from "../client/measurement.ts";
import { findFault, MAX_ROOT_DISTANCE } from "../client/validate.ts";
import { NTPError } from "../packet/error.ts";
import type { NtsSource } from "../nts/nts_source.ts";
import type { Version } from "../packet/packet.ts";
import { timestampDifference } from "../packet/timestamp.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import { INITIAL_INTERVALS } from "./initial_burst.ts";
import type { SyncChannel, SyncSink } from "./sync_input.ts";

/** How long to wait for a reply, in milliseconds: one that took longer would tell little. */
const TIMEOUT_MS = 4000;
/** Requests without an answer after which nobody waits for the server before the clock is set. */
const PATIENCE = 2;
/** How much longer than the interval a poll may wait, so that clients do not ask in step. */
const JITTER = 0.02;

/** How to ask one server. */
export interface ServerPollerOptions {
  readonly remote: Endpoint;
  readonly key: SymmetricKey | undefined;
  readonly nts: NtsSource | undefined;
  readonly version: Version;
  readonly minPoll: number;
  readonly maxPoll: number;
  /** Whether to begin with a burst. */
  readonly iburst: boolean;
  /** Whether to ask in interleaved mode. */
  readonly interleaved: boolean;
  /** Called after each poll and each sample. */
  readonly onPoll: () => void;
  /** Called once if the server sends us away for good. */
  readonly onDenied: (error: NTPError) => void;
}

/**
 * Asks one server at its intervals, from a fresh port each time (RFC 9109), and tells its channel what
 * came of it.
 */
export class ServerPoller {
  /** Where the samples go. */
  readonly channel: SyncChannel;
  readonly #options: ServerPollerOptions;
  readonly #sink: SyncSink;
  readonly #poll: PollProcess;
  readonly #ending = new AbortController();
  readonly #interleaved: InterleavedExchange | undefined;
  /** What the machine had gone through when the server was last asked. */
  #disturbances = 0;
  #cancel = (): void => {};
  #askedAt = 0n;
  /** Requests of a burst that were made; as many as there are, when none is under way. */
  #burst = INITIAL_INTERVALS.length;
  #unanswered = 0;
  #asks = 0;

  /**
   * Makes a poller that does not ask yet.
   *
   * @param options whom to ask, and how
   * @param sink the world
   * @param channel where the samples go; closed with the poller
   */
  constructor(options: ServerPollerOptions, sink: SyncSink, channel: SyncChannel) {
    this.#options = options;
    this.#sink = sink;
    this.channel = channel;
    this.#poll = new PollProcess(checkPollOptions(options));
    if (options.interleaved) this.#interleaved = new InterleavedExchange();
  }

  /** Requests since the last answer. */
  get unanswered(): number {
    return this.#unanswered;
  }

  /** Begins to ask. */
  start(): void {
    if (this.#options.iburst) this.burst();
    else this.#ask();
  }

  /** Asks now, and some times soon after. */
  burst(): void {
    this.#burst = -1;
    this.#ask();
  }

  /** Asks no more. */
  close(): void {
    this.#ending.abort();
    this.#cancel();
    this.channel.close();
  }

  get #isInBurst(): boolean {
    return this.#burst < INITIAL_INTERVALS.length;
  }

  /** Seconds until the next poll. */
  get #interval(): number {
    const { interval } = this.#poll;
    return Math.min(INITIAL_INTERVALS[this.#burst] ?? Infinity, interval);
  }

  #ask(): void {
    if (this.#ending.signal.aborted) return;
    const asks = this.#asks;
    const disturbances = this.#sink.look();
    if (this.#asks !== asks) return; // the look has led to a burst
    this.#asks++;
    if (disturbances !== this.#disturbances) this.#interleaved?.forget();
    this.#disturbances = disturbances;
    this.#poll.begin();
    this.#unanswered++;
    if (this.#isInBurst) this.#burst++;
    this.#askedAt = this.#sink.clock.now();
    this.#schedule(0);
    this.#tellPoll();
    void this.#exchange(disturbances);
  }

  /** Sets when the next poll is, `elapsed` seconds after the last one. */
  #schedule(elapsed: number): void {
    this.#cancel();
    const bytes = new Uint8Array(1);
    this.#sink.random(bytes);
    const seconds = this.#interval * (1 + JITTER * bytes[0]! / 256);
    const wait = Math.max(0, Math.min(seconds, seconds - elapsed));
    this.#cancel = this.#sink.timers.after(wait * 1000, () => this.#ask());
  }

  #tellPoll(): void {
    this.channel.polled(this.#poll.reach, Math.log2(this.#poll.interval));
    this.#options.onPoll();
  }

  async #exchange(disturbances: number): Promise<void> {
    const { key, nts, remote, version } = this.#options;
    const { signal } = this.#ending;
    const interleaved = this.#interleaved?.request(this.#sink.random);
    let result: Exchange;
    try {
      const timeoutMs = TIMEOUT_MS;
      const how = { version, key, nts, interleaved, signal, timeoutMs, sourcePort: 0 };
      result = await exchange(remote, this.#sink, how);
    } catch (error) {
      if (!signal.aborted) this.#fail(error as Error);
      return;
    }
    if (signal.aborted || this.#sink.look() !== disturbances) return;
    const meant = interleaved && this.#interleaved!.interpret(interleaved, result);
    const exchanged = meant?.exchange ?? result;
    const measurement = measure(exchanged, this.#sink.clock.precision);
    const fault = this.#faultOf(exchanged, measurement, meant?.contradiction);
    if (interleaved !== undefined) {
      this.#interleaved![fault === undefined ? "accept" : "refuse"](interleaved, result);
    }
    if (fault !== undefined) return this.#refuse(fault, result.packet.poll);
    this.#answered();
    if (meant?.isNew !== false) this.#take({ ...exchanged, ...accepted(measurement) });
    this.#goOn(result.destinationTimestamp);
    this.#tellPoll();
  }

  #faultOf(
    result: Exchange,
    measurement: Measurement,
    contradiction: string | undefined,
  ): NTPError | undefined {
    const { key, nts, remote } = this.#options;
    const fault = findFault(result, measurement, `${remote}`, {
      key,
      nts,
      maxRootDistance: MAX_ROOT_DISTANCE,
      timeoutMs: TIMEOUT_MS,
    });
    if (fault === undefined && contradiction !== undefined) {
      return new NTPError("bogus", `${remote} gave a reply that does not fit: ${contradiction}`);
    }
    const { referenceId, stratum } = result.packet;
    if (fault !== undefined || stratum <= 1 || !this.#sink.ownReferenceIds.has(referenceId)) {
      return fault;
    }
    return new NTPError("bogus", `${remote} takes its time from us: a loop`); // RFC 5905 §11.2.1
  }

  #answered(): void {
    this.#unanswered = 0;
    // What a server says of the poll is ours given back: nothing but a kiss changes it.
    this.#poll.answered(GREATEST_POLL);
  }

  #take(sample: Exchange & Measurement): void {
    this.channel.take(sample, this.#interval);
    if (!this.#isInBurst) this.#poll.setHostPoll(this.channel.advisePoll(this.#poll.hostPoll));
  }

  /** An answer that brings no time. */
  #refuse(error: NTPError, kissPoll: number): void {
    if (!(error instanceof KissOfDeathError)) return this.channel.faulty(error);
    this.#burst = INITIAL_INTERVALS.length; // who sends a kiss wants no burst
    if (error.kissCode === "DENY" || error.kissCode === "RSTR") {
      this.channel.faulty(error);
      this.#options.onDenied(error);
      return;
    }
    if (error.kissCode === "RATE") this.#poll.slowDown(kissPoll);
    this.channel.failed(error);
    this.channel.giveUp();
    this.#goOn(this.#sink.clock.now());
  }

  #fail(error: Error): void {
    this.channel.failed(error);
    const patience = this.#options.iburst ? PATIENCE : 1;
    if (this.#unanswered >= patience) this.channel.giveUp();
  }

  /** The interval may be another one now. */
  #goOn(now: bigint): void {
    if (!this.#ending.signal.aborted) {
      this.#schedule(Math.max(0, timestampDifference(now, this.#askedAt)));
    }
  }
}
