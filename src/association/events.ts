import type { Exchange, Measurement } from "../client/measurement.ts";
import type { NTPError } from "../packet/error.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import type { Association, Reception } from "./association.ts";

/** A measurement of the clock that an association made. */
export interface PeerSample extends Exchange, Measurement {
  /** IP address of the peer. */
  readonly hostname: string;
  /** Port of the peer. */
  readonly port: number;
}

/**
 * How an association does: `"waiting"`, nothing has come yet; `"reachable"`, one of the last eight
 * polls was answered; `"unreachable"`, none was; `"stopped"`, closed, or sent away by its peer.
 */
export type PeerState = "waiting" | "reachable" | "unreachable" | "stopped";

/** What an association tells. An exception in one of these is reported to `onError`. */
export interface AssociationEvents {
  /** Called with each measurement. */
  onSample?: (sample: PeerSample) => void;
  /** Called when the state changes. */
  onChange?: (state: PeerState, peer: { hostname: string; port: number }) => void;
  /** Called with each answer that cannot be used, with errors of sending, and of the other two. */
  onError?: (error: NTPError | Error) => void;
}

/**
 * Turns what becomes of packets into events, and knows the state.
 */
export class EventSource {
  /** How the association does. */
  state: PeerState = "waiting";
  readonly #events: AssociationEvents;
  readonly #remote: Endpoint;

  /**
   * Makes a source.
   *
   * @param events whom to tell
   * @param remote the peer
   */
  constructor(events: AssociationEvents, remote: Endpoint) {
    this.#events = events;
    this.#remote = remote;
  }

  /** Tells what became of a packet. */
  received(reception: Reception): void {
    if (reception.outcome === "fault") this.#call(() => this.#events.onError?.(reception.error));
    if (reception.outcome === "sample") {
      const { hostname, port } = this.#remote;
      this.#call(() => this.#events.onSample?.({ ...reception.sample, hostname, port }));
    }
  }

  /** Tells how an association does, when that has changed. */
  update({ poll, stopped }: Association): void {
    if (stopped) this.become("stopped");
    else if (poll.reach !== 0) this.become("reachable");
    else if (this.state === "reachable") this.become("unreachable");
  }

  /** Tells a state, if it is another one; `"stopped"` is the last. */
  become(state: PeerState): void {
    if (state === this.state || this.state === "stopped") return;
    this.state = state;
    const { hostname, port } = this.#remote;
    this.#call(() => this.#events.onChange?.(state, { hostname, port }));
  }

  /** Tells an error. */
  failed(error: Error): void {
    this.#call(() => this.#events.onError?.(error));
  }

  #call(event: () => void): void {
    try {
      event();
    } catch (error) {
      this.#events.onError?.(error instanceof Error ? error : new Error(String(error)));
    }
  }
}
