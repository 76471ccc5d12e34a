import { test } from "node:test";
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { KissOfDeathError } from "../../src/client/kiss_of_death_error.ts";
import { NTPClient } from "../../src/client/ntp_client.ts";
import { query, queryRaw } from "../../src/client/query.ts";
import {
  addSeconds,
  NTPError,
  NTPPacket,
  type NTPPacketFields,
  timestampFromDate,
} from "../../src/packet/mod.ts";
import { NTPServer } from "../../src/server/ntp_server.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";
import type { BindUdp, UdpTransport } from "../../src/transport/udp_transport.ts";
import { kiss, replyTo, Stage } from "./stage.ts";

const SERVER = "192.0.2.1";

/** A server whose clock is ahead. */
async function serve(stage: Stage, hostname = SERVER, aheadSeconds = 0): Promise<NTPServer> {
  const clock = stage.clock(aheadSeconds);
  const server = new NTPServer({ clock, refid: "GPS", bind: stage.network.bind });
  await server.listen({ hostname });
  return server;
}

async function failure(promise: Promise<unknown>): Promise<NTPError> {
  return await assertRejects(() => promise, NTPError);
}

test("offset, delay and the corrected time", async () => {
  const stage = new Stage();
  await serve(stage, SERVER, 2.5);
  const result = await stage.play(query(SERVER, stage.world));
  assertAlmostEquals(result.offset, 2.5, 1e-6);
  assertAlmostEquals(result.delay, 0.02, 1e-6);
  assert(result.rootDistance > 0.01 && result.rootDistance < 0.02);
  assertEquals(result.hostname, SERVER);
  assertEquals(result.port, 123);
  assertEquals(result.packet.referenceText, "GPS");
  assertEquals(result.referenceDescription, "Global Positioning System");
  assertEquals(result.leapDescription, "no leap second announced");
  // T4 + offset, not T3 + offset.
  assertEquals(result.time, addSeconds(result.destinationTimestamp, result.offset));
  assertEquals(result.date.toISOString(), "2026-01-01T00:00:02.520Z");
  assertEquals(result.unixNanoseconds / 1_000_000n, 1767225602_520n);
  assertEquals([result.samples.length, result.attempts.length, result.jitter], [1, 1, 0]);
});

test("in each version, in which the reply comes back", async () => {
  for (const version of [1, 2, 3, 4] as const) {
    const stage = new Stage();
    await serve(stage);
    const { packet } = await stage.play(query(SERVER, { ...stage.world, version }));
    assertEquals(packet.version, version);
  }
});

test("over IPv6", async () => {
  const stage = new Stage();
  await serve(stage, "2001:db8::1");
  const { hostname } = await stage.play(query("2001:db8::1", stage.world));
  assertEquals(hostname, "2001:db8::1");
});

test("no answer is a timeout after five seconds, or when told", async () => {
  for (const [timeoutMs, expected] of [[undefined, 5000], [1234, 1234]] as const) {
    const stage = new Stage(() => []);
    let ended = 0;
    const asked = query(SERVER, { ...stage.world, ...(timeoutMs && { timeoutMs }) })
      .finally(() => ended = stage.time.elapsedMs);
    const error = await failure(stage.play(asked));
    assertEquals([error.code, ended], ["timeout", expected]);
    assertStringIncludes(error.message, `${SERVER}:123`);
  }
});

test("a lost datagram is asked for again as often as wanted", async () => {
  let sent = 0;
  const stage = new Stage(() => sent++ < 2 ? [] : [0.01]);
  await serve(stage);
  const result = await stage.play(query(SERVER, { ...stage.world, retries: 2 }));
  assertEquals(result.attempts.map(({ error }) => error?.code), ["timeout", "timeout", undefined]);

  sent = 0;
  const other = new Stage(() => sent++ < 2 ? [] : [0.01]);
  await serve(other);
  assertEquals(
    (await failure(other.play(query(SERVER, { ...other.world, retries: 1 })))).code,
    "timeout",
  );
});

test("a port where nobody listens refuses", async () => {
  const stage = new Stage();
  const error = await failure(stage.play(query(SERVER, stage.world)));
  assertEquals(error.code, "refused");
});

test("an abort ends the wait, and its reason is the cause", async () => {
  const stage = new Stage(() => []);
  const controller = new AbortController();
  stage.time.after(1000, () => controller.abort("enough"));
  let ended = 0;
  const asked = query(SERVER, { ...stage.world, signal: controller.signal })
    .finally(() => ended = stage.time.elapsedMs);
  const error = await failure(stage.play(asked));
  assertEquals([error.code, error.name, error.cause], ["aborted", "AbortError", "enough"]);
  assertEquals(ended, 1000);
});

test("a signal that has fired already sends nothing", async () => {
  const stage = new Stage();
  const asked = await stage.script(SERVER, () => {});
  const options = { ...stage.world, signal: AbortSignal.abort() };
  assertEquals((await failure(stage.play(query(SERVER, options)))).code, "aborted");
  assertEquals(asked.count, 0);
});

