import { timestampDifference, timestampFromWords } from "../packet/timestamp.ts";
import { readWord } from "../packet/header.ts";
import type { Exchange } from "./measurement.ts";
import type { Random } from "./request.ts";
import { withDeparture } from "./told_departure.ts";

/** Requests after which a reply is too old to go on from: its departure would tell of old times. */
const MAX_REQUESTS = 4;
/** Faults in interleaved mode, in a row, after which a server is asked in basic mode for a while. */
const MAX_FAULTS = 3;
/** For how many requests. */
const REST = 64;
/** How fast two clocks may drift apart, in seconds per second. */
const MAX_DRIFT = 1e-3;
/** What clocks may be off besides, in seconds: their precision, and that of stamps. */
const TOLERANCE = 1e-3;

/** An exchange whose reply may be completed by the next one. */
interface Kept {
  readonly exchange: Exchange;
  /** Whether it has been measured: in basic mode, or by a later reply. */
  measured: boolean;
  /** Requests that went on from it. */
  requests: number;
}

/** What a request in interleaved mode carries besides its random transmit timestamp. */
export interface InterleavedRequest {
  /** Receive timestamp of the server's last reply; 0: the request is in basic mode. */
  readonly originTimestamp: bigint;
  /** A random number, which an interleaved reply gives back; 0 in basic mode. */
  readonly receiveTimestamp: bigint;
  /** What it goes on from. */
  readonly previous: Kept | undefined;
}

/** What a reply means. */
export interface Interleaving {
  /** The exchange that it completes. */
  readonly exchange: Exchange;
  /** Whether that has not been measured before. */
  readonly isNew: boolean;
  /** What contradicts it: one of the clocks was set meanwhile, or the server talks nonsense. */
  readonly contradiction: string | undefined;
}

/**
 * The client's side of interleaved mode (RFC 9769 §2) with one server, as a pure part: what requests
 * carry, and what replies mean.
 *
 * No reply knows when it leaves, so each in interleaved mode tells when the one before left. The
 * exchange before is then measured with that. The first request, and what follows faults, is in basic
 * mode; so is every reply of a server that knows no other, or has forgotten us. Each side can start
 * anew at any time, and nothing but an authentic reply to the latest requests changes anything, so no
 * state is there to be stuck in (CVE-2016-1548, CVE-2018-7184, CVE-2018-7185).
 *
 * Requests tell the server nothing but what it said: our own times are random numbers.
 */
export class InterleavedExchange {
  #last: Kept | undefined;
  #faults = 0;
  /** Requests still to come in basic mode, after faults. */
  #rest = 0;

  /** Whether the server is asked in interleaved mode: not for a while after several faults in it. */
  get active(): boolean {
    return this.#rest === 0;
  }

  /**
   * Begins a request.
   *
   * @param random where random bytes come from
   */
  request(random: Random): InterleavedRequest {
    if (this.#rest > 0) this.#rest--;
    const previous = this.#last;
    if (previous !== undefined && ++previous.requests > MAX_REQUESTS) this.#last = undefined;
    if (this.#last === undefined) {
      return { originTimestamp: 0n, receiveTimestamp: 0n, previous: undefined };
    }
    const bytes = new Uint8Array(8);
    let receiveTimestamp = 0n;
    do {
      random(bytes);
      receiveTimestamp = timestampFromWords(readWord(bytes, 0), readWord(bytes, 4));
    } while (receiveTimestamp === 0n);
    return {
      originTimestamp: this.#last.exchange.packet.receiveTimestamp,
      receiveTimestamp,
      previous: this.#last,
    };
  }

  /**
   * Tells what a reply means. Changes nothing.
   *
   * @param request what it answers
   * @param reply the reply and its times, as basic mode has them
   */
  interpret(request: InterleavedRequest, reply: Exchange): Interleaving {
    const { previous } = request;
    // A kiss-o'-death says nothing of time, whatever it gives back.
    if (previous === undefined || reply.packet.stratum === 0 || !isInterleaved(request, reply)) {
      return { exchange: reply, isNew: true, contradiction: undefined };
    }
    return {
      exchange: completed(previous.exchange, reply),
      isNew: !previous.measured,
      contradiction: contradiction(previous.exchange, reply),
    };
  }

  /**
   * Takes a reply over that has passed all tests.
   *
   * @param request what it answers
   * @param reply as for {@linkcode InterleavedExchange.interpret}
   */
  accept(request: InterleavedRequest, reply: Exchange): void {
    const wasInterleaved = isInterleaved(request, reply);
    if (wasInterleaved) {
      request.previous!.measured = true;
      this.#faults = 0;
    }
    const { receiveTimestamp } = reply.packet;
    const last = this.#last?.exchange;
    // A reply that a later one has overtaken is nothing to go on from.
    if (
      receiveTimestamp === 0n || !this.active ||
      (last !== undefined &&
        timestampDifference(reply.requestTimestamp, last.requestTimestamp) <= 0)
    ) return;
    this.#last = { exchange: reply, measured: !wasInterleaved, requests: 0 };
  }

  /**
   * Refuses a reply that has not passed a test: the next request is in basic mode.
   *
   * @param request what it answers
   * @param reply as for {@linkcode InterleavedExchange.interpret}
   */
  refuse(request: InterleavedRequest, reply: Exchange): void {
    this.#last = undefined;
    if (!isInterleaved(request, reply) || reply.packet.stratum === 0) return;
    if (++this.#faults < MAX_FAULTS) return;
    this.#faults = 0;
    this.#rest = REST;
  }

  /** Begins anew in basic mode: the clock was disturbed, and times from before mean nothing. */
  forget(): void {
    this.#last = undefined;
  }
}

function isInterleaved(request: InterleavedRequest, { packet }: Exchange): boolean {
  return request.receiveTimestamp !== 0n && packet.originTimestamp === request.receiveTimestamp;
}

/**
 * Why two exchanges cannot be with one clock that runs on: between two arrivals at the server is as
 * much time as the client saw, the ways of the packets more or less.
 */
function contradiction(previous: Exchange, reply: Exchange): string | undefined {
  const { receiveTimestamp } = reply.packet;
  if (receiveTimestamp === 0n) return "the receive timestamp is zero";
  const theirs = timestampDifference(receiveTimestamp, previous.packet.receiveTimestamp);
  const longest = timestampDifference(reply.destinationTimestamp, previous.requestTimestamp);
  const shortest = timestampDifference(reply.requestTimestamp, previous.destinationTimestamp);
  const tolerance = TOLERANCE + MAX_DRIFT * Math.abs(longest);
  if (theirs <= longest + tolerance && theirs >= shortest - tolerance) return undefined;
  return `one of the clocks was set: ${theirs} s between two requests, ${longest} s by ours`;
}

/** The exchange before, with the departure that a reply tells of. */
function completed(previous: Exchange, reply: Exchange): Exchange {
  const { packet } = reply;
  const { transmitTimestamp: departure, receiveTimestamp: latest } = packet;
  return {
    packet: withDeparture(packet, departure, previous.packet.receiveTimestamp, latest),
    requestTimestamp: previous.requestTimestamp,
    destinationTimestamp: previous.destinationTimestamp,
    authentication: reply.authentication,
  };
}
