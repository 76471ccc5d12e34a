import type { SymmetricKey } from "../auth/symmetric_key.ts";
import type { Clock } from "../clock/clock.ts";
import type { Timers } from "../clock/timers.ts";
import type { NtsRequest, NtsSource } from "../nts/nts_source.ts";
import { NTPError } from "../packet/error.ts";
import {
  HEADER_LENGTH,
  ORIGIN_TIMESTAMP_AT,
  readWord,
  RECEIVE_TIMESTAMP_AT,
  TRANSMIT_TIMESTAMP_AT,
  writeTimestamp,
} from "../packet/header.ts";
import type { Version } from "../packet/packet.ts";
import { timestampDifference, timestampFromWords } from "../packet/timestamp.ts";
import { abortedError } from "../transport/aborted_error.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import type { BindUdp, UdpBindOptions, UdpTransport } from "../transport/udp_transport.ts";
import { authenticationOf, isCryptoNak } from "./authentication.ts";
import { decodeReply } from "./match.ts";
import type { InterleavedRequest } from "./interleaved_exchange.ts";
import type { Exchange } from "./measurement.ts";
import { makeRequest, type Random, signed } from "./request.ts";
import type { RequestForm } from "./request_form.ts";

/** What an exchange needs of the world. */
export interface ExchangeWorld {
  /** Stamps the request and the reply. */
  readonly clock: Clock;
  /** Waits. */
  readonly timers: Timers;
  /** Where random bytes come from. */
  readonly random: Random;
  /** How sockets are made. */
  readonly bind: BindUdp;
}

/** How to make one exchange. */
export interface ExchangeOptions {
  /** Protocol version. */
  readonly version: Version;
  /** How long to wait for the reply. */
  readonly timeoutMs: number;
  /** Key to sign the request with, and to expect the reply to be signed with. */
  readonly key?: SymmetricKey | undefined;
  /** Protects the request, and knows its reply. */
  readonly nts?: NtsSource | undefined;
  /**
   * What a request in interleaved mode carries (RFC 9769 §2). Its departure, and so `requestTimestamp`,
   * is then as the kernel stamps it, where the transport gives that in time; else in the middle of
   * handing it over, since the server's times are not early any more, which made up for it.
   */
  readonly interleaved?: InterleavedRequest | undefined;
  /** How request and reply look, if not as {@linkcode makeRequest} makes them. */
  readonly form?: RequestForm | undefined;
  /** Ends the exchange. */
  readonly signal?: AbortSignal | undefined;
}

/** A request that waits for its reply. */
interface Pending {
  readonly server: Endpoint;
  readonly request: Uint8Array;
  readonly key: SymmetricKey | undefined;
  readonly nts: NtsRequest | undefined;
  readonly form: RequestForm | undefined;
  /** T1: seconds and fraction words. */
  readonly sent: Uint32Array;
  /** T1 as the kernel stamped it, or nearly; 0, unknown. */
  departure: bigint;
  /** A reply that anybody could have made. */
  unauthenticated: Exchange | undefined;
  readonly resolve: (exchange: Exchange) => void;
  readonly reject: (error: unknown) => void;
}

/** How long to wait for room when nothing more can be sent. */
const FULL_MS = 2;

/** A request's transmit timestamp, or what a reply gives back of it: what both are known by. */
function timestampAt(bytes: Uint8Array, at: number): bigint {
  return timestampFromWords(readWord(bytes, at), readWord(bytes, at + 4));
}

/** The middle of a time as words and one soon after it. */
function middle(before: Uint32Array, after: bigint): bigint {
  const begun = timestampFromWords(before[0]!, before[1]!);
  return BigInt.asUintN(64, begun + BigInt.asUintN(64, after - begun) / 2n);
}