test("an abort while the socket is being bound leaves no socket behind", async () => {
  const stage = new Stage();
  const asked = await stage.script(SERVER, () => {});
  const controller = new AbortController();
  let bound: UdpTransport | undefined;
  const bind: BindUdp = async (options) => {
    bound = await stage.network.bind(options);
    controller.abort();
    await new Promise((resolve) => setTimeout(resolve)); // the query has failed meanwhile
    return bound;
  };
  const options = { ...stage.world, bind, signal: controller.signal };
  assertEquals((await failure(stage.play(query(SERVER, options)))).code, "aborted");
  await new Promise((resolve) => setTimeout(resolve));
  await stage.time.run(1000);
  assertEquals(bound!.send(new Uint8Array(1), new Endpoint(SERVER, 123)), "closed");
  assertEquals(asked.count, 0);
});

test("strays are ignored, and the wait goes on", async () => {
  const stage = new Stage();
  await stage.script(SERVER, (request, reply) => {
    reply(new Uint8Array(0));
    reply(new Uint8Array(47));
    reply(new Uint8Array(48).fill(0xff));
    reply(request); // back as it came
    reply(replyTo(stage, request, { originTimestamp: 0n }));
    reply(replyTo(stage, request, { originTimestamp: 1n }));
    reply(replyTo(stage, request, { ...kiss("DENY"), originTimestamp: 0n })); // CVE-2015-7704
    reply(replyTo(stage, request, { mode: 2 }));
    reply(new Uint8Array([...replyTo(stage, request), 1, 2, 3])); // junk behind
    stage.time.after(3000, () => reply(replyTo(stage, request, { stratum: 7 })));
  });
  const { packet, attempts } = await stage.play(query(SERVER, stage.world));
  assertEquals([packet.stratum, attempts.length], [7, 1]);
});

test("a reply from another address or port is ignored", async () => {
  const stage = new Stage();
  let forged: (bytes: Uint8Array) => void = () => {};
  await stage.script("192.0.2.66", (request, reply) => {
    assertEquals(request.length, 1); // what the attacker's socket is woken with
    forged = reply;
  });
  await stage.script(SERVER, (request) => forged(replyTo(stage, request)));
  assertEquals((await failure(stage.play(query(SERVER, stage.world)))).code, "timeout");
});

test("a reply is used once: duplicates change nothing", async () => {
  const stage = new Stage(() => [0.01, 0.01, 0.02]);
  await serve(stage);
  const { attempts, samples } = await stage.play(query(SERVER, { ...stage.world, samples: 2 }));
  assertEquals([attempts.length, samples.length], [2, 2]);
});

test("a kiss-o'-death is an error with its code, and asks no second time", async () => {
  for (const code of ["DENY", "RSTR", "RATE"]) {
    const stage = new Stage();
    const asked = await stage.script(SERVER, (request, reply) => {
      reply(replyTo(stage, request, kiss(code)));
    });
    const options = { ...stage.world, retries: 5, samples: 5 };
    const error = await failure(stage.play(query(SERVER, options)));
    assert(error instanceof KissOfDeathError);
    assertEquals([error.code, error.kissCode, asked.count], ["kiss-of-death", code, 1]);
  }
});

test("a kiss-o'-death within a burst ends it, and what was learned counts", async () => {
  const stage = new Stage();
  const asked = await stage.script(SERVER, (request, reply) => {
    reply(replyTo(stage, request, asked.count > 2 ? kiss("RATE") : {}));
  });
  const result = await stage.play(query(SERVER, { ...stage.world, samples: 8 }));
  assertEquals([result.samples.length, asked.count], [2, 3]);
  assertEquals(result.attempts[2]?.error?.code, "kiss-of-death");
});

test("a server that knows no time, and one that talks nonsense", async () => {
  const cases: [Partial<NTPPacketFields>, string][] = [
    [kiss("INIT"), "unsynchronized"],
    [{ stratum: 16 }, "unsynchronized"],
    [{ leapIndicator: 3 }, "unsynchronized"],
    [{ receiveTimestamp: 0n }, "bogus"],
    [{ rootDispersion: 100 }, "bogus"],
  ];
  for (const [fields, code] of cases) {
    const stage = new Stage();
    await stage.script(SERVER, (request, reply) => reply(replyTo(stage, request, fields)));
    assertEquals((await failure(stage.play(query(SERVER, stage.world)))).code, code);
  }
});

test("a bound on the root distance of one's own", async () => {
  const stage = new Stage();
  await serve(stage);
  const options = { ...stage.world, maxRootDistance: 0.005 };
  assertEquals((await failure(stage.play(query(SERVER, options)))).code, "bogus");
});

