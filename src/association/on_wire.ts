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
  /** Transmit timestamp that it carried; 0, there was none. A basic answer gives it back. */
  readonly transmitTimestamp: bigint;
  /** Receive timestamp that it carried; 0, none. An interleaved answer gives it back. */
  readonly receiveTimestamp: bigint;
  /** The exchange that had ended when it left. */
  readonly ended: EndedExchange | undefined;
  /** When it left, which need not be what it says; better known once it has left. */
  departure: bigint;
  /** Whether an answer has come. */
  answered: boolean;
}

/** An exchange whose answer told another departure than its own, or a less exact one. */
interface EndedExchange {
  /** Our packet. */
  readonly sent: Sent;
  /** When that arrived at the peer, by the peer's clock. */
  readonly receiveTimestamp: bigint;
  /** When the answer arrived. */
  readonly arrival: bigint;
  /** Whether it has been measured already. */
  measured: boolean;
}

/** Interleaved packets to a peer that sends none itself, after which it is taken not to know of them. */
const MAX_UNRETURNED = 4;
/** For how many packets. */
const REST = 64;

/** The times of an exchange, but for the transmit timestamp of the answer. */
export interface ExchangeTimes {
  /** T1, when our packet left. */
  readonly requestTimestamp: bigint;
  /** T2, when it arrived at the peer. */
  readonly receiveTimestamp: bigint;
  /** T4, when the answer arrived. */
  readonly destinationTimestamp: bigint;
  /** Whether the answer was one before the packet, which tells its departure. */
  readonly isInterleaved: boolean;
  /** Whether it has been measured before. */
  readonly isMeasured: boolean;
}

/** Timestamps of our next packet. */
export interface OwnTimestamps {
  /** What the peer knows its own packet by. */
  readonly originTimestamp: bigint;
  /** When that packet arrived. */
  readonly receiveTimestamp: bigint;
  /** When our last packet left: in interleaved mode alone. */
  readonly lastDeparture: bigint | undefined;
}

const NOTHING: Sent = {
  transmitTimestamp: 0n,
  receiveTimestamp: 0n,
  ended: undefined,
  departure: 0n,
  answered: false,
};

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
 *
 * In interleaved mode (RFC 9769 §3) a packet tells when the one before it left, as exactly as that is
 * known by then; it gives back our receive timestamp, which says which one it was. A peer that knows
 * nothing of it takes such a packet for bogus: where nothing interleaved comes back it is left alone
 * with them for long.
 */
export class OnWire {
  /** Transmit timestamp of the peer's last packet, to be given back; 0, none. */
  #origin = 0n;
  /** Its receive timestamp, which an interleaved packet gives back. */
  #peerReceive = 0n;
  /** When that packet arrived. */
  #receive = 0n;
  /** Our last packet, and the one before it. */
  #last = NOTHING;
  #previous = NOTHING;
  /** Whether an answer has come since our last packet left. */
  #heard = false;
  /** The exchange that the peer's last valid packet ended. */
  #ended: EndedExchange | undefined;
  /** Packets sent since the last valid one came, and between that and the one before. */
  #sentSince = 0;
  #sentBefore = 0;
  /** Whether we may begin interleaved mode, and whether the peer has. */
  readonly #interleaves: boolean;
  #peerInterleaves = false;
  /** Interleaved packets sent since one came. */
  #unreturned = 0;
  /** Packets still to come in basic mode. */
  #rest = 0;

  /**
   * @param interleaves whether to send in interleaved mode; a peer that does so is answered in it anyway
   */
  constructor(interleaves: boolean = false) {
    this.#interleaves = interleaves;
  }

  /** Transmit timestamp of the peer's last packet: the origin timestamp of our next one. */
  get originTimestamp(): bigint {
    return this.#origin;
  }

  /** When the peer's last packet arrived: the receive timestamp of our next one. */
  get receiveTimestamp(): bigint {
    return this.#receive;
  }

