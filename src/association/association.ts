import type { SymmetricKey } from "../auth/symmetric_key.ts";
import { authenticationOf, isCryptoNak } from "../client/authentication.ts";
import { KissOfDeathError } from "../client/kiss_of_death_error.ts";
import { accepted, type Exchange, measure, type Measurement } from "../client/measurement.ts";
import { makeRequest, type Random, signed } from "../client/request.ts";
import { withDeparture } from "../client/told_departure.ts";
import { findFault, MAX_ROOT_DISTANCE } from "../client/validate.ts";
import type { Clock } from "../clock/clock.ts";
import { NTPError } from "../packet/error.ts";
import { readTimestamp, TRANSMIT_TIMESTAMP_AT, writeTimestamp } from "../packet/header.ts";
import {
  type Mode,
  MODE_SERVER,
  MODE_SYMMETRIC_ACTIVE,
  MODE_SYMMETRIC_PASSIVE,
} from "../packet/mode.ts";
import { NTPPacket, type Version } from "../packet/packet.ts";
import { addSeconds, timestampDifference } from "../packet/timestamp.ts";
import type { SystemVariables } from "../server/system_variables.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import { OnWire, type OnWireVerdict } from "./on_wire.ts";
import { OwnDelay } from "./own_delay.ts";
import { fuzzed, makeOwnPacket } from "./own_packet.ts";
import { GREATEST_POLL, type PollOptions, PollProcess } from "./poll_process.ts";

/** How much earlier than our clock a stamp may say that a packet left, in seconds. */
const MAX_STAMP_ERROR = 100e-6;
/** How long a packet may be on its way out of this machine, in seconds. */
const MAX_SENDING = 0.5;

/** What an association is to its peer (RFC 5905 §3). */
export type AssociationMode = "client" | "symmetric active" | "symmetric passive";

/** What became of a packet that an association was given. */
export type Reception =
  /** A measurement of the clock. */
  | { readonly outcome: "sample"; readonly sample: Exchange & Measurement }
  /** An answer that cannot be used: the peer has no time, or talks nonsense, or sends us away. */
  | { readonly outcome: "fault"; readonly error: NTPError }
  /** A packet that is not believed in anything. */
  | { readonly outcome: "ignored"; readonly reason: IgnoredReason };

/** Why a packet was not believed in anything. */
export type IgnoredReason =
  | "malformed"
  | "mode"
  | "authentication"
  /** A broadcast whose way has not been measured yet. */
  | "uncalibrated"
  /** A broadcast of one server more than there may be. */
  | "too many servers"
  /** A broadcast that is no newer than the latest one believed. */
  | "replayed"
  /** An answer in interleaved mode that tells nothing new: the exchange was measured in basic mode. */
  | "measured"
  | Exclude<OnWireVerdict, "valid">;

/** Options of {@linkcode Association}. */
export interface AssociationOptions extends PollOptions {
  /** What we are to the peer. */
  readonly mode: AssociationMode;
  /** Where the peer is. */
  readonly remote: Endpoint;
  /** Stamps what leaves and arrives. */
  readonly clock: Clock;
  /** Where random bytes come from. */
  readonly random: Random;
  /** What we say of ourselves in symmetric modes. */
  readonly variables?: (() => SystemVariables) | undefined;
  /** Protocol version. Default 4. */
  readonly version?: Version | undefined;
  /** Key that all packets must be signed with. Default: none. */
  readonly key?: SymmetricKey | undefined;
  /** Root distance from which a peer is useless, in seconds. Default 16. */
  readonly maxRootDistance?: number | undefined;
  /** Reference identifiers that stand for us: who has one of them follows us. Default: none. */
  readonly ownReferenceIds?: ReadonlySet<number> | undefined;
  /** Send in interleaved mode (RFC 9769 §3); only in symmetric modes. Default false. */
  readonly interleaved?: boolean | undefined;
}

