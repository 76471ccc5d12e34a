import type { SymmetricKey } from "../auth/symmetric_key.ts";
import type { Authentication } from "../client/authentication.ts";
import { measure } from "../client/measurement.ts";
import { withDeparture } from "../client/told_departure.ts";
import { findFault, MAX_ROOT_DISTANCE } from "../client/validate.ts";
import type { Clock } from "../clock/clock.ts";
import type { NTPPacket } from "../packet/packet.ts";
import { addSeconds, timestampDifference } from "../packet/timestamp.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import type { Reception } from "./association.ts";

/** How long a broadcast may take to leave, in seconds: less than there lies between two of them. */
const MAX_SENDING = 0.5;
/** How much earlier than it was made one may be said to have left, in seconds. */
const MAX_STAMP_ERROR = 1e-3;

/** What a broadcast has to be held against. */
export interface BroadcastSourceOptions {
  /** Where the broadcasts come from. */
  readonly remote: Endpoint;
  /** Key that they must be signed with. */
  readonly key: SymmetricKey | undefined;
  /** Stamps the arrivals. */
  readonly clock: Clock;
}

/**
 * One broadcast server as a client hears it (RFC 5905 §3.1). Pure: the calibration is done by
 * somebody else, who tells the result.
 */
export class BroadcastSource {
  /** Where the broadcasts come from. */
  readonly remote: Endpoint;
  /** Key that they must be signed with. */
  readonly key: SymmetricKey | undefined;
  readonly #clock: Clock;
  /** Delay there and back, in seconds, once it is known. */
  #delay: number | undefined;
  /** Transmit timestamp of the latest packet that was believed. */
  #latest: bigint | undefined;
  /** The broadcast before, and when it arrived: the next one may tell when it left. */
  #before: { readonly transmitTimestamp: bigint; readonly arrival: bigint } | undefined;

  /**
   * Makes a source that is not calibrated yet.
   *
   * @param options server, key and clock
   */
  constructor(options: BroadcastSourceOptions) {
    this.remote = options.remote;
    this.key = options.key;
    this.#clock = options.clock;
  }

  /** Whether the delay is known, so that broadcasts give samples. */
  get calibrated(): boolean {
    return this.#delay !== undefined;
  }

  /**
   * Tells the delay.
   *
   * @param delay there and back, in seconds
   * @param transmitTimestamp when the server sent the reply that it was measured with: older
   * broadcasts are not believed (CVE-2015-7973). Absent: the delay was given, not measured
   */
  calibrate(delay: number, transmitTimestamp?: bigint): void {
    this.#delay = delay;
    if (transmitTimestamp !== undefined) this.#latest = transmitTimestamp;
  }

  /**
   * Takes a broadcast that has passed authentication. One that fails changes nothing
   * (CVE-2015-7979).
   *
   * @param packet a packet of mode 5
   * @param arrival when it arrived
   * @param authentication what shows that it is the server's
   */
  receive(packet: NTPPacket, arrival: bigint, authentication: Authentication): Reception {
    if (this.#delay === undefined) return { outcome: "ignored", reason: "uncalibrated" };
    const { transmitTimestamp } = packet;
    if (this.#latest !== undefined && timestampDifference(transmitTimestamp, this.#latest) <= 0) {
      return { outcome: "ignored", reason: "replayed" };
    }
    const before = this.#before;
    this.#before = { transmitTimestamp, arrival };
    const told = before === undefined ? undefined : departureOf(before.transmitTimestamp, packet);
    const departure = told ?? transmitTimestamp;
    const destinationTimestamp = told === undefined ? arrival : before!.arrival;
    // As if we had asked: the request would have left a delay before the broadcast came, and it was
    // received and answered in one moment.
    const exchange = {
      packet: withDeparture(packet, departure, departure, transmitTimestamp),
      requestTimestamp: addSeconds(destinationTimestamp, -this.#delay),
      destinationTimestamp,
      authentication,
    };
    const measurement = measure(exchange, this.#clock.precision);
    const error = findFault(exchange, measurement, `${this.remote}`, {
      maxRootDistance: MAX_ROOT_DISTANCE,
      timeoutMs: 2000 * this.#delay,
    });
    if (error !== undefined) return { outcome: "fault", error };
    this.#latest = transmitTimestamp;
    return { outcome: "sample", sample: { ...exchange, packet, ...measurement } };
  }
}

/**
 * When the broadcast before left, as an interleaved one tells (RFC 9769 §4: in its origin timestamp);
 * `undefined` if it tells nothing, or of one that did not arrive.
 */
function departureOf(before: bigint, { originTimestamp }: NTPPacket): bigint | undefined {
  if (originTimestamp === 0n) return undefined;
  const later = timestampDifference(originTimestamp, before);
  return later >= -MAX_STAMP_ERROR && later < MAX_SENDING ? originTimestamp : undefined;
}
