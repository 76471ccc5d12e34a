import { keyStoreOf } from "../../auth/key_specs.ts";
import type { Clock } from "../../clock/clock.ts";
import type { ClockPageReader } from "../../clock/clock_page_reader.ts";
import { HEADER_LENGTH, modeOf } from "../../packet/header.ts";
import type { Endpoint } from "../../transport/endpoint.ts";
import { type Admission, admissionOf } from "../admission.ts";
import { DROP_ACCESS, DROP_CLOCK } from "../drop_reason.ts";
import type { Interleaved } from "../interleaved.ts";
import { Responder } from "../responder.ts";
import { ServerCounters } from "../statistics.ts";
import type { SystemVariables } from "../system_variables.ts";
import { DatagramRing } from "./datagram_ring.ts";
import { WorkerControl } from "./worker_control.ts";
import type { WorkerRules, WorkerSetup } from "./worker_messages.ts";

/** What a {@linkcode WorkerServer} is made of, besides what it shares with the main thread. */
export interface WorkerServerOptions {
  /** The clock of the main thread. */
  readonly page: ClockPageReader;
  /** A clock of this thread, if it has one. */
  readonly ownClock: Clock | undefined;
  /** What tells the time: either, or the system's clock where that is the main thread's. */
  readonly time: Pick<Clock, "read">;
  /** Told that there is something in the ring. */
  readonly onRouted: () => void;
  /** Told of what fails, at most once a second. */
  readonly onError: (error: unknown) => void;
}

/**
 * The server as a worker has it: answers as the main thread would, from what it shares with that.
 * Knows no socket.
 */
export class WorkerServer {
  readonly #options: WorkerServerOptions;
  readonly #control: WorkerControl;
  readonly #ring: DatagramRing;
  readonly #counters: ServerCounters;
  /** Remembers when replies left, for clients in interleaved mode; may be set before it serves. */
  interleaved: Interleaved | undefined;
  #admission: Admission | undefined;
  #responder: Responder;

  /**
   * Makes it.
   *
   * @param setup what the main thread has posted
   * @param options clocks, and who is told
   */
  constructor(setup: WorkerSetup, options: WorkerServerOptions) {
    this.#options = options;
    this.#control = new WorkerControl(setup.control);
    this.#ring = new DatagramRing(setup.ring);
    this.#counters = new ServerCounters(setup.counts);
    this.#responder = this.#makeResponder(setup.rules);
  }

  /** See `Responder.slot`. */
  get slot(): number {
    return this.#responder.slot;
  }

  /** Who is answered from now on. */
  setRules(rules: WorkerRules): void {
    this.#responder = this.#makeResponder(rules);
  }

  /**
   * Takes a datagram. Never throws; see `Responder.respond()` and `Responder.sendDelay`.
   *
   * @returns length of the reply; nothing is to be sent if it is 0 or less
   */
  handle(
    request: Uint8Array,
    length: number,
    source: Endpoint,
    arrival: Uint32Array,
    reply: Uint8Array,
    sendDelay: number,
  ): number {
    const routes = this.#control.routes;
    if (routes !== 0 && length >= HEADER_LENGTH && ((routes >>> modeOf(request[0]!)) & 1) !== 0) {
      return this.#passOn(request, length, source, arrival);
    }
    this.#counters.countPacket(length > 0 ? request[0] : undefined);
    const responder = this.#responder;
    responder.sendDelay = sendDelay;
    responder.interleaved = this.interleaved;
    const outcome = responder.respond(request, length, source, arrival, reply);
    this.#counters.count(outcome, responder.kind);
    if (outcome > 0 && responder.kind === "answer") {
      this.#counters.countDelay(responder.delayUnits(arrival));
    }
    return outcome;
  }

  /**
   * Corrects the counts: replies that were counted could not be sent.
   *
   * @param count how many
   */
  countUnsent(count: number): void {
    this.#counters.countUnsent(count);
  }

  /** Counts a datagram whose arrival the clock could not tell. */
  countClockFailure(): void {
    this.#counters.count(DROP_CLOCK, "answer");
  }

  /** Hands a datagram to the main thread, which counts it when it takes it. */
  #passOn(
    datagram: Uint8Array,
    length: number,
    source: Endpoint,
    arrival: Uint32Array,
  ): number {
    if (this.#admission?.denies(source)) {
      this.#counters.count(DROP_ACCESS, "answer");
      return DROP_ACCESS;
    }
    const bytes = datagram.subarray(0, length);
    if (this.#ring.put(bytes, source, arrival)) this.#options.onRouted();
    return 0;
  }

  #makeResponder(rules: WorkerRules): Responder {
    const { access, rateLimit, tables, keys } = rules;
    const { page, ownClock, time, onError } = this.#options;
    this.#admission = admissionOf(access, rateLimit, tables);
    return new Responder({
      clock: time,
      variables: () => variablesOf(page, ownClock),
      admission: this.#admission,
      keys: keys && keyStoreOf(keys),
      onError: (error) => {
        // That the main thread's clock fails is reported there.
        if (error !== page.failure) onError(error);
      },
    });
  }
}

/**
 * What the server says of itself: the main thread's `NTPServer.systemVariables()` by way of the page,
 * or of the own clock, where it knows better.
 */
function variablesOf(page: ClockPageReader, ownClock: Clock | undefined): SystemVariables {
  const published = page.state();
  const state = ownClock?.state() ?? published;
  return {
    leapIndicator: state.synchronized ? state.leapIndicator : 3,
    stratum: state.stratum ?? published.stratum ?? 1,
    precision: (ownClock ?? page).precision,
    rootDelay: state.rootDelay,
    rootDispersion: state.rootDispersion,
    referenceId: state.referenceId ?? published.referenceId ?? 0,
    referenceTimestamp: state.referenceTimestamp,
  };
}
