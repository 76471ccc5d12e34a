import type { Authentication } from "../client/authentication.ts";
import type { ExchangeWorld } from "../client/exchange_socket.ts";
import type { Exchange, Measurement } from "../client/measurement.ts";
import type { Random } from "../client/request.ts";
import type { ResolveHost } from "../client/options.ts";
import type { Clock } from "../clock/clock.ts";
import type { Timers } from "../clock/timers.ts";
import type { NtsSessions } from "../nts/nts_source.ts";
import { referenceIdFromAddress } from "../packet/reference_id.ts";
import type { BindUdp } from "../transport/udp_transport.ts";
import type { ClockWatch } from "./clock_watch.ts";
import type { DisciplinedClock } from "./disciplined_clock.ts";
import type { SourceState } from "./selection.ts";
import type { SourceReport, SyncEngine, SyncMember, SyncOutcome } from "./sync_engine.ts";
import type {
  SyncChannel,
  SyncInput,
  SyncPolling,
  SyncSink,
  SyncSourceDescription,
} from "./sync_input.ts";
import type { SourceSample } from "./sync_source.ts";

/** What a hub needs besides its engine. */
export interface SyncHubWorld extends ExchangeWorld {
  readonly resolve: ResolveHost;
  readonly ownAddresses: readonly string[];
  readonly nts: NtsSessions | undefined;
  readonly signal: AbortSignal;
  /** Looks after the raw clock; undefined, nobody does. */
  readonly watch: ClockWatch | undefined;
  /** Told of each sample that was taken. */
  readonly onUpdate: () => void;
  /** Told when a source comes, goes, or changes its state. */
  readonly onChange: () => void;
  /** Told when the clock is set. */
  readonly onStart: () => void;
  /** Told that the raw clock was disturbed. */
  readonly onDisturbance: () => void;
}

/** What is known of a source, now. */
export interface SyncSourceStatus
  extends Omit<SyncSourceDescription, "referenceId" | "preference">, SourceReport, SyncPolling {
  /** Reference identifier of a clock that follows it; its own reference's is `referenceId`. */
  readonly ownReferenceId: number;
}

/** A source, between who feeds it and the engine. */
class Channel implements SyncChannel {
  readonly description: SyncSourceDescription;
  readonly member: SyncMember;
  readonly #hub: SyncHub;
  #reach = 0;
  #poll = 0;
  #error: Error | undefined;
  #authentication: Authentication | undefined;
  /** The state that was last told. */
  told: SourceState = "no samples";

  constructor(hub: SyncHub, description: SyncSourceDescription) {
    this.#hub = hub;
    this.description = description;
    this.member = hub.engine.add(description.preference ?? {}, description.referenceId);
  }

  get state(): SourceState {
    return this.member.state;
  }

  get polling(): SyncPolling {
    const authentication = this.#authentication, error = this.#error;
    return { reach: this.#reach, poll: this.#poll, authentication, error };
  }

  take(exchange: Exchange & Measurement, interval: number): void {
    this.#authentication = exchange.authentication;
    this.#take(this.#hub.engine.sampleOf(exchange), interval);
  }

  takeReading(
    reference: bigint,
    raw: bigint,
    about: Omit<SourceSample, "time" | "offset" | "delay">,
    interval: number,
  ): void {
    this.#take(this.#hub.engine.sampleOfReading(reference, raw, about), interval);
  }

  failed(error: Error): void {
    this.#error = error;
  }

  faulty(error: Error): void {
    this.#error = error;
    this.member.faulty = true;
    this.member.starting = false;
    this.#hub.reconsider();
  }

  polled(reach: number, poll: number): void {
    this.#reach = reach;
    this.#poll = poll;
    const isReachable = reach !== 0;
    if (isReachable === this.member.reachable) return;
    this.member.reachable = isReachable;
    this.#hub.reconsider();
  }

  giveUp(): void {
    if (!this.member.starting) return;
    this.member.starting = false;
    this.#hub.reconsider();
  }

  advisePoll(poll: number): number {
    return this.#hub.engine.advisePoll(this.member, poll);
  }

  close(): void {
    this.#hub.remove(this);
  }

  #take(sample: SourceSample, interval: number): void {
    const last = this.member.source.last;
    if (last !== undefined && sample.time <= last.time) return; // overtaken by a later one
    this.#error = undefined;
    this.#hub.took(this.#hub.engine.take(this.member, sample, interval));
  }
}

