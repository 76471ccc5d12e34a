import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  NTPV5_DRAFT,
  NTPv5Packet,
  NTPv5Responder,
  ReferenceIdFilter,
} from "../../src/experimental/mod.ts";
import { NTPPacket } from "../../src/packet/mod.ts";
import { NTPServer } from "../../src/server/ntp_server.ts";
import type { ResponderOptions } from "../../src/server/responder.ts";
import { ARRIVAL, ask, makeResponder, TRANSMIT, VARIABLES } from "../server/asking.ts";

const DRAFT = { type: 0xf5ff, value: new TextEncoder().encode(NTPV5_DRAFT) };
const UPGRADE = 0x4e54_5035_4452_4654n;

/** What a server with NTPv5 makes of a request: the response, or why there is none. */
function exchange(request: NTPv5Packet, options: Partial<ResponderOptions> = {}) {
  const ntpv5 = options.ntpv5 ?? new NTPv5Responder({ referenceId: new Uint8Array(15).fill(7) });
  const bytes = request.encode();
  const responder = makeResponder({ ntpv5, ...options });
  const outcome = ask(bytes, { responder });
  if (typeof outcome === "string") return outcome;
  assertEquals(outcome.length, bytes.length, "a response is as long as its request");
  return NTPv5Packet.decode(outcome);
}

function response(request: NTPv5Packet, options: Partial<ResponderOptions> = {}): NTPv5Packet {
  const outcome = exchange(request, options);
  assert(outcome instanceof NTPv5Packet, String(outcome));
  return outcome;
}

test("a request is answered with every field of the draft", () => {
  const request = new NTPv5Packet({
    poll: 6,
    clientCookie: 0x0123_4567_89ab_cdefn,
    extensionFields: [DRAFT],
  });
  assertEquals(
    response(request),
    new NTPv5Packet({
      leapIndicator: 1,
      mode: 4,
      stratum: 1,
      poll: 6,
      precision: -23,
      rootDelay: 0.25,
      rootDispersion: 0.5,
      flags: 1,
      clientCookie: 0x0123_4567_89ab_cdefn,
      receiveTimestamp: ARRIVAL,
      transmitTimestamp: TRANSMIT,
      extensionFields: [DRAFT],
    }),
  );
});

test("fields are answered by fields as long; what is not known, by padding", () => {
  const request = new NTPv5Packet({
    extensionFields: [
      DRAFT,
      { type: 0xf505, value: new Uint8Array(4) },
      { type: 0xf507, value: new Uint8Array(8) },
      { type: 0xf501, value: Uint8Array.of(1, 2, 3, 4, 5) },
      { type: 0x1234, value: new Uint8Array(30).fill(9) },
      { type: 0xf505, value: new Uint8Array(5) },
      { type: 0xf508, value: new Uint8Array(12) },
    ],
  });
  const { extensionFields } = response(request);
  assertEquals(extensionFields.map(({ type }) => type), [
    ...[0xf5ff, 0xf505, 0xf507, 0xf501, 0xf501, 0xf501, 0xf501],
  ]);
  assertEquals(extensionFields[1]!.value, Uint8Array.of(0, 0x1f, 0, 0));
  const { referenceTimestamp } = VARIABLES;
  assertEquals(new DataView(extensionFields[2]!.value.buffer).getBigUint64(0), referenceTimestamp);
  assertEquals(extensionFields[3]!.value, new Uint8Array(5));
  assertEquals(extensionFields[4]!.value, new Uint8Array(30));
});

test("the filter of reference IDs is told whole and in pieces", () => {
  const ntpv5 = new NTPv5Responder();
  const upstream = new ReferenceIdFilter();
  const other = new Uint8Array(15).fill(0x5a);
  upstream.add(other);
  ntpv5.setSources([upstream]);
  const piece = (offset: number, length: number) => {
    const value = new Uint8Array(length);
    new DataView(value.buffer).setUint16(0, offset);
    const request = new NTPv5Packet({ extensionFields: [DRAFT, { type: 0xf503, value }] });
    return response(request, { ntpv5 }).extensionFields[1]!;
  };
  const whole = new ReferenceIdFilter(piece(0, 512).value);
  assert(whole.has(ntpv5.referenceId) && whole.has(other));
  assert(!whole.has(new Uint8Array(15).fill(1)));
  const pieces = Array.from({ length: 32 }, (_, i) => [...piece(16 * i, 16).value]).flat();
  assertEquals(Uint8Array.from(pieces), whole.bytes);
  assertEquals(piece(0, 16).type, 0xf504);
  // An offset outside is ignored.
  assertEquals([piece(500, 16).type, piece(0xffff, 16).type, piece(497, 16).type], [
    ...[0xf501, 0xf501, 0xf501],
  ]);
  ntpv5.setSources([]);
  assert(!new ReferenceIdFilter(piece(0, 512).value).has(other));
});

test("without the time, a flag and the stratum say so", () => {
  for (const lack of [{ leapIndicator: 3 as const }, { stratum: 16 }]) {
    const variables = () => ({ ...VARIABLES, ...lack });
    const request = new NTPv5Packet({ extensionFields: [DRAFT] });
    const { isSynchronized, stratum, leapIndicator } = response(request, { variables });
    assertEquals([isSynchronized, stratum, leapIndicator], [false, 0, 3]);
  }
});

