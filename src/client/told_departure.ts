import { NTPPacket } from "../packet/packet.ts";
import { timestampDifference } from "../packet/timestamp.ts";

/**
 * A packet as it would have been if it had known when it leaves: what a later one tells in interleaved
 * mode (RFC 9769) completes it.
 *
 * Of the sender's clock the later packet says more than the earlier could. It may have been set in
 * between, which is no contradiction: then that was at the departure at the earliest.
 *
 * @param packet the later packet
 * @param departure when the earlier one left, by its sender's clock
 * @param receiveTimestamp when that had received what it answers
 * @param latest when the sender's clock was set at the latest, to be believed; absent: nobody knows
 */
export function withDeparture(
  packet: NTPPacket,
  departure: bigint,
  receiveTimestamp: bigint,
  latest?: bigint,
): NTPPacket {
  const { referenceTimestamp } = packet;
  const wasSetSince = timestampDifference(referenceTimestamp, departure) > 0 &&
    (latest === undefined || timestampDifference(referenceTimestamp, latest) <= 0);
  return new NTPPacket({
    ...packet,
    referenceTimestamp: wasSetSince ? departure : referenceTimestamp,
    receiveTimestamp,
    transmitTimestamp: departure,
  });
}