/**
 * One association (RFC 5905 §9), as a pure part: it says what to send and when, and what an arrived
 * packet means. Knows no socket and no timer.
 */
export class Association {
  /** What we are to the peer. */
  readonly mode: AssociationMode;
  /** Where the peer is. */
  readonly remote: Endpoint;
  /** Key that all packets must be signed with. */
  readonly key: SymmetricKey | undefined;
  /** Poll interval and reachability. */
  readonly poll: PollProcess;
  readonly #options: AssociationOptions;
  readonly #version: Version;
  readonly #maxRootDistance: number;
  readonly #onWire: OnWire;
  #departed: (departure: bigint) => void = () => {};
  readonly #ownDelay = new OwnDelay();
  #stopped = false;
  /** That of our last packet. */
  #transmitTimestamp = 0n;

  /**
   * Makes an association that has heard nothing yet.
   *
   * @param options mode, peer and world
   * @throws {RangeError} if a poll is out of range
   */
  constructor(options: AssociationOptions) {
    this.#options = options;
    this.mode = options.mode;
    this.remote = options.remote;
    this.key = options.key;
    this.poll = new PollProcess(options);
    this.#onWire = new OnWire(options.interleaved);
    this.#version = options.version ?? 4;
    this.#maxRootDistance = options.maxRootDistance ?? MAX_ROOT_DISTANCE;
  }

