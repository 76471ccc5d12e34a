import type { Random } from "../client/request.ts";
import type { Clock } from "../clock/clock.ts";
import type { Timers } from "../clock/timers.ts";
import { timestampDifference, timestampFromWords } from "../packet/timestamp.ts";
import type { Association, IgnoredReason, Reception } from "./association.ts";

/** How much longer than the interval a poll may wait, so that clients do not ask in step. */
const JITTER = 0.02;
/** How much a symmetric peer's poll may come sooner or later, to fall between two of the peer's. */
const SHIFT = 1 / 8;

/** What an association has done. */
export interface AssociationStatistics {
  /** Packets sent. */
  readonly sent: number;
  /** Packets received. */
  readonly received: number;
  /** Packets that gave a sample. */
  readonly samples: number;
  /** Answers that could not be used. */
  readonly faults: number;
  /** Packets that were not believed in anything, by reason. */
  readonly ignored: Readonly<Partial<Record<IgnoredReason, number>>>;
  /** Reach register: the last eight polls, the latest in the lowest bit; 1, it was answered. */
  readonly reach: number;
  /** Poll interval, in seconds. */
  readonly pollInterval: number;
}

/** What a runner needs of the world. */
export interface RunnerWorld {
  /** The association's clock. */
  readonly clock: Clock;
  /** Waits. */
  readonly timers: Timers;
  /** Where random bytes come from. */
  readonly random: Random;
  /** Sends to the association's peer; `departed` is told when it left, where that is known. */
  readonly send: (data: Uint8Array, departed: (departure: bigint) => void) => void;
  /** Told what became of each packet. */
  readonly onReception: (reception: Reception) => void;
  /** Told after each poll, and when the peer has sent us away. */
  readonly onPoll: () => void;
}

/** Keeps an association going: polls at its intervals, hands on what arrives, counts. */
export class AssociationRunner {
  /** What is kept going. */
  readonly association: Association;
  readonly #world: RunnerWorld;
  readonly #ignored: Partial<Record<IgnoredReason, number>> = {};
  #cancel: (() => void) | undefined;
  /** When the last poll was, by the association's clock. */
  #polledAt = 0n;
  #sent = 0;
  #received = 0;
  #samples = 0;
  #faults = 0;

  /**
   * Makes a runner that does not run yet.
   *
   * @param association what to keep going
   * @param world timers, randomness and a way to send
   */
  constructor(association: Association, world: RunnerWorld) {
    this.association = association;
    this.#world = world;
  }

  /**
   * Polls from now on.
   *
   * @param delayMs how long to wait before the first poll. Default 0
   */
  start(delayMs: number = 0): void {
    this.stop();
    this.#cancel = this.#world.timers.after(delayMs, () => this.#poll());
  }

  /** Polls no more. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /**
   * Takes a packet from the peer's address.
   *
   * @param data the datagram; borrowed
   * @param arrival when it arrived: seconds and fraction words
   */
  receive(data: Uint8Array, arrival: Uint32Array): Reception {
    this.#received++;
    const time = timestampFromWords(arrival[0]!, arrival[1]!);
    const reception = this.association.receive(data, time);
    if (reception.outcome === "sample") this.#samples++;
    else if (reception.outcome === "fault") this.#faults++;
    else this.#ignored[reception.reason] = (this.#ignored[reception.reason] ?? 0) + 1;
    if (this.association.stopped) this.stop();
    else if (reception.outcome === "sample") this.#fallBetween(time);
    this.#world.onReception(reception);
    return reception;
  }

  /** What the association has done so far. */
  statistics(): AssociationStatistics {
    return {
      sent: this.#sent,
      received: this.#received,
      samples: this.#samples,
      faults: this.#faults,
      ignored: { ...this.#ignored },
      reach: this.association.poll.reach,
      pollInterval: this.association.poll.interval,
    };
  }

  #poll(): void {
    const { association } = this;
    this.#polledAt = this.#world.clock.now();
    const packet = association.transmit();
    this.#world.send(packet, association.departed);
    this.#sent++;
    this.#schedule(association.poll.interval);
    this.#world.onPoll();
  }

  #schedule(seconds: number): void {
    this.#cancel?.();
    const bytes = new Uint8Array(1);
    this.#world.random(bytes);
    const delayMs = seconds * 1000 * (1 + JITTER * bytes[0]! / 256);
    this.#cancel = this.#world.timers.after(delayMs, () => this.#poll());
  }

  /**
   * Moves the next poll of a symmetric association towards the middle between two packets of the
   * peer: else, with intervals that are not quite the same, now and then one side would poll twice
   * without a packet of the other in between. Only an answer can do so, and only by a little: nobody
   * else can change when we poll (CVE-2020-11868).
   */
  #fallBetween(arrival: bigint): void {
    if (this.association.mode === "client" || this.#cancel === undefined) return;
    const { interval } = this.association.poll;
    const since = timestampDifference(arrival, this.#polledAt);
    if (since < 0 || since > interval) return;
    const wanted = Math.max(since + interval / 2, interval * (1 - SHIFT));
    this.#schedule(Math.max(0, Math.min(wanted, interval * (1 + SHIFT)) - since));
  }
}