/** T1 of a request: the stamp of its departure, unless it is not between handing over and the reply. */
function departureOf({ departure, sent }: Pending, destinationTimestamp: bigint): bigint {
  const handedOver = timestampFromWords(sent[0]!, sent[1]!);
  const isSound = departure !== 0n && timestampDifference(departure, handedOver) >= 0 &&
    timestampDifference(destinationTimestamp, departure) >= 0;
  return isSound ? departure : handedOver;
}

/** What failed to bind is told by several exchanges, each of which may add to its error. */
function copied(error: unknown): unknown {
  return error instanceof NTPError
    ? new NTPError(error.code, error.message, { cause: error })
    : error;
}

/**
 * A socket that exchanges packets: with one server, its `remote`, or with any number of them at once.
 * A reply is known by the random number that it gives back, and by its source.
 */
export class ExchangeSocket {
  readonly #world: ExchangeWorld;
  readonly #bound: Promise<UdpTransport>;
  readonly #pending = new Map<bigint, Pending>();
  /** Requests whose departure is to be stamped, by the stamp's number. */
  readonly #unstamped = new Map<number, Pending>();
  #transport: UdpTransport | undefined;
  #isClosed = false;
  /** What the socket last reported. */
  #error: unknown;

  /**
   * Begins to bind a socket; what is wrong with that is told by the exchanges.
   *
   * @param world clock, timers, randomness and sockets
   * @param where local address and port, and the only server if there is one, whose refusals are
   * then told
   */
  constructor(
    world: ExchangeWorld,
    where: Pick<UdpBindOptions, "hostname" | "port" | "remote" | "ipv6Only">,
  ) {
    this.#world = world;
    this.#bound = world.bind({
      ...where,
      clock: world.clock,
      onDatagram: (data, source, arrival) => this.#take(data, source, arrival),
      onError: (error) => {
        this.#error = error;
        // Of many servers nobody knows which one an error is about.
        if (where.remote !== undefined) {
          for (const one of this.#pending.values()) one.reject(error);
        }
      },
    });
    this.#bound.then((transport) => {
      this.#transport = transport;
      if (transport.stamps !== undefined) {
        transport.stamps.onStamp = (id, time) => {
          const one = this.#unstamped.get(id);
          if (one === undefined) return;
          this.#unstamped.delete(id);
          one.departure = timestampFromWords(time[0]!, time[1]!);
        };
      }
      if (this.#isClosed) transport.close();
    }, () => {}); // the exchanges tell it
  }

  /**
   * Sends one request and waits for the reply to it. What else arrives is ignored, and the wait goes
   * on. So it does when a key or NTS is given and the reply is not authenticated, since who sees the
   * request can forge one; if nothing better comes, that reply is returned in the end.
   *
   * @param server address and port to ask
   * @param options version, timeout, key, signal
   * @returns the reply, matched but not validated, with its times
   * @throws {NTPError} `timeout`, `refused`, `unreachable`, `aborted`, `closed`, or what binding or
   * the key exchange threw
   */
  async exchange(server: Endpoint, options: ExchangeOptions): Promise<Exchange> {
    const { clock, timers } = this.#world;
    const { form, interleaved, key, nts, signal, timeoutMs, version } = options;
    if (signal?.aborted) throw abortedError(`asking ${server}`, signal);
    if (nts !== undefined) await nts.ready(signal); // there may be no cookies any more

    let id: bigint | undefined, stamp = -1;
    let cancelTimeout = () => {}, cancelRetry = () => {};
    let onAbort = () => {};
    try {
      return await new Promise<Exchange>((resolve, reject) => {
        onAbort = () => reject(abortedError(`asking ${server}`, signal!));
        signal?.addEventListener("abort", onAbort);
        this.#bound.then((transport) => {
          if (signal?.aborted) return; // nobody waits any more
          const plain = this.#makeRequest(version, interleaved, form);
          id = timestampAt(plain, form?.idAt ?? TRANSMIT_TIMESTAMP_AT);
          const guarded = nts?.protect(plain);
          const request = guarded?.bytes ??
            (key === undefined ? plain : signed(plain, key, version));
          const sent = new Uint32Array(2);
          const one: Pending = {
            ...{ server, request, key, nts: guarded, form, sent, resolve, reject },
            departure: 0n,
            unauthenticated: undefined,
          };
          this.#pending.set(id, one);
          const receive = interleaved?.receiveTimestamp ?? 0n;
          if (receive !== 0n) this.#pending.set(receive, one);
          cancelTimeout = timers.after(timeoutMs, () => {
            if (one.unauthenticated !== undefined) return resolve(one.unauthenticated);
            reject(new NTPError("timeout", `${server} did not answer within ${timeoutMs} ms`));
          });
          const send = (): void => {
            this.#error = undefined;
            if (interleaved !== undefined && transport.stamps !== undefined) {
              this.#unstamped.delete(stamp);
              stamp = transport.stamps.request();
              this.#unstamped.set(stamp, one);
            }
            clock.read(sent); // the last thing before sending
            const outcome = transport.send(request, server);
            if (interleaved !== undefined && transport.stamps === undefined) {
              one.departure = middle(sent, clock.now());
            }
            if (outcome === "full") cancelRetry = timers.after(FULL_MS, send);
            else if (outcome === "closed") reject(this.#closedError(server));
            else if (outcome === "failed") reject(this.#error ?? this.#closedError(server));
          };
          send();
        }).catch((error) => reject(copied(error)));
      });
    } finally {
      cancelTimeout();
      cancelRetry();
      signal?.removeEventListener("abort", onAbort);
      if (id !== undefined) this.#pending.delete(id);
      if (interleaved !== undefined) this.#pending.delete(interleaved.receiveTimestamp);
      this.#unstamped.delete(stamp);
    }
  }

  /** Closes the socket, and ends what still waits. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const one of this.#pending.values()) one.reject(this.#closedError(one.server));
    await this.#transport?.close();
  }

  /** A request whose number no other one has that is under way. */
  #makeRequest(
    version: Version,
    interleaved: InterleavedRequest | undefined,
    form: RequestForm | undefined,
  ): Uint8Array {
    const { random } = this.#world;
    for (;;) {
      const request = form?.make(random) ?? makeRequest(version, random);
      const id = timestampAt(request, form?.idAt ?? TRANSMIT_TIMESTAMP_AT);
      if (this.#pending.has(id)) continue;
      if (interleaved !== undefined) {
        // Alike, the two random numbers would not tell which mode a reply is in.
        if (interleaved.receiveTimestamp === id) continue;
        writeTimestamp(request, ORIGIN_TIMESTAMP_AT, interleaved.originTimestamp);
        writeTimestamp(request, RECEIVE_TIMESTAMP_AT, interleaved.receiveTimestamp);
      }
      return request;
    }
  }

  #take(data: Uint8Array, source: Endpoint, arrival: Uint32Array): void {
    if (data.length < HEADER_LENGTH) return;
    const one = this.#pending.get(timestampAt(data, ORIGIN_TIMESTAMP_AT));
    if (one === undefined || !source.equals(one.server)) return;
    const { form, key, nts, request } = one;
    const packet = form === undefined ? decodeReply(request, data) : form.decode(request, data);
    if (packet === undefined || (key === undefined && isCryptoNak(packet))) return;
    const authentication = nts === undefined
      ? authenticationOf(data, packet, key)
      : nts.receive(data) === "authentic"
      ? "nts"
      : "none";
    const destinationTimestamp = timestampFromWords(arrival[0]!, arrival[1]!);
    const result: Exchange = {
      packet,
      requestTimestamp: departureOf(one, destinationTimestamp),
      destinationTimestamp,
      authentication,
    };
    if ((key ?? nts) === undefined || authentication !== "none") one.resolve(result);
    else one.unauthenticated ??= result;
  }

  #closedError(server: Endpoint): NTPError {
    return new NTPError("closed", `The socket was closed before ${server} answered`);
  }
}
