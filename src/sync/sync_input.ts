import type { Authentication } from "../client/authentication.ts";
import type { ExchangeWorld } from "../client/exchange_socket.ts";
import type { Exchange, Measurement } from "../client/measurement.ts";
import type { ResolveHost } from "../client/options.ts";
import type { NtsSessions } from "../nts/nts_source.ts";
import type { DisciplinedClock } from "./disciplined_clock.ts";
import type { SourcePreference, SourceState } from "./selection.ts";
import type { SourceSample } from "./sync_source.ts";

/** What a source is. */
export type SyncSourceKind = "server" | "pool" | "peer" | "broadcast" | "reference clock";

/** What is said of a source when it begins. */
export interface SyncSourceDescription {
  /** What it is. */
  readonly kind: SyncSourceKind;
  /** How people call it: a host name, or the name of a device. */
  readonly name: string;
  /** IP address, of sources on the network. */
  readonly hostname?: string;
  /** Port, of sources on the network. */
  readonly port?: number;
  /** What a clock that follows it announces: that of its address, or its name. 32 bits. */
  readonly referenceId: number;
  /** How to treat it. Default: as any other. */
  readonly preference?: SourcePreference;
}

/** One source, as who feeds it sees it. */
export interface SyncChannel {
  /** Whether it is followed, and why not. */
  readonly state: SourceState;
  /**
   * Takes an exchange with it whose times are of the raw clock.
   *
   * @param exchange validated
   * @param interval seconds until the next one
   */
  take(exchange: Exchange & Measurement, interval: number): void;
  /**
   * Takes a reading of a reference clock.
   *
   * @param reference the reference's time: an NTP timestamp
   * @param raw what the raw clock showed at that moment
   * @param about what the reference says of itself
   * @param interval seconds until the next one
   */
  takeReading(
    reference: bigint,
    raw: bigint,
    about: Omit<SourceSample, "time" | "offset" | "delay">,
    interval: number,
  ): void;
  /**
   * Tells that it could not be asked, or did not answer.
   *
   * @param error what went wrong, for people to look at
   */
  failed(error: Error): void;
  /**
   * Tells that it answered, but knows no time or talks nonsense: it is not followed until it does
   * better.
   *
   * @param error what is wrong
   */
  faulty(error: Error): void;
  /**
   * Tells how it is polled.
   *
   * @param reach reach register: the last eight polls, the latest in the lowest bit
   * @param poll poll exponent, log2 of seconds
   */
  polled(reach: number, poll: number): void;
  /** Nobody waits any longer for its first sample before the clock is set. */
  giveUp(): void;
  /**
   * How often to ask it.
   *
   * @param poll present poll exponent, log2 of seconds
   * @returns the poll exponent to go on with, not within any bounds
   */
  advisePoll(poll: number): number;
  /** Ends the source. */
  close(): void;
}

/** What feeds a clock with samples, as it is given to what brings them. */
export interface SyncSink extends ExchangeWorld {
  /** Names to addresses. */
  readonly resolve: ResolveHost;
  /** The clock that is kept right. Samples are not taken by it, but by `clock`, the raw one. */
  readonly disciplined: DisciplinedClock;
  /** Addresses of this machine. */
  readonly ownAddresses: ReadonlySet<string>;
  /** Reference identifiers that stand for us: who has one of them follows us. */
  readonly ownReferenceIds: ReadonlySet<number>;
  /** Makes sessions of NTS, if there is something that does. */
  readonly nts: NtsSessions | undefined;
  /** Fires when nothing is wanted any more. */
  readonly signal: AbortSignal;
  /**
   * Begins a source.
   *
   * @param description what it is
   */
  open(description: SyncSourceDescription): SyncChannel;
  /**
   * Tells that sources are coming: the clock is not set before they are there, or given up.
   *
   * @param count how many
   * @returns to be called when they are open, or do not come
   */
  expect(count: number): () => void;
  /**
   * Tells what keeps sources from beginning; undefined, nothing any more.
   *
   * @param input who tells it
   * @param name how people call what there should be
   * @param error what is wrong
   */
  problem(input: SyncInput, name: string, error: Error | undefined): void;
  /**
   * Looks whether the raw clock was disturbed: the machine slept.
   *
   * @returns how often it was so far: a measurement during which this changes is worthless
   */
  look(): number;
  /**
   * Claims an address, so that nobody is asked twice.
   *
   * @param address IP address and port
   * @param release called when somebody else must have it; absent, nobody else gets it
   * @returns a function that ends the claim; undefined, somebody else has it
   */
  claim(address: string, release?: () => void): (() => void) | undefined;
}

/** What brings samples: a server, a pool, a peer, a reference clock. One object feeds one clock. */
export interface SyncInput {
  /**
   * Begins to bring samples. What goes wrong is told to the sink, not thrown.
   *
   * @param sink where to
   */
  start(sink: SyncSink): void;
  /** Brings some samples soon, where it can: the raw clock was disturbed. */
  burst?(): void;
  /** Ends it, and its sources. Calling it again is harmless. */
  close(): void | Promise<void>;
}

/** What is known of how a source is polled. */
export interface SyncPolling {
  /** Reach register: the last eight polls, the latest in the lowest bit; 1, it was answered. */
  readonly reach: number;
  /** Poll exponent, log2 of seconds. */
  readonly poll: number;
  /** What shows that its samples are its own; undefined before the first. */
  readonly authentication: Authentication | undefined;
  /** What last went wrong; undefined when all is well. */
  readonly error: Error | undefined;
}