test("a smearing server says so, and the era is told", () => {
  const request = new NTPv5Packet({ timescale: 1, extensionFields: [DRAFT] });
  assertEquals(response(request).timescale, 0);
  const variables = () => ({ ...VARIABLES, referenceId: 0xfe000001 });
  assertEquals(response(request, { variables }).timescale, 3);
  assertEquals(response(request).era, 0);
  const pivot = () => 4_300_000_000n * 1_000_000_000n * 2n; // 2242
  const ntpv5 = new NTPv5Responder({ pivot });
  assertEquals(response(request, { ntpv5 }).era, 2);
});

test("other drafts, other modes, junk and what cannot be authenticated are dropped", () => {
  const foreign = { type: 0xf5ff, value: new TextEncoder().encode("draft-ietf-ntp-ntpv5-05") };
  const longer = { type: 0xf5ff, value: new TextEncoder().encode(`${NTPV5_DRAFT}x`) };
  assertEquals(exchange(new NTPv5Packet()), "version");
  assertEquals(exchange(new NTPv5Packet({ extensionFields: [foreign] })), "version");
  assertEquals(exchange(new NTPv5Packet({ extensionFields: [longer] })), "version");
  assertEquals(exchange(new NTPv5Packet({ mode: 4, extensionFields: [DRAFT] })), "mode");
  const mac = { type: 0xf502, value: new Uint8Array(20) };
  assertEquals(exchange(new NTPv5Packet({ extensionFields: [DRAFT, mac] })), "authentication");
  const nts = { type: 0x0404, value: new Uint8Array(36) };
  assertEquals(exchange(new NTPv5Packet({ extensionFields: [DRAFT, nts] })), "nts");
  const long = { type: 0xf501, value: new Uint8Array(2048) };
  assertEquals(exchange(new NTPv5Packet({ extensionFields: [DRAFT, long] })), "malformed");
  const junk = Uint8Array.of(...new NTPv5Packet().encode(), 0xff, 0xff, 0xff, 0xff);
  const responder = makeResponder({ ntpv5: new NTPv5Responder() });
  assertEquals(ask(junk, { responder }), "malformed");
});

test("without the option, version 5 is dropped and the upgrade is not understood", () => {
  const request = new NTPv5Packet({ extensionFields: [DRAFT] }).encode();
  assertEquals(ask(request), "version");
  const upgrade = new NTPPacket({ referenceTimestamp: UPGRADE, transmitTimestamp: 1n }).encode();
  const reply = NTPPacket.decode(ask(upgrade) as Uint8Array);
  assertEquals(reply.referenceTimestamp, VARIABLES.referenceTimestamp);
});

test("a client of version 4 that asks is told that there is version 5; of others, none", () => {
  const responder = makeResponder({ ntpv5: new NTPv5Responder() });
  const told = (fields: ConstructorParameters<typeof NTPPacket>[0]) => {
    const outcome = ask(new NTPPacket(fields).encode(), { responder }) as Uint8Array;
    return NTPPacket.decode(outcome).referenceTimestamp;
  };
  assertEquals(told({ referenceTimestamp: UPGRADE }), UPGRADE);
  assertEquals(told({}), VARIABLES.referenceTimestamp);
  assertEquals(told({ version: 3, referenceTimestamp: UPGRADE }), VARIABLES.referenceTimestamp);
  const nearly = { referenceTimestamp: UPGRADE + 1n };
  assertEquals(told(nearly), VARIABLES.referenceTimestamp);
});

test("who asks too often is told a poll interval; who may not ask, never", () => {
  const request = new NTPv5Packet({ poll: 6, clientCookie: 5n, extensionFields: [DRAFT] });
  const kissed = (kissCode: string) =>
    response(request, { decide: () => ({ action: "kiss", kissCode, reason: "test" }) });
  const rate = kissed("RATE");
  assertEquals([rate.stratum, rate.poll, rate.flags, rate.leapIndicator], [0, 7, 0, 3]);
  assertEquals([rate.clientCookie, rate.receiveTimestamp, rate.transmitTimestamp], [5n, 0n, 0n]);
  assertEquals(kissed("DENY").poll, 127);
});

test("the hook sees version 5, drops and adjusts it", () => {
  const request = new NTPv5Packet({ extensionFields: [DRAFT] });
  const versions: number[] = [];
  const dropped = exchange(request, {
    decide: ({ version }) => {
      versions.push(version);
      return { action: "drop", reason: "test" };
    },
  });
  assertEquals([dropped, versions], ["hook", [5]]);
  const adjusted = response(request, {
    decide: () => ({ action: "adjust", reason: "test", adjust: (reply) => void (reply[1] = 9) }),
  });
  assertEquals(adjusted.stratum, 9);
});

test("what is no responder is refused, and a filter of the wrong length", () => {
  assertThrows(() => new NTPServer({ ntpv5: {} as never }), TypeError, "NTPv5Responder");
  assertThrows(
    () => new NTPv5Responder({ referenceId: new Uint8Array(4) }),
    RangeError,
    "15",
  );
  assertThrows(() => new NTPv5Responder({ pivot: 1 as never }), TypeError, "pivot");
  assertThrows(() => new NTPv5Responder({ referenceId: 15 as never }), TypeError, "referenceId");
});
