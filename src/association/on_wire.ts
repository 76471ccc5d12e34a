import type { NTPPacket } from "../packet/packet.ts";
import { timestampDifference } from "../packet/timestamp.ts";

/**
 * What the on-wire protocol says of a packet: `"valid"`, it answers our last one; `"repeated"`, so
 * does it, but not as the first; `"duplicate"`, it was taken before; `"unsolicited"`, its sender has
 * not heard of us yet, or has forgotten us; `"bogus"`, it answers something that we did not send
 * last, or lacks a timestamp.
 */
export type OnWireVerdict = "valid" | "repeated" | "duplicate" | "unsolicited" | "bogus";

/** A packet of ours that can be answered. */
interface Sent {
  /** Transmit timestamp that it carried; 0, there was none. */
  readonly transmitTimestamp: bigint;
  /** When it left, which need not be what it says. */
  readonly departure: bigint;
  /** Whether an answer has come. */
  answered: boolean;
}

const NOTHING: Sent = { transmitTimestamp: 0n, departure: 0n, answered: false };

/**
 * The on-wire protocol of one association (RFC 5905 §8): which packet answers which.
 *
 * Each side gives back the transmit timestamp of the other's last packet. A packet of an attacker who
 * does not see ours can therefore only be `unsolicited` or `bogus`, and such a packet changes nothing
 * that a later answer is held against: at worst it makes us give back a wrong timestamp once, and
 * not even that after an answer has come (CVE-2015-1853).
 *
 * The packet before the last can be answered, too: when symmetric peers poll in step, their packets
 * cross, and each answers the other's last but one.
 */
export class OnWire {
  /** Transmit timestamp of the peer's last packet, to be given back; 0, none. */
  #origin = 0n;
  /** When that packet arrived. */
  #receive = 0n;
  /** Our last packet, and the one before it. */
  #last = NOTHING;
  #previous = NOTHING;
  /** Whether an answer has come since our last packet left. */
  #heard = false;

  /** Transmit timestamp of the peer's last packet: the origin timestamp of our next one. */
  get originTimestamp(): bigint {
    return this.#origin;
  }

  /** When the peer's last packet arrived: the receive timestamp of our next one. */
  get receiveTimestamp(): bigint {
    return this.#receive;
  }

  /**
   * When the packet left that another one answers: T1 of the exchange that is completed by it.
   *
   * @param packet a packet that {@linkcode OnWire.judge} finds valid
   */
  departureOf(packet: NTPPacket): bigint {
    return this.#answeredBy(packet)?.departure ?? 0n;
  }

  /**
   * Notes that a packet leaves.
   *
   * @param transmitTimestamp what it carries as transmit timestamp: the time, or a random number
   * @param departure when it leaves, by our clock
   */
  sent(transmitTimestamp: bigint, departure: bigint): void {
    this.#previous = this.#last;
    this.#last = { transmitTimestamp, departure, answered: false };
    this.#heard = false;
  }

  /**
   * Judges a packet by its timestamps (RFC 5905 §8: TEST1 to TEST3). Changes nothing.
   *
   * @param packet a packet of mode 1, 2 or 4
   */
  judge(packet: NTPPacket): OnWireVerdict {
    const { originTimestamp, receiveTimestamp, transmitTimestamp } = packet;
    if (transmitTimestamp === 0n) return "bogus";
    if (transmitTimestamp === this.#origin) return "duplicate";
    if (originTimestamp === 0n) return receiveTimestamp === 0n ? "unsolicited" : "bogus";
    if (receiveTimestamp === 0n) return "bogus";
    const sent = this.#answeredBy(packet);
    if (sent === undefined) return "bogus";
    return sent.answered ? "repeated" : "valid"; // an answer is used once
  }

  /**
   * Takes a packet over. An answer always; of a further one to the same packet, which a peer sends
   * that polls more often than we, the latest. Another only until an answer has come, since its
   * sender may have started anew and must get its timestamp back to go on.
   *
   * @param packet a packet that has passed all other tests, authentication among them
   * @param arrival when it arrived
   * @param verdict what {@linkcode OnWire.judge} said of it
   */
  take(packet: NTPPacket, arrival: bigint, verdict: OnWireVerdict): void {
    const { transmitTimestamp } = packet;
    if (verdict === "duplicate" || transmitTimestamp === 0n) return;
    if (verdict === "repeated" && timestampDifference(transmitTimestamp, this.#origin) <= 0) return;
    if ((verdict === "unsolicited" || verdict === "bogus") && this.#heard) return;
    if (verdict === "valid") {
      this.#answeredBy(packet)!.answered = true;
      this.#heard = true;
    }
    this.#origin = transmitTimestamp;
    this.#receive = arrival;
  }

  /** The packet of ours that another one answers. */
  #answeredBy({ originTimestamp }: NTPPacket): Sent | undefined {
    if (originTimestamp === 0n) return undefined;
    return [this.#last, this.#previous].find((sent) => sent.transmitTimestamp === originTimestamp);
  }
}
