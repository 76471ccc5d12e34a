import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { NTPPacket, type NTPPacketFields, timestampToWords } from "../../src/packet/mod.ts";
import { Responder } from "../../src/server/responder.ts";
import type { SystemVariables } from "../../src/server/system_variables.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";
import { ARRIVAL, ask, makeResponder, SOURCE, TRANSMIT, VARIABLES, words } from "./asking.ts";

function answer(fields: Partial<NTPPacketFields>, variables?: Partial<SystemVariables>): NTPPacket {
  const responder = makeResponder({ variables: () => ({ ...VARIABLES, ...variables }) });
  return NTPPacket.decode(ask(new NTPPacket(fields).encode(), { responder }) as Uint8Array);
}

test("a request is answered with every field of RFC 5905", () => {
  const reply = answer({ poll: 6, transmitTimestamp: 0x0123_4567_89ab_cdefn });
  assertEquals(
    reply,
    new NTPPacket({
      leapIndicator: 1,
      version: 4,
      mode: 4,
      stratum: 1,
      poll: 6,
      precision: -23,
      rootDelay: 0.25,
      rootDispersion: 0.5,
      referenceId: 0x47505300,
      referenceTimestamp: 0xecb0_ffff_0000_0000n,
      originTimestamp: 0x0123_4567_89ab_cdefn,
      receiveTimestamp: ARRIVAL,
      transmitTimestamp: TRANSMIT,
    }),
  );
});

test("all 64 pairs of version and mode: only requests are answered, in their version", () => {
  for (let version = 0; version < 8; version++) {
    for (let mode = 0; mode < 8; mode++) {
      const request = new Uint8Array(48);
      request[0] = (version << 3) | mode;
      const outcome = ask(request);
      const isVersion = version >= 1 && version <= 4;
      const isRequest = mode === 3 || (mode === 0 && version === 1);
      if (isVersion && isRequest) {
        assertEquals((outcome as Uint8Array)[0], 0x40 | (version << 3) | 4);
      } else {
        assertEquals(outcome, isVersion ? "mode" : "version", `version ${version}, mode ${mode}`);
      }
    }
  }
});

test("a packet of version 1 without mode from port 123 is another server's", () => {
  const request = new Uint8Array(48);
  request[0] = 1 << 3;
  assertEquals(ask(request, { source: new Endpoint("192.0.2.7", 123) }), "mode");
  request[0] = (1 << 3) | 3;
  assert(ask(request, { source: new Endpoint("192.0.2.7", 123) }) instanceof Uint8Array);
});

test("a reply is never answered, so two servers cannot play ping-pong", () => {
  const reply = ask(new NTPPacket().encode()) as Uint8Array;
  assertEquals(ask(reply), "mode");
});

test("what is shorter than a header is dropped, at every length", () => {
  for (let length = 0; length < 48; length++) {
    assertEquals(ask(new NTPPacket().encode().subarray(0, length)), "short");
  }
});

test("the length counts, not the buffer", () => {
  const request = new Uint8Array(2048).fill(0xee);
  request.set(new NTPPacket().encode());
  const reply = new Uint8Array(48);
  assertEquals(makeResponder().respond(request, 48, SOURCE, words(ARRIVAL), reply), 48);
  assertEquals(makeResponder().respond(request, 47, SOURCE, words(ARRIVAL), reply), -1);
});

test("unknown extension fields are passed over, and the reply has 48 bytes", () => {
  const value = new Uint8Array(24);
  const request = new NTPPacket({ extensionFields: [{ type: 0x0104, value }] });
  assertEquals((ask(request.encode()) as Uint8Array).length, 48);
});

test("junk behind the header is dropped", () => {
  for (const length of [1, 2, 3, 8, 12, 16, 28]) {
    const request = new Uint8Array(48 + length);
    request[0] = 0x23;
    assertEquals(ask(request), "malformed", `${length} bytes behind the header`);
  }
});

test("the poll interval is the request's, within the bounds of RFC 5905", () => {
  for (const [asked, told] of [[-128, 4], [-1, 4], [3, 4], [4, 4], [10, 10], [17, 17], [18, 17]]) {
    assertEquals(answer({ poll: asked! }).poll, told);
  }
});

test("a server that is not synchronised says so", () => {
  for (const variables of [{ leapIndicator: 3 }, { stratum: 16 }] as const) {
    const reply = answer({}, variables);
    assertEquals(reply.leapIndicator, 3);
    assertEquals(reply.stratum, 0);
    assertEquals(reply.kissCode, "INIT");
  }
});

test("root delay and root dispersion saturate", () => {
  const reply = answer({}, { rootDelay: -1, rootDispersion: 1e9 });
  assertEquals(reply.rootDelay, 0);
  assertEquals(reply.rootDispersion, 65536 - 2 ** -16);
});

test("the reply may be written over the request", () => {
  const request = new NTPPacket({ poll: 9, transmitTimestamp: 42n }).encode();
  const apart = ask(request);
  const outcome = makeResponder().respond(request, 48, SOURCE, words(ARRIVAL), request);
  assertEquals(outcome, 48);
  assertEquals(request, apart);
});

test("the system variables are asked for once a second, and at once after refresh()", () => {
  let asked = 0, stratum = 1;
  const responder = new Responder({
    clock: { read: (into) => timestampToWords(TRANSMIT, into) },
    variables: () => (asked++, { ...VARIABLES, stratum }),
  });
  const stratumAt = (arrival: bigint) =>
    (ask(new NTPPacket().encode(), { responder, arrival }) as Uint8Array)[1];
  assertEquals([stratumAt(ARRIVAL), stratumAt(ARRIVAL + 5n), asked], [1, 1, 1]);
  stratum = 2;
  assertEquals([stratumAt(ARRIVAL + 5n), asked], [1, 1]);
  assertEquals([stratumAt(ARRIVAL + 2n ** 32n), asked], [2, 2]);
  stratum = 3;
  responder.refresh();
  assertEquals([stratumAt(ARRIVAL + 2n ** 32n), asked], [3, 3]);
});

test("the second before the era ends is followed by the first of the next", () => {
  const responder = makeResponder();
  for (const arrival of [0xffff_ffff_ffff_ffffn, 0n]) {
    const reply = ask(new NTPPacket().encode(), { responder, arrival }) as Uint8Array;
    assertEquals(NTPPacket.decode(reply).receiveTimestamp, arrival);
  }
});

test("a clock that fails costs the reply and is reported once a second", () => {
  const errors: unknown[] = [];
  const responder = new Responder({
    clock: {
      read: () => {
        throw new Error("no fix");
      },
    },
    variables: () => VARIABLES,
    onError: (error) => errors.push(error),
  });
  const request = new NTPPacket().encode();
  assertEquals(ask(request, { responder }), "clock");
  assertEquals(ask(request, { responder }), "clock");
  assertEquals(errors.length, 1);
  assertEquals(ask(request, { responder, arrival: ARRIVAL + 2n ** 32n }), "clock");
  assertEquals(errors.length, 2);
});

test("system variables that fail cost the reply, and come back", () => {
  let broken = true;
  const responder = new Responder({
    clock: { read: (into) => timestampToWords(TRANSMIT, into) },
    variables: () => {
      if (broken) throw new Error("no state");
      return VARIABLES;
    },
    onError: () => {
      throw new Error("what reports errors fails too");
    },
  });
  const request = new NTPPacket().encode();
  assertEquals(ask(request, { responder }), "clock");
  broken = false;
  assert(ask(request, { responder }) instanceof Uint8Array);
});
