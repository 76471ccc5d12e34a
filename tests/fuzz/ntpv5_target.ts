import { NTPV5_DRAFT, NTPv5Packet, NTPv5Responder } from "../../src/experimental/mod.ts";
import { HEADER_LENGTH, modeOf, versionOf } from "../../src/packet/header.ts";
import { NTPPacketError } from "../../src/packet/packet_error.ts";
import { DROP_REASONS } from "../../src/server/drop_reason.ts";
import { Responder } from "../../src/server/responder.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";
import { isOneLine, mixOf, same, type Target } from "./target.ts";

/** Stands behind what may be written. */
const GUARD = 0xa5;
const DRAFT = { type: 0xf5ff, value: new TextEncoder().encode(NTPV5_DRAFT) };
const CORPUS: readonly Uint8Array[] = [
  new NTPv5Packet({ clientCookie: 1n, extensionFields: [DRAFT] }),
  new NTPv5Packet({
    poll: 6,
    clientCookie: 2n,
    extensionFields: [
      DRAFT,
      { type: 0xf505, value: new Uint8Array(4) },
      { type: 0xf507, value: new Uint8Array(8) },
      { type: 0xf503, value: new Uint8Array(16) },
      { type: 0xf501, value: new Uint8Array(5) },
    ],
  }),
  new NTPv5Packet({
    extensionFields: [{ type: 0xf503, value: new Uint8Array(512) }, DRAFT],
  }),
  new NTPv5Packet({
    mode: 4,
    stratum: 1,
    flags: 1,
    extensionFields: [{ type: 0xf504, value: new Uint8Array(32).fill(0x55) }, DRAFT],
  }),
  new NTPv5Packet({ extensionFields: [DRAFT, { type: 0xf502, value: new Uint8Array(20) }] }),
].flatMap((packet) =>
  [0, 1, 2].map((more) => {
    const padding = Array.from({ length: more }, (_, i) => ({
      type: 0xf501,
      value: new Uint8Array(i),
    }));
    const extensionFields = [...padding, ...packet.extensionFields];
    return new NTPv5Packet({ ...packet, extensionFields }).encode();
  })
);

/** NTPv5: the decoder, and a responder whose replies are as long as their requests. */
export class Ntpv5Target implements Target {
  readonly name = "ntpv5";
  readonly corpus: readonly Uint8Array[] = CORPUS;
  passed = 0;
  readonly #arrival = new Uint32Array([0xecb10000, 7]);
  readonly #client = new Endpoint("192.0.2.1", 40000);
  readonly #reply = new Uint8Array(4096);
  readonly #responder = new Responder({
    clock: { read: (into) => into.set([0xecb10000, 8]) },
    ntpv5: new NTPv5Responder({ referenceId: new Uint8Array(15) }),
    variables: () => ({
      leapIndicator: 0,
      stratum: 2,
      precision: -23,
      rootDelay: 0.5,
      rootDispersion: 0.25,
      referenceId: 0xc0000201,
      referenceTimestamp: 0xecb0_ffff_0000_0000n,
    }),
  });

  prefers(packet: Uint8Array): boolean {
    return modeOf(packet[0]!) === 3;
  }

  check(buffer: Uint8Array, length: number): string | undefined {
    if (length > 0 && mixOf(buffer, length) % 4 !== 0) buffer[0] = (buffer[0]! & 0xc7) | (5 << 3);
    const bytes = buffer.slice(0, length);
    let packet: NTPv5Packet | undefined;
    try {
      packet = NTPv5Packet.decode(bytes);
      const again = NTPv5Packet.decode(packet.encode());
      if (!same(again.encode(), packet.encode(), packet.byteLength)) return "does not come back";
      if (packet.byteLength !== length) return `byteLength ${packet.byteLength} of ${length}`;
      if (packet.draft && !isOneLine(packet.draft)) return "a draft that is not one line";
    } catch (error) {
      if (!(error instanceof NTPPacketError)) throw error;
    }
    if (length === 0 || versionOf(bytes[0]!) !== 5 || length > this.#reply.length) return undefined;

    const reply = this.#reply.fill(GUARD);
    const outcome = this.#responder.respond(bytes, length, this.#client, this.#arrival, reply);
    if (!same(bytes, buffer, length)) return "the request was changed";
    if (outcome < 0) {
      if (DROP_REASONS[-outcome - 1] === undefined) return `outcome ${outcome}`;
      for (let i = 0; i < reply.length; i++) if (reply[i] !== GUARD) return `byte ${i} was written`;
      return undefined;
    }
    this.passed++;
    if (packet?.mode !== 3) return "answered what is no request";
    if (outcome !== length) return `a reply of ${outcome} bytes to a request of ${length}`;
    for (let i = outcome; i < reply.length; i++) {
      if (reply[i] !== GUARD) return `byte ${i} behind a reply of ${outcome} was written`;
    }
    const inPlace = buffer.slice(0, length + HEADER_LENGTH);
    this.#responder.respond(inPlace, length, this.#client, this.#arrival, inPlace);
    if (!same(inPlace, reply, outcome)) return "another reply in place";
    const response = NTPv5Packet.decode(reply.slice(0, outcome));
    if (response.clientCookie !== packet.clientCookie) return "another cookie";
    if (response.mode !== 4 || response.stratum !== 2) return "no response";
    return response.draft === NTPV5_DRAFT ? undefined : `draft ${response.draft}`;
  }
}
