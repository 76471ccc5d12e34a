import {
  HEADER_LENGTH,
  modeOf,
  ORIGIN_TIMESTAMP_AT,
  readWord,
  RECEIVE_TIMESTAMP_AT,
  TRANSMIT_TIMESTAMP_AT,
  versionOf,
} from "../../src/packet/header.ts";
import { MODE_CLIENT, MODE_RESERVED, MODE_SERVER } from "../../src/packet/mode.ts";
import { NTPPacket } from "../../src/packet/packet.ts";
import { NTPPacketError } from "../../src/packet/packet_error.ts";
import { DROP_REASONS } from "../../src/server/drop_reason.ts";
import { Responder } from "../../src/server/responder.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";
import { mixOf, same, type Target } from "./target.ts";

/** Stands behind what may be written. */
const GUARD = 0xa5;
const SECONDS = [0, 1, 0x7fffffff, 0x80000000, 0xecb10000, 0xffffffff];

/** `Responder.respond`: a reply that is no longer than its request, or a known reason for silence. */
export class ResponderTarget implements Target {
  readonly name = "responder";
  passed = 0;
  readonly #arrival = new Uint32Array(2);
  readonly #transmit = new Uint32Array(2);
  readonly #clients = [123, 1, 40000, 65535].map((port) => new Endpoint("192.0.2.1", port));
  /** Longer than any reply, with room for the guard. */
  readonly #reply = new Uint8Array(256);
  readonly #inPlace = new Uint8Array(1 << 16);
  readonly #responder = new Responder({
    clock: { read: (into) => into.set(this.#transmit) },
    variables: () => ({
      leapIndicator: 1,
      stratum: 2,
      precision: -23,
      rootDelay: 0.5,
      rootDispersion: 0.25,
      referenceId: 0xc0000201,
      referenceTimestamp: 0xecb0_ffff_0000_0000n,
    }),
  });

  prefers(packet: Uint8Array): boolean {
    return packet.length >= HEADER_LENGTH && modeOf(packet[0]!) === MODE_CLIENT;
  }

  check(buffer: Uint8Array, length: number): string | undefined {
    const mix = mixOf(buffer, length);
    const arrival = this.#arrival, transmit = this.#transmit;
    arrival[0] = SECONDS[mix % SECONDS.length]!;
    arrival[1] = mix;
    transmit[0] = arrival[0]!;
    transmit[1] = mix + 1000;
    const client = this.#clients[(mix >>> 8) & 3]!;

    // An array of just that length; then a longer one, with remains behind, that takes the reply.
    const request = buffer.slice(0, length);
    const reply = this.#reply.fill(GUARD);
    const outcome = this.#responder.respond(request, length, client, arrival, reply);
    if (!same(request, buffer, length)) return "the request was changed";
    const inPlace = this.#inPlace;
    inPlace.set(buffer.subarray(0, Math.min(length + 64, buffer.length)));
    const again = this.#responder.respond(inPlace, length, client, arrival, inPlace);
    if (again !== outcome) return `${outcome}, but ${again} in place`;
    const written = Math.max(0, outcome);
    for (let i = written; i < length; i++) {
      if (inPlace[i] !== buffer[i]) return `byte ${i} was changed in place`;
    }

    const reason = DROP_REASONS[-outcome - 1];
    if (outcome < HEADER_LENGTH && reason === undefined) return `outcome ${outcome}`;
    const answerable = isAnswerable(request, client.port);
    if (reason !== undefined) {
      return answerable === "yes" ? `a good request was not answered: ${reason}` : undefined;
    }
    this.passed++;
    if (answerable === "no") return "answered what is no request";
    if (outcome > length) return `a reply of ${outcome} bytes to a request of ${length}`;
    if (!same(inPlace, reply, outcome)) return "another reply in place";
    for (let i = outcome; i < reply.length; i++) {
      if (reply[i] !== GUARD) return `byte ${i} behind a reply of ${outcome} was written`;
    }
    return this.#faultOf(request, reply.subarray(0, outcome), answerable);
  }

  #faultOf(request: Uint8Array, reply: Uint8Array, asked: Answerable): string | undefined {
    if (modeOf(reply[0]!) !== MODE_SERVER) return `a reply of mode ${modeOf(reply[0]!)}`;
    if (versionOf(reply[0]!) !== versionOf(request[0]!)) return "a reply of another version";
    for (let i = 0; i < 8; i++) {
      if (reply[ORIGIN_TIMESTAMP_AT + i] !== request[TRANSMIT_TIMESTAMP_AT + i]) {
        return "the origin is not the request's transmit timestamp";
      }
    }
    for (let i = 0; i < 2; i++) {
      if (readWord(reply, RECEIVE_TIMESTAMP_AT + 4 * i) !== this.#arrival[i]) return "arrival";
      if (readWord(reply, TRANSMIT_TIMESTAMP_AT + 4 * i) !== this.#transmit[i]) return "transmit";
    }
    const packet = NTPPacket.decode(reply);
    const { leapIndicator, stratum, precision, poll, referenceText, mac } = packet;
    // A plain reply to a request with a MAC would pass for authenticated with a careless client.
    if ((mac !== undefined) !== (asked === "depends")) return "a MAC too many or too few";
    if (packet.extensionFields.length > 0) return "an extension field that nobody asked for";
    if (leapIndicator !== 1 || stratum !== 2 || precision !== -23) return "system variables";
    if (referenceText !== "192.0.2.1") return `reference ${referenceText}`;
    return poll >= 4 && poll <= 17 ? undefined : `poll ${poll}`;
  }
}

type Answerable = "yes" | "no" | "depends";

/**
 * Whether the decoder, which is another reader of the same rules, sees a request. With a MAC it
 * depends on keys.
 */
function isAnswerable(request: Uint8Array, port: number): Answerable {
  let packet: NTPPacket;
  try {
    packet = NTPPacket.decode(request);
  } catch (error) {
    if (!(error instanceof NTPPacketError)) throw error;
    return "no";
  }
  const { mode, version, mac } = packet;
  const old = mode === MODE_RESERVED && version === 1 && port !== 123;
  if (mode !== MODE_CLIENT && !old) return "no";
  return mac === undefined ? "yes" : "depends";
}
