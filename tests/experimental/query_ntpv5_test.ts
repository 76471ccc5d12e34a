import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { NTPv5Packet, NTPv5Responder, queryNTPv5 } from "../../src/experimental/mod.ts";
import { NTPError, NTPPacket } from "../../src/packet/mod.ts";
import { NTPServer } from "../../src/server/ntp_server.ts";
import type { Endpoint } from "../../src/transport/endpoint.ts";
import type { UdpTransport } from "../../src/transport/udp_transport.ts";
import { Stage } from "../client/stage.ts";

const SERVER = "192.0.2.1";

async function serve(stage: Stage, ntpv5?: NTPv5Responder): Promise<NTPServer> {
  const server = new NTPServer({
    clock: stage.clock(2.5),
    bind: stage.network.bind,
    ...(ntpv5 && { ntpv5 }),
  });
  await server.listen({ hostname: SERVER });
  return server;
}

/** A server that answers requests of version 5 as a function says. */
async function answer5(
  stage: Stage,
  change: (response: Uint8Array) => Uint8Array,
): Promise<() => number> {
  const own = new NTPServer({ clock: stage.clock(0), ntpv5: new NTPv5Responder() });
  const { clock } = own;
  const v5 = new NTPv5Responder();
  let asked = 0;
  const transport: UdpTransport = await stage.network.bind({
    hostname: SERVER,
    port: 123,
    clock,
    onDatagram(data: Uint8Array, source: Endpoint, arrival: Uint32Array) {
      asked++;
      const response = new Uint8Array(data.length);
      v5.prepare({ ...own.systemVariables(), leapIndicator: 0 }, arrival[0]!);
      v5.answer(data, data.length, arrival, response);
      response.copyWithin(40, 32, 40);
      transport.send(change(response), source);
    },
    onError() {},
  });
  return () => asked;
}

test("a server that has version 5 is asked in it, once it has said so", async () => {
  const stage = new Stage();
  const ntpv5 = new NTPv5Responder();
  const server = await serve(stage, ntpv5);
  const asking = queryNTPv5(SERVER, { ...stage.world, referenceIds: true, samples: 3 });
  const result = await stage.play(asking);
  assertAlmostEquals(result.offset, 2.5, 1e-6);
  assertAlmostEquals(result.delay, 0.02, 1e-6);
  assertEquals(result.ntpv5?.stratum, 1);
  assertEquals(result.packet.stratum, 1);
  assert(result.referenceIds?.has(ntpv5.referenceId));
  assertEquals(result.samples.length, 3);
  assertEquals(server.statistics().answered, 4, "one question whether, three for the time");
});

test("asked for, version 5 is used at once", async () => {
  const stage = new Stage();
  const server = await serve(stage, new NTPv5Responder());
  const { ntpv5 } = await stage.play(queryNTPv5(SERVER, { ...stage.world, negotiate: false }));
  assert(ntpv5 instanceof NTPv5Packet);
  assertEquals(server.statistics().answered, 1);
});

test("a server of version 4 answers in that", async () => {
  const stage = new Stage();
  const server = await serve(stage);
  const { ntpv5, packet, offset } = await stage.play(queryNTPv5(SERVER, stage.world));
  assertEquals(ntpv5, undefined);
  assertEquals(packet.version, 4);
  assertAlmostEquals(offset, 2.5, 1e-6);
  assertEquals(server.statistics().answered, 1);
});

test("a server of version 4 that takes every version for its own does not count", async () => {
  const stage = new Stage();
  // As ntpd 4.2.8 does: the reply has version 5, and gives back the transmit timestamp, here zero.
  const transport: UdpTransport = await stage.network.bind({
    hostname: SERVER,
    port: 123,
    clock: stage.clock(0),
    onDatagram(data, source) {
      const request = data.slice(0, 48);
      request[0] = 0x24;
      const reply = new NTPPacket({ mode: 4, stratum: 1, originTimestamp: 0n }).encode();
      reply[0] = 0x2c;
      transport.send(reply, source);
    },
    onError() {},
  });
  const options = { ...stage.world, negotiate: false, timeoutMs: 100 };
  const error = await assertRejects(() => stage.play(queryNTPv5(SERVER, options)), NTPError);
  assertEquals(error.code, "timeout");
});

test("a server of another draft, or timescale, is told apart from one that is silent", async () => {
  const cases: [(response: Uint8Array) => void, string][] = [
    [(response) => response[response.length - 22] = 0x37, "draft-ietf-ntp-ntpv5-07"],
    [(response) => response[12] = 1, "timescale 1"],
  ];
  for (const [change, text] of cases) {
    const stage = new Stage();
    const asked = await answer5(stage, (response) => (change(response), response));
    const options = { ...stage.world, negotiate: false, timeoutMs: 100 };
    const error = await assertRejects(() => stage.play(queryNTPv5(SERVER, options)), NTPError);
    assertEquals(error.code, "unsupported");
    assert(error.message.includes(text), error.message);
    assertEquals(asked(), 1);
  }
});

test("a response with another cookie, junk behind it, or no time is not believed", async () => {
  const cases: [(response: Uint8Array) => Uint8Array, string][] = [
    [(response) => (response[31]! ^= 1, response), "timeout"],
    [(response) => Uint8Array.of(...response, 0xff, 0xff, 0xff, 0xff), "timeout"],
    [(response) => (response[0] = 0x2b, response), "timeout"],
    [(response) => (response[15] = 0, response), "unsynchronized"],
    [(response) => (response[1] = 0, response), "unsynchronized"],
    [(response) => (response.fill(0, 40, 48), response), "bogus"],
    [(response) => (response[4] = 0xff, response), "bogus"],
  ];
  for (const [change, code] of cases) {
    const stage = new Stage();
    await answer5(stage, change);
    const options = { ...stage.world, negotiate: false, timeoutMs: 100, maxRootDistance: 1 };
    const error = await assertRejects(() => stage.play(queryNTPv5(SERVER, options)), NTPError);
    assertEquals(error.code, code, change.toString());
  }
});

test("leap seconds that a server does not know are none, though the time is known", async () => {
  const stage = new Stage();
  await answer5(stage, (response) => (response[0]! |= 0xc0, response));
  const options = { ...stage.world, negotiate: false };
  const { packet, ntpv5 } = await stage.play(queryNTPv5(SERVER, options));
  assertEquals([packet.leapIndicator, ntpv5?.leapIndicator], [0, 3]);
});

test("options that are not there, or wrong, are told", async () => {
  await assertRejects(() => queryNTPv5("", {}), TypeError, "host");
  await assertRejects(() => queryNTPv5("a", { negotiate: 1 as never }), TypeError, "negotiate");
  await assertRejects(() => queryNTPv5("a", { version: 4 } as never), TypeError, "version");
  await assertRejects(() => queryNTPv5("a", { timeoutMs: -1 }), RangeError, "timeoutMs");
});
