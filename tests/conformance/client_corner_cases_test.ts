// What a client must get right: rows of the table in README.md, each test named after one.
import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { encodeHex } from "@std/encoding/hex";
import { query, type QueryResult } from "../../src/client/query.ts";
import type { QueryOptions } from "../../src/client/options.ts";
import { NTPError, NTPPacket, type NTPPacketFields } from "../../src/packet/mod.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";
import type { UdpTransport } from "../../src/transport/udp_transport.ts";
import { kiss, replyTo, Stage } from "../client/stage.ts";
import { outcomeOf, serve, SERVER, Stranger } from "./scene.ts";

/** What becomes of a query whose only answer has these fields. */
async function outcomeWith(fields: (stage: Stage) => Partial<NTPPacketFields>): Promise<string> {
  const stage = new Stage();
  await stage.script(SERVER, (request, reply) => reply(replyTo(stage, request, fields(stage))));
  return await outcomeOf(stage);
}

test("origin must equal the random transmit timestamp; an unmatched packet is ignored and the wait goes on (chrony, ntpd-rs)", async () => {
  const stage = new Stage();
  await stage.script(SERVER, (request, reply) => {
    const { transmitTimestamp } = NTPPacket.decode(request);
    for (let bit = 0n; bit < 64n; bit++) {
      reply(replyTo(stage, request, { originTimestamp: transmitTimestamp ^ (1n << bit) }));
    }
    reply(replyTo(stage, request, { originTimestamp: 0n }));
    reply(replyTo(stage, request, { originTimestamp: stage.time.now() }));
    stage.time.after(4000, () => reply(replyTo(stage, request, { stratum: 5 })));
  });
  const result = await stage.play(query(SERVER, stage.world));
  assertEquals([result.packet.stratum, result.attempts.length], [5, 1]);
});

test("zero origin, receive or transmit rejected; nothing accepted with no request outstanding (CVE-2015-8138)", async () => {
  assertEquals(await outcomeWith(() => ({ originTimestamp: 0n })), "timeout");
  assertEquals(await outcomeWith(() => ({ receiveTimestamp: 0n })), "bogus");
  assertEquals(await outcomeWith(() => ({ transmitTimestamp: 0n })), "bogus");
  assertEquals(await outcomeWith(() => ({})), "ok");
  // Even where zero is what the clocks show, at the beginning of an era.
  for (const name of ["receiveTimestamp", "transmitTimestamp"] as const) {
    for (const [zero, expected] of [[0n, "bogus"], [1n, "ok"]] as const) {
      const stage = new Stage(undefined, new Date("2036-02-07T06:28:15.990Z"));
      await stage.script(SERVER, (request, reply) => {
        const times = { receiveTimestamp: 1n, transmitTimestamp: 1n, [name]: zero };
        reply(replyTo(stage, request, times));
      });
      assertEquals(await outcomeOf(stage), expected, name);
    }
  }

  // A request never has a zero transmit timestamp, so a zero origin answers nothing, whatever comes
  // out of the generator of random numbers.
  const stage = new Stage();
  let draws = 0;
  const random = (into: Uint8Array) => void into.fill(draws++ < 3 ? 0 : 7);
  await stage.script(SERVER, (request, reply) => {
    reply(replyTo(stage, request, { originTimestamp: 0n, stratum: 9 }));
    reply(replyTo(stage, request));
  });
  const { packet } = await stage.play(query(SERVER, { ...stage.world, random }));
  assertEquals([packet.stratum, draws], [1, 4]);

  // Between two requests nobody listens: the port of the first one is closed.
  const idle = new Stage();
  const ports: number[] = [];
  let refused = 0;
  const bind: QueryOptions["bind"] = async (options) => {
    const transport = await idle.network.bind(options);
    ports.push(transport.port);
    return transport;
  };
  await serve(idle);
  const asked = query(SERVER, { ...idle.world, bind, samples: 2, intervalMs: 10_000 });
  idle.time.after(5000, () => {
    idle.network.bind({
      hostname: "192.0.2.66",
      remote: { hostname: "127.0.0.1", port: ports[0]! },
      clock: idle.time,
      onDatagram() {},
      onError: () => refused++,
    }).then((spoofer: UdpTransport) =>
      spoofer.send(
        new NTPPacket({ mode: 4, stratum: 1 }).encode(),
        new Endpoint("127.0.0.1", ports[0]!),
      )
    );
  });
  assertEquals((await idle.play(asked)).samples.length, 2);
  assertEquals([refused, new Set(ports).size], [1, 2]);
});

test("a response is used once; duplicates dropped (chrony, ntpd-rs)", async () => {
  // Each reply arrives three times, the last one while the next request is under way.
  const stage = new Stage(({ source }) => source.port === 123 ? [0.01, 0.01, 2.025] : [0.01]);
  const server = await serve(stage);
  const result = await stage.play(query(SERVER, { ...stage.world, samples: 3 }));
  assertEquals(server.statistics().answered, 3);
  const origins = result.samples.map(({ packet }) => packet.originTimestamp);
  assertEquals(new Set(origins).size, 3);
  for (const { delay } of result.samples) assert(Math.abs(delay - 0.02) < 1e-6, `delay ${delay}`);

  // The same packet once more, to the very port and in time, is no answer to the second request.
  const replay = new Stage();
  let first: Uint8Array | undefined;
  await replay.script(SERVER, (request, reply) => reply(first ??= replyTo(replay, request)));
  const { samples, attempts } = await replay.play(
    query(SERVER, { ...replay.world, samples: 2, sourcePort: 40000 }),
  );
  assertEquals([samples.length, attempts[1]?.error?.code], [1, "timeout"]);
});