test("of a burst the sample with the least delay counts", async () => {
  const delays = [0.05, 0.05, 0.01, 0.01, 0.09, 0.03];
  const stage = new Stage(() => [delays.shift()!]);
  await serve(stage, SERVER, 1);
  const asked = query(SERVER, { ...stage.world, samples: 3, intervalMs: 500 });
  const result = await stage.play(asked);
  assertEquals(result.samples.map(({ delay }) => Math.round(delay * 1e3)), [100, 20, 120]);
  assertAlmostEquals(result.delay, 0.02, 1e-6);
  assertAlmostEquals(result.offset, 1, 1e-6);
  assertAlmostEquals(result.samples[2]!.offset, 1.03, 1e-6);
  // Two samples differ from the best, by 0 and by 0.03.
  assertAlmostEquals(result.jitter, 0.03 / Math.SQRT2, 1e-6);
  const starts = result.samples.map(({ requestTimestamp }) => Number(requestTimestamp >> 32n));
  assertEquals(starts[2]! - starts[0]!, 1);
});

test("a sample that is lost within a burst does no harm", async () => {
  let sent = 0;
  const stage = new Stage(() => sent++ === 2 ? [] : [0.01]);
  await serve(stage);
  const result = await stage.play(query(SERVER, { ...stage.world, samples: 3 }));
  assertEquals(result.samples.length, 2);
  assertEquals(result.attempts.map(({ error }) => error?.code), [undefined, "timeout", undefined]);
});

test("the addresses of a name are tried in turn", async () => {
  const stage = new Stage();
  await stage.script("192.0.2.7", (request, reply) => reply(replyTo(stage, request, kiss("DENY"))));
  await serve(stage, "2001:db8::1", 1);
  const result = await stage.play(query("192.0.2.6,192.0.2.7,2001:db8::1", stage.world));
  assertEquals(result.hostname, "2001:db8::1");
  assertEquals(
    result.attempts.map(({ hostname, error }) => [hostname, error?.code]),
    [["192.0.2.6", "refused"], ["192.0.2.7", "kiss-of-death"], ["2001:db8::1", undefined]],
  );
});

test("when every address fails, the error that tells most, with all of them as cause", async () => {
  const stage = new Stage();
  await stage.script("192.0.2.7", (request, reply) => reply(replyTo(stage, request, kiss("DENY"))));
  const error = await failure(stage.play(query("192.0.2.6,192.0.2.7", stage.world)));
  assertEquals(error.code, "kiss-of-death");
  const { errors } = error.cause as AggregateError;
  assertEquals(errors.map(({ code }: NTPError) => code), ["refused", "kiss-of-death"]);
});

test("the raw call gives what query would not believe, and says why", async () => {
  const stage = new Stage();
  await stage.script(SERVER, (request, reply) => reply(replyTo(stage, request, kiss("RATE"))));
  const { packet, fault } = await stage.play(queryRaw(SERVER, stage.world));
  assertEquals(packet.kissCode, "RATE");
  assert(fault instanceof KissOfDeathError);
});

test("the raw call of a good reply has no fault", async () => {
  const stage = new Stage();
  await serve(stage);
  const raw = await stage.play(queryRaw(SERVER, stage.world));
  assertEquals([raw.fault, raw.packet.stratum], [undefined, 1]);
});

test("across the end of the era, and in the next one", async () => {
  for (
    const start of ["2036-02-07T06:28:15.985Z", "2036-02-07T06:28:16Z", "2100-01-01T00:00:00Z"]
  ) {
    const stage = new Stage(undefined, new Date(start));
    await serve(stage, SERVER, 1);
    const { offset, date } = await stage.play(query(SERVER, stage.world));
    assertAlmostEquals(offset, 1, 1e-6);
    assertEquals(date.getTime(), new Date(start).getTime() + 1020);
  }
});

test("a clock that knows its era gives dates beyond 2104", async () => {
  const start = new Date("2150-06-01T00:00:00Z");
  const stage = new Stage(undefined, timestampFromDate(start));
  await serve(stage);
  const clock = Object.assign(stage.clock(), {
    unixNanoseconds: () => BigInt(start.getTime()) * 1_000_000n,
  });
  const { date } = await stage.play(query(SERVER, { ...stage.world, clock }));
  assertEquals(date.toISOString(), "2150-06-01T00:00:00.020Z");
});

test("each exchange uses a socket and a random timestamp of its own", async () => {
  const stage = new Stage();
  const seen: bigint[] = [];
  await stage.script(SERVER, (request, reply) => {
    seen.push(NTPPacket.decode(request).transmitTimestamp);
    reply(replyTo(stage, request));
  });
  await stage.play(query(SERVER, { ...stage.world, samples: 3 }));
  assertEquals(new Set(seen).size, 3);
});

test("a client keeps its options, and each query may differ", async () => {
  const stage = new Stage();
  await serve(stage);
  const client = new NTPClient({ endpoint: SERVER, ...stage.world, version: 3 });
  const versions = Promise.all([client.query(), client.query({ version: 4 }), client.queryRaw()]);
  const packets = (await stage.play(versions)).map(({ packet }) => packet.version);
  assertEquals(packets, [3, 4, 3]);
});
