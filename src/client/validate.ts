import type { SymmetricKey } from "../auth/symmetric_key.ts";
import { NTPError } from "../packet/error.ts";
import { timestampDifference } from "../packet/timestamp.ts";
import { authenticationError, ntsError } from "./authentication.ts";
import { KissOfDeathError } from "./kiss_of_death_error.ts";
import type { Exchange, Measurement } from "./measurement.ts";

/** Root distance at and above which a server is useless, in seconds (RFC 5905 §7.2: MAXDISP). */
export const MAX_ROOT_DISTANCE = 16;
/** Stratum from which a server is not synchronised (RFC 5905 §7.2: MAXSTRAT). */
const MAX_STRATUM = 16;
/** Longest time that a server may take for a reply, in seconds. */
const MAX_SERVER_INTERVAL = 4;
/** How fast two clocks may drift apart, in seconds per second. */
const MAX_DRIFT = 500e-6;
/**
 * What times of different origin may contradict each other by, in seconds: those of the kernel are
 * brought to the user's clock, which takes two readings, between which other work may come.
 */
const STAMP_ERROR = 100e-6;
/** How much later than asked a timer may fire, in seconds. */
const TIMER_SLACK = 1;
/** Kiss codes that only say "no time yet". */
const NO_TIME_YET = ["INIT", "STEP"];

/** What is believed. */
export interface ValidationLimits {
  /** Key that the reply must be signed with; none, it need not be. */
  readonly key?: SymmetricKey | undefined;
  /** What the request was protected with, as its reply must be; nothing, it need not be. */
  readonly nts?: unknown;
  /** Root distance from which a reply is refused, in seconds. */
  readonly maxRootDistance: number;
  /** How long the reply was waited for, in milliseconds. */
  readonly timeoutMs: number;
  /**
   * Longest time that a server may take for a reply, in seconds. Default 4; symmetric peers take
   * until their own next poll.
   */
  readonly maxServerInterval?: number | undefined;
}

/**
 * The sanity tests on a reply that answers our request (RFC 5905 §9.2, figure 22, and §11.2.1).
 *
 * @param exchange a reply and its times
 * @param measurement what {@linkcode measure} made of it
 * @param server who answered, for messages
 * @param limits what is believed
 * @returns what is wrong with it; `undefined` if nothing is
 */
export function findFault(
  exchange: Exchange,
  measurement: Measurement,
  server: string,
  limits: ValidationLimits,
): NTPError | undefined {
  const { packet, requestTimestamp, destinationTimestamp } = exchange;
  const bogus = (what: string) => new NTPError("bogus", `${server} gave a bogus reply: ${what}`);
  const unsynchronized = (what: string) =>
    new NTPError("unsynchronized", `${server} does not know the time: ${what}`);

  // Before all else: a kiss-o'-death must be authenticated where the time must be.
  if (limits.nts !== undefined && exchange.authentication !== "nts") {
    return ntsError(packet, server);
  }
  if (limits.key !== undefined && exchange.authentication !== "key") {
    return authenticationError(packet, limits.key, server);
  }
  if (packet.stratum === 0) {
    const { kissCode } = packet;
    if (kissCode !== undefined && !NO_TIME_YET.includes(kissCode)) {
      return new KissOfDeathError(kissCode, server);
    }
    return unsynchronized(`stratum 0${kissCode === undefined ? "" : `, ${kissCode}`}`);
  }
  if (packet.stratum >= MAX_STRATUM) return unsynchronized(`stratum ${packet.stratum}`);
  if (packet.leapIndicator === 3) return unsynchronized("leap indicator 3");

  // CVE-2015-8138: a zero timestamp is no timestamp.
  if (packet.receiveTimestamp === 0n) return bogus("the receive timestamp is zero");
  if (packet.transmitTimestamp === 0n) return bogus("the transmit timestamp is zero");
  const since = timestampDifference(packet.transmitTimestamp, packet.referenceTimestamp);
  if (packet.referenceTimestamp !== 0n && since < 0) {
    return bogus(`its clock was last set ${-since} s after it sent the reply`);
  }
  const taken = timestampDifference(packet.transmitTimestamp, packet.receiveTimestamp);
  const tolerance = STAMP_ERROR + measurement.dispersion + MAX_DRIFT * Math.max(0, taken);
  const { maxServerInterval = MAX_SERVER_INTERVAL } = limits;
  if (taken < -tolerance) return bogus(`it was sent ${-taken} s before the request arrived`);
  if (taken > maxServerInterval) {
    return bogus(
      `it was sent ${taken} s after the request arrived, at most ${maxServerInterval}`,
    );
  }
  const elapsed = timestampDifference(destinationTimestamp, requestTimestamp);
  if (elapsed < 0 || elapsed > limits.timeoutMs / 1000 + TIMER_SLACK) {
    return new NTPError(
      "bogus",
      `The local clock was set during the exchange with ${server}, which took ${elapsed} s by it`,
    );
  }
  if (measurement.delay < -tolerance) {
    return bogus(`the server took ${taken} s of an exchange of ${elapsed} s`);
  }
  if (measurement.rootDistance >= limits.maxRootDistance) {
    return bogus(
      `root distance ${measurement.rootDistance} s, not below ${limits.maxRootDistance} s`,
    );
  }
  return undefined;
}