test("never disclose expected timestamps (CVE-2015-8139)", async () => {
  // A request tells nothing of its sender: not what time it has, not when it last heard of whom.
  const requests: string[] = [];
  for (const start of ["2026-01-01T00:00:00Z", "2031-07-09T12:34:56Z"]) {
    const stage = new Stage(undefined, new Date(start));
    await stage.script(SERVER, (request, reply) => {
      requests.push(encodeHex(request.subarray(0, 40)));
      reply(replyTo(stage, request));
    });
    await stage.play(query(SERVER, { ...stage.world, samples: 2 }));
  }
  assertEquals(requests, Array(4).fill("23000020" + "0".repeat(72)));

  // Nobody who asks it for them, in modes 6 and 7 above all, is answered anything.
  const stage = new Stage();
  const spy = await Stranger.at(stage, SERVER, 123);
  const asked = query(SERVER, { ...stage.world, sourcePort: 40000, timeoutMs: 2000 });
  stage.time.after(1000, () => {
    for (let first = 0; first < 256; first++) {
      const probe = new Uint8Array(48);
      probe[0] = first;
      spy.send(probe, "127.0.0.1", 40000);
    }
  });
  const error = await assertRejects(() => stage.play(asked), NTPError);
  assertEquals([error.code, spy.received.length], ["timeout", 1]); // the request alone

  // And the error does not tell either.
  const nonce = NTPPacket.decode(spy.received[0]!).transmitTimestamp;
  const told = `${error.message} ${JSON.stringify(error)} ${error.stack}`;
  for (const radix of [10, 16]) assert(!told.includes(nonce.toString(radix)));
});

test("predictable transmit timestamps (CVE-2020-13817)", async () => {
  // With the generator that is used when none is given: 64 requests, in which every bit is found
  // both set and not (by chance one is not in 1 of 10^17 runs).
  const stage = new Stage();
  const { random: _, ...world } = stage.world;
  const seen: bigint[] = [];
  await stage.script(SERVER, (request, reply) => {
    seen.push(NTPPacket.decode(request).transmitTimestamp);
    reply(replyTo(stage, request));
  });
  await stage.play(query(SERVER, { ...world, samples: 64, intervalMs: 0 }));
  assertEquals(new Set(seen).size, 64);
  const ones = seen.reduce((a, b) => a | b), zeros = seen.reduce((a, b) => a & b);
  assertEquals([ones, zeros], [2n ** 64n - 1n, 0n]);
});

test("a spoofed packet must not change when we poll (CVE-2020-11868, CVE-2016-4954)", async () => {
  /** When requests were sent, in milliseconds, and what came of them. */
  async function polls(spoof: (request: Uint8Array, stage: Stage) => Uint8Array[]) {
    const stage = new Stage();
    const at: number[] = [];
    let count = 0;
    await stage.script(SERVER, (request, reply) => {
      at.push(stage.time.elapsedMs);
      for (const bytes of spoof(request, stage)) reply(bytes);
      // The third request is lost.
      if (++count !== 3) stage.time.after(40, () => reply(replyTo(stage, request)));
    });
    const options = { ...stage.world, samples: 6, intervalMs: 1000, timeoutMs: 3000 };
    const { attempts, samples }: QueryResult = await stage.play(query(SERVER, options));
    return {
      at,
      codes: attempts.map(({ error }) => error?.code),
      delays: samples.map((s) => s.delay),
    };
  }
  const honest = await polls(() => []);
  assertEquals(honest.codes, [undefined, undefined, "timeout", undefined, undefined, undefined]);
  // Who does not see the request cannot give its timestamp back, but may know everything else.
  const spoofed = await polls((request, stage) => {
    const { transmitTimestamp } = NTPPacket.decode(request);
    const originTimestamp = transmitTimestamp ^ 1n;
    const mac = { keyId: 0, digest: new Uint8Array(0) };
    return [
      ...["RATE", "DENY", "RSTR", "STEP"].map((code) =>
        replyTo(stage, request, { ...kiss(code), poll: 17, originTimestamp })
      ),
      replyTo(stage, request, { originTimestamp, poll: 17 }),
      replyTo(stage, request, { originTimestamp, leapIndicator: 3, stratum: 16 }),
      replyTo(stage, request, { originTimestamp, mac }),
      replyTo(stage, request, { mac }), // a crypto-NAK that even matches
      request,
      new Uint8Array(0),
    ];
  });
  assertEquals(spoofed, honest);
});