  /**
   * Timestamps of our next packet: in interleaved mode only where each side has sent one packet since
   * the other's, so that there is no doubt whose departure it tells (RFC 9769 §3, all three
   * conditions).
   */
  get next(): OwnTimestamps {
    const last = this.#last;
    const interleaves = (this.#interleaves || this.#peerInterleaves) && this.#rest === 0 &&
      this.#sentSince === 0 && this.#sentBefore === 1 && this.#ended?.sent === last;
    return {
      originTimestamp: interleaves ? this.#peerReceive : this.#origin,
      receiveTimestamp: this.#receive,
      lastDeparture: interleaves ? last.departure : undefined,
    };
  }

  /**
   * The exchange that a packet completes.
   *
   * @param packet a packet that {@linkcode OnWire.judge} finds valid
   * @param arrival when it arrived
   * @returns `undefined` if there was none
   */
  exchangeOf(packet: NTPPacket, arrival: bigint): ExchangeTimes | undefined {
    const sent = this.#answeredBy(packet);
    if (sent === undefined) return undefined;
    if (!isInterleaved(packet, sent)) {
      return {
        requestTimestamp: sent.departure,
        receiveTimestamp: packet.receiveTimestamp,
        destinationTimestamp: arrival,
        isInterleaved: false,
        isMeasured: false,
      };
    }
    const { ended } = sent;
    return ended && {
      requestTimestamp: ended.sent.departure,
      receiveTimestamp: ended.receiveTimestamp,
      destinationTimestamp: ended.arrival,
      isInterleaved: true,
      isMeasured: ended.measured,
    };
  }

  /** Sends the next packet in basic mode: times contradicted each other. */
  restart(): void {
    this.#sentBefore = 0;
    this.#ended = undefined;
  }

  /**
   * Notes that a packet leaves.
   *
   * @param transmitTimestamp what it carries as transmit timestamp: the time, or a random number
   * @param departure when it leaves, by our clock
   * @param receiveTimestamp what it carries as receive timestamp. Default 0: requests of clients tell
   * none, so no answer can be interleaved
   * @param isInterleaved whether it tells when the one before left. Default false
   * @returns to be called, or not, when it is better known when it left
   */
  sent(
    transmitTimestamp: bigint,
    departure: bigint,
    receiveTimestamp: bigint = 0n,
    isInterleaved: boolean = false,
  ): (departure: bigint) => void {
    const ended = this.#ended?.arrival === this.#receive ? this.#ended : undefined;
    if (this.#rest > 0) this.#rest--;
    if (isInterleaved && ++this.#unreturned >= MAX_UNRETURNED) {
      this.#unreturned = 0;
      this.#rest = REST;
      this.#peerInterleaves = false;
    }
    const sent = { transmitTimestamp, receiveTimestamp, ended, departure, answered: false };
    this.#previous = this.#last;
    this.#last = sent;
    this.#heard = false;
    this.#sentSince++;
    return (better) => void (sent.departure = better);
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
      const sent = this.#answeredBy(packet)!;
      const interleaved = isInterleaved(packet, sent);
      if (interleaved && sent.ended !== undefined) sent.ended.measured = true;
      if (interleaved) {
        this.#peerInterleaves = true;
        this.#unreturned = this.#rest = 0;
      }
      sent.answered = true;
      this.#heard = true;
      this.#sentBefore = this.#sentSince;
      this.#sentSince = 0;
      const { receiveTimestamp } = packet;
      this.#ended = { sent, receiveTimestamp, arrival, measured: !interleaved };
    }
    this.#origin = transmitTimestamp;
    this.#peerReceive = packet.receiveTimestamp;
    this.#receive = arrival;
  }

  /** The packet of ours that another one answers. */
  #answeredBy({ originTimestamp }: NTPPacket): Sent | undefined {
    if (originTimestamp === 0n) return undefined;
    const candidates = [this.#last, this.#previous];
    return candidates.find((sent) => sent.transmitTimestamp === originTimestamp) ??
      candidates.find((sent) => sent.receiveTimestamp === originTimestamp);
  }
}

function isInterleaved({ originTimestamp }: NTPPacket, sent: Sent): boolean {
  return originTimestamp !== sent.transmitTimestamp;
}