  /** Whether the peer has sent us away for good: kiss-o'-death DENY or RSTR (RFC 5905 §7.4). */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** The packet to send now; it must leave at once. */
  transmit(): Uint8Array {
    this.poll.begin();
    const { random, clock } = this.#options;
    const version = this.#version;
    if (this.mode === "client") {
      const request = makeRequest(version, random);
      const bytes = this.key === undefined ? request : signed(request, this.key, version);
      this.#onWire.sent(readTimestamp(request, TRANSMIT_TIMESTAMP_AT), clock.now());
      return bytes;
    }
    const mode = this.mode === "symmetric active" ? MODE_SYMMETRIC_ACTIVE : MODE_SYMMETRIC_PASSIVE;
    const variables = this.#options.variables!();
    const { hostPoll } = this.poll;
    const { originTimestamp, receiveTimestamp: arrival, lastDeparture } = this.#onWire.next;
    // Answers give it back, so it must be as hard to guess as a transmit timestamp.
    const receiveTimestamp = arrival && fuzzed(arrival, clock.precision, random);
    const packet = makeOwnPacket(
      mode,
      version,
      hostPoll,
      variables,
      originTimestamp,
      receiveTimestamp,
      0n,
    );
    const ownDelay = this.#ownDelay.next();
    // Last of all: what comes between this and sending is error.
    const stamped = addSeconds(clock.now(), ownDelay);
    const departure = fuzzed(stamped, clock.precision, random);
    const isInterleaved = lastDeparture !== undefined;
    const transmitTimestamp = isInterleaved
      ? distinct(fuzzed(lastDeparture, clock.precision, random), this.#transmitTimestamp)
      : departure;
    writeTimestamp(packet, TRANSMIT_TIMESTAMP_AT, transmitTimestamp);
    this.#transmitTimestamp = transmitTimestamp;
    const departed = this.#onWire.sent(
      transmitTimestamp,
      departure,
      receiveTimestamp,
      isInterleaved,
    );
    // A stamp from before the packet was made, or from long after, is that of something else.
    this.#departed = (better) => {
      const later = timestampDifference(better, departure);
      if (later < -MAX_STAMP_ERROR || later >= MAX_SENDING) return;
      this.#ownDelay.tell(timestampDifference(better, stamped) + ownDelay);
      departed(better);
    };
    return this.key === undefined ? packet : signed(packet, this.key, version);
  }

  /**
   * To be called when it is better known when the packet left that {@linkcode Association.transmit} made
   * last. Exact departures are what interleaved mode is for.
   */
  get departed(): (departure: bigint) => void {
    return this.#departed;
  }

  /**
   * Takes a packet that came from the peer's address.
   *
   * @param data the datagram
   * @param arrival when it arrived: an NTP timestamp
   */
  receive(data: Uint8Array, arrival: bigint): Reception {
    let packet: NTPPacket;
    try {
      packet = NTPPacket.decode(data);
    } catch {
      return { outcome: "ignored", reason: "malformed" };
    }
    if (!this.#expects(packet.mode)) return { outcome: "ignored", reason: "mode" };
    const authentication = authenticationOf(data, packet, this.key);
    // Before anything is changed: an unauthenticated packet must not touch the state
    // (CVE-2015-1853), and a crypto-NAK authenticates nothing (CVE-2015-7871).
    if (isCryptoNak(packet) || (this.key !== undefined && authentication !== "key")) {
      return { outcome: "ignored", reason: "authentication" };
    }
    const verdict = this.#onWire.judge(packet);
    const times = verdict === "valid" ? this.#onWire.exchangeOf(packet, arrival) : undefined;
    if (verdict === "valid" || this.mode !== "client") {
      this.#onWire.take(packet, arrival, verdict);
    }
    if (verdict !== "valid") return { outcome: "ignored", reason: verdict };
    if (times === undefined) {
      this.poll.answered(packet.poll);
      return { outcome: "ignored", reason: "measured" };
    }
    const { requestTimestamp, receiveTimestamp, destinationTimestamp } = times;
    const reception = this.#measure({
      packet: times.isInterleaved
        ? withDeparture(packet, packet.transmitTimestamp, receiveTimestamp)
        : packet,
      requestTimestamp,
      destinationTimestamp,
      authentication,
    });
    if (reception.outcome === "fault") this.#onWire.restart();
    else if (times.isMeasured) return { outcome: "ignored", reason: "measured" };
    return reception;
  }

  #expects(mode: Mode): boolean {
    if (this.mode === "client") return mode === MODE_SERVER;
    // Both sides may be configured as active (RFC 5905 §9.2, figure 20).
    return mode === MODE_SYMMETRIC_ACTIVE ||
      (mode === MODE_SYMMETRIC_PASSIVE && this.mode === "symmetric active");
  }

  #isUs(referenceId: number): boolean {
    return this.#options.ownReferenceIds?.has(referenceId) ?? false;
  }

  #measure(exchange: Exchange): Reception {
    const measurement = measure(exchange, this.#options.clock.precision);
    // A peer answers at its own next poll.
    const longest = 2 ** (GREATEST_POLL + 1);
    const error = findFault(exchange, measurement, `${this.remote}`, {
      maxRootDistance: this.#maxRootDistance,
      timeoutMs: longest * 1000,
      ...(this.mode !== "client" && { maxServerInterval: longest }),
    });
    const { packet } = exchange;
    if (error === undefined && packet.stratum > 1 && this.#isUs(packet.referenceId)) {
      // Each of two servers that follow each other would believe its own echo (RFC 5905 §11.2.1).
      const what = `${this.remote} takes its time from us: a loop`;
      return { outcome: "fault", error: new NTPError("bogus", what) };
    }
    if (error === undefined) {
      this.poll.answered(exchange.packet.poll);
      return { outcome: "sample", sample: { ...exchange, ...accepted(measurement) } };
    }
    if (error instanceof KissOfDeathError) {
      if (error.kissCode === "DENY" || error.kissCode === "RSTR") this.#stopped = true;
      if (error.kissCode === "RATE") this.poll.slowDown(exchange.packet.poll);
    }
    return { outcome: "fault", error };
  }
}

/** A timestamp that is not that of the packet before, which would be taken for a duplicate. */
function distinct(timestamp: bigint, before: bigint): bigint {
  return timestamp === before ? timestamp ^ 1n : timestamp;
}