test("stratum 0 and ≥ 16, LI 3 unusable; root distance bound; server processing time bound; negative delay (chrony, NTPsec, OpenNTPD)", async () => {
  for (const stratum of [0, 16, 17, 255]) {
    assertEquals(await outcomeWith(() => ({ stratum, referenceId: 0 })), "unsynchronized");
  }
  for (const stratum of [1, 15]) assertEquals(await outcomeWith(() => ({ stratum })), "ok");
  assertEquals(await outcomeWith(() => ({ leapIndicator: 3 })), "unsynchronized");
  for (const leapIndicator of [0, 1, 2] as const) {
    assertEquals(await outcomeWith(() => ({ leapIndicator })), "ok");
  }

  assertEquals(await outcomeWith(() => ({ rootDelay: 31.9 })), "ok");
  assertEquals(await outcomeWith(() => ({ rootDelay: 32 })), "bogus");
  assertEquals(await outcomeWith(() => ({ rootDispersion: 15.9 })), "ok");
  assertEquals(await outcomeWith(() => ({ rootDispersion: 16 })), "bogus");
  assertEquals(await outcomeWith(() => ({ rootDelay: 20, rootDispersion: 8 })), "bogus");

  /** A server that keeps a request for so long by its clock, and in truth. */
  async function outcomeOfTaking(told: number, truly: number): Promise<string> {
    const stage = new Stage();
    await stage.script(SERVER, (request, reply) => {
      const receiveTimestamp = stage.time.now();
      const transmitTimestamp = receiveTimestamp + BigInt(Math.round(told * 2 ** 32));
      stage.time.after(truly * 1000, () => {
        reply(replyTo(stage, request, { receiveTimestamp, transmitTimestamp }));
      });
    });
    return await outcomeOf(stage, { timeoutMs: 10_000 });
  }
  assertEquals(await outcomeOfTaking(3.9, 3.9), "ok");
  assertEquals(await outcomeOfTaking(4.1, 4.1), "bogus");
  assertEquals(await outcomeOfTaking(-0.1, 0.1), "bogus");
  // The way there and back takes 20 ms: who says that he took longer than all of it lies.
  assertEquals(await outcomeOfTaking(0.019, 0), "ok");
  assertEquals(await outcomeOfTaking(0.021, 0), "bogus");
});

test("era 2036: pivot, wrapping subtraction, a client 136 years off (chrony, beevik #48)", async () => {
  const WRAP = new Date("2036-02-07T06:28:16Z").getTime();
  // Never at the very instant whose timestamp is zero: that is no timestamp.
  for (const beforeMs of [1, 6, 11, 16, 21, 26]) {
    for (const ahead of [-3600, 0, 1800, 40 * 365.25 * 86400]) {
      const stage = new Stage(undefined, new Date(WRAP - beforeMs));
      await serve(stage, { clock: stage.clock(ahead) });
      const { offset, delay, date } = await stage.play(query(SERVER, stage.world));
      assert(Math.abs(offset - ahead) < 1e-5, `${offset} instead of ${ahead}`);
      assert(Math.abs(delay - 0.02) < 1e-6, `delay ${delay}`);
      assert(Math.abs(date.getTime() - (WRAP - beforeMs + 20 + 1000 * ahead)) <= 1, `${date}`);
    }
  }

  // 2^32 seconds cannot be seen: the client takes itself to be right, in the era that it is in.
  const start = new Date("1890-01-01T00:00:00Z");
  const stage = new Stage(undefined, start);
  const clock = Object.assign(stage.clock(), {
    unixNanoseconds: () => BigInt(start.getTime()) * 1_000_000n,
  });
  await serve(stage);
  const result = await stage.play(query(SERVER, { ...stage.world, clock }));
  assert(Math.abs(result.offset) < 1e-6);
  assertEquals(result.date.toISOString(), "1890-01-01T00:00:00.020Z");
  const years = 2 ** 32 / 86400 / 365.2425;
  assert(years > 136 && years < 137);
});

test("fixed point: saturate, round, no negative (chrony, cfnts)", async () => {
  /** What a server that says so of its clock has on the wire. */
  async function told(rootDelay: number, rootDispersion: number): Promise<number[]> {
    const stage = new Stage();
    const clock = Object.assign(stage.clock(), {
      state: () => ({ ...stage.time.state(), rootDelay, rootDispersion }),
    });
    await serve(stage, { clock });
    const bytes = (await Stranger.at(stage, "192.0.2.7")).ask(new NTPPacket().encode())[0]!;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    return [view.getUint32(4), view.getUint32(8)];
  }
  assertEquals(await told(0, 1), [0, 0x10000]);
  assertEquals(await told(1e-9, 1.00001), [1, 0x10001]); // never better than it is
  assertEquals(await told(-1e-9, -5), [0, 0]);
  assertEquals(await told(65536, 1e300), [0xffffffff, 0xffffffff]);
  assertEquals(await told(Infinity, NaN), [0xffffffff, 0xffffffff]);

  // Read as unsigned: half of all values would be negative, and a root distance below zero.
  assertEquals(await outcomeWith(() => ({ rootDelay: 65535 })), "bogus");
  assertEquals(await outcomeWith(() => ({ rootDispersion: 65535 })), "bogus");
});