/** What stands between an engine and what brings it samples. */
export class SyncHub implements SyncSink {
  /** What is fed. */
  readonly engine: SyncEngine;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly bind: BindUdp;
  readonly resolve: ResolveHost;
  readonly ownAddresses: ReadonlySet<string>;
  readonly ownReferenceIds: ReadonlySet<number>;
  readonly nts: NtsSessions | undefined;
  readonly signal: AbortSignal;
  readonly #world: SyncHubWorld;
  readonly #channels = new Set<Channel>();
  readonly #problems = new Map<SyncInput, { readonly name: string; readonly error: Error }>();
  readonly #claims = new Map<string, { readonly release: (() => void) | undefined }>();
  #disturbances = 0;
  #isStarted = false;

  /**
   * Makes a hub without sources.
   *
   * @param engine what to feed
   * @param world the rest
   */
  constructor(engine: SyncEngine, world: SyncHubWorld) {
    this.engine = engine;
    this.clock = world.clock;
    this.timers = world.timers;
    this.random = world.random;
    this.bind = world.bind;
    this.resolve = world.resolve;
    this.nts = world.nts;
    this.signal = world.signal;
    this.ownAddresses = new Set(world.ownAddresses);
    this.ownReferenceIds = new Set(world.ownAddresses.map(referenceIdFromAddress));
    this.#world = world;
  }

  get disciplined(): DisciplinedClock {
    return this.engine.clock;
  }

  /** What keeps sources from beginning. */
  get problems(): readonly { readonly name: string; readonly error: Error }[] {
    return [...this.#problems.values()];
  }

  /** What is known of each source, in the order in which they came. */
  sources(): SyncSourceStatus[] {
    return [...this.#channels].map(({ description, member, polling }) => {
      const { referenceId: ownReferenceId, preference: _, ...about } = description;
      return { ...about, ownReferenceId, ...this.engine.report(member), ...polling };
    });
  }

  open(description: SyncSourceDescription): SyncChannel {
    const channel = new Channel(this, description);
    this.#channels.add(channel);
    this.#world.onChange();
    return channel;
  }

  /** Ends a source. */
  remove(channel: SyncChannel): void {
    if (!this.#channels.delete(channel as Channel)) return;
    this.engine.remove((channel as Channel).member);
    this.reconsider();
    this.#world.onChange();
  }

  expect(count: number): () => void {
    const members = Array.from({ length: count }, () => this.engine.add({}, 0));
    return () => {
      for (const member of members) this.engine.remove(member);
      members.length = 0;
      this.reconsider();
    };
  }

  problem(input: SyncInput, name: string, error: Error | undefined): void {
    if (error === undefined) this.#problems.delete(input);
    else this.#problems.set(input, { name, error });
  }

  look(): number {
    if (this.#world.watch?.jumped()) {
      this.#disturbances++;
      this.engine.disturb();
      this.#world.onDisturbance();
    }
    return this.#disturbances;
  }

  claim(address: string, release?: () => void): (() => void) | undefined {
    const before = this.#claims.get(address);
    if (before !== undefined) {
      if (release !== undefined || before.release === undefined) return undefined;
      before.release();
    }
    const claim = { release };
    this.#claims.set(address, claim);
    return () => {
      if (this.#claims.get(address) === claim) this.#claims.delete(address);
    };
  }

  /** Chooses again, since something is known of a source that is no sample. */
  reconsider(): void {
    this.#noteStart(this.engine.reconsider());
    this.#noteStates();
  }

  /** Notes what became of a sample. */
  took({ clock }: SyncOutcome): void {
    this.#noteStart(clock);
    this.#noteStates();
    this.#world.onUpdate();
  }

  #noteStart(outcome: SyncOutcome["clock"]): void {
    if (this.#isStarted || outcome === undefined) return;
    this.#isStarted = true;
    this.#world.onStart();
  }

  #noteStates(): void {
    let hasChanged = false;
    for (const channel of this.#channels) {
      if (channel.told === channel.state) continue;
      channel.told = channel.state;
      hasChanged = true;
    }
    if (hasChanged) this.#world.onChange();
  }
}
