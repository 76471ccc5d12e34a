import type { Authentication } from "./authentication.ts";
import type { NTPPacket } from "../packet/packet.ts";
import { timestampDifference } from "../packet/timestamp.ts";

/** Frequency tolerance of a clock, in seconds per second (RFC 5905 §7.2: PHI, 15 ppm). */
export const PHI = 15e-6;

/** A reply with the two times at which the client saw the exchange begin and end. */
export interface Exchange {
  /** The reply. */
  readonly packet: NTPPacket;
  /** T1, when the request left: an NTP timestamp of the client's clock. */
  readonly requestTimestamp: bigint;
  /** T4, when the reply arrived: an NTP timestamp of the client's clock. */
  readonly destinationTimestamp: bigint;
  /** What shows that the reply is the server's. */
  readonly authentication: Authentication;
}

/** What an exchange says about the client's clock (RFC 5905 §8 and §9.2). All in seconds. */
export interface Measurement {
  /** How far the server's clock is ahead of the client's: what to add to the client's time. */
  readonly offset: number;
  /** Round-trip delay, without the time that the server took. Never negative. */
  readonly delay: number;
  /** Error of the measurement: precision of both clocks, and drift during the exchange. */
  readonly dispersion: number;
  /**
   * Largest error of the client's time once `offset` is added, if the server speaks the truth: half
   * of all the delay to the primary reference, and all the dispersion (RFC 5905 §11.2.3).
   */
  readonly rootDistance: number;
}

/**
 * Offset and delay of an exchange, as they come: the delay may be negative.
 *
 * @param exchange a reply and its times
 * @param localPrecision precision of the client's clock, log2 of seconds
 */
export function measure(
  exchange: Omit<Exchange, "authentication">,
  localPrecision: number,
): Measurement {
  const { packet, requestTimestamp, destinationTimestamp } = exchange;
  const outward = timestampDifference(packet.receiveTimestamp, requestTimestamp);
  const back = timestampDifference(packet.transmitTimestamp, destinationTimestamp);
  const elapsed = timestampDifference(destinationTimestamp, requestTimestamp);
  const delay = elapsed - timestampDifference(packet.transmitTimestamp, packet.receiveTimestamp);
  const dispersion = 2 ** packet.precision + 2 ** localPrecision + PHI * Math.abs(elapsed);
  return {
    offset: (outward + back) / 2,
    delay,
    dispersion,
    rootDistance: (packet.rootDelay + Math.max(0, delay)) / 2 + packet.rootDispersion + dispersion,
  };
}

/**
 * A measurement that has passed the sanity tests, to be used: no delay is below zero, so times that
 * say so are wrong by as much.
 *
 * @param measurement as {@linkcode measure} made it
 */
export function accepted(measurement: Measurement): Measurement {
  const { offset, delay, dispersion, rootDistance } = measurement;
  const error = Math.max(0, -delay);
  return {
    offset,
    delay: Math.max(0, delay),
    dispersion: dispersion + error,
    rootDistance: rootDistance + error,
  };
}
