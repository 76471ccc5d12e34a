import { test } from "node:test";
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { SymmetricKey } from "../../src/auth/symmetric_key.ts";
import { query, queryRaw } from "../../src/client/query.ts";
import type { ClockState } from "../../src/clock/clock.ts";
import { addSeconds, NTPError, NTPPacket } from "../../src/packet/mod.ts";
import type { AccessRule } from "../../src/server/access.ts";
import { NTPServer } from "../../src/server/ntp_server.ts";
import type { NTPServerOptions } from "../../src/server/ntp_server_options.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";
import type { BindUdp } from "../../src/transport/udp_transport.ts";
import { Stage } from "../client/stage.ts";

const SERVER = "192.0.2.1";

function options(stage: Stage): NTPServerOptions {
  return { clock: stage.clock(), bind: stage.network.bind };
}

async function ask(stage: Stage, server: NTPServer): Promise<NTPPacket> {
  if (server.addresses.length === 0) await server.listen({ hostname: SERVER });
  return (await stage.play(queryRaw(SERVER, stage.world))).packet;
}

test("without options: the system's clock, stratum 1, LOCL", async () => {
  const stage = new Stage();
  const packet = await ask(stage, new NTPServer({ bind: stage.network.bind }));
  assertEquals([packet.stratum, packet.referenceText, packet.leapIndicator], [1, "LOCL", 0]);
  assert(packet.precision < -10);
});

test("a subclass sets refid and stratum and tells the time", async () => {
  const stage = new Stage();
  class GNSSServer extends NTPServer {
    override refid = "GNSS";
    override stratum = 1;
    override getTime(): bigint {
      return addSeconds(stage.time.now(), 100);
    }
  }
  await new GNSSServer({ bind: stage.network.bind }).listen({ hostname: SERVER });
  const { offset, packet } = await stage.play(query(SERVER, stage.world));
  assertAlmostEquals(offset, 100, 1e-6);
  assertEquals([packet.stratum, packet.referenceText], [1, "GNSS"]);
});

test("a subclass tells when its receiver has lost the signal", async () => {
  const stage = new Stage();
  class GNSSServer extends NTPServer {
    state: Partial<ClockState> = { rootDispersion: 0.5, leapIndicator: 1 };
    override getTime(): bigint {
      return stage.time.now();
    }
    override getState(): Partial<ClockState> {
      return this.state;
    }
  }
  const server = new GNSSServer({ bind: stage.network.bind });
  const locked = await ask(stage, server);
  assertEquals([locked.leapIndicator, locked.stratum, locked.rootDispersion], [1, 1, 0.5]);
  server.state = { synchronized: false };
  await stage.time.run(1000);
  const lost = await ask(stage, server);
  assertEquals([lost.leapIndicator, lost.stratum, lost.kissCode], [3, 0, "INIT"]);
});

test("stratum 0 means the reference itself, and goes out as 1", async () => {
  const stage = new Stage();
  assertEquals((await ask(stage, new NTPServer({ ...options(stage), stratum: 0 }))).stratum, 1);
});

test("stratum and refid may change while the server runs", async () => {
  const stage = new Stage();
  const server = new NTPServer({ ...options(stage), stratum: 2, refid: "198.51.100.1" });
  assertEquals((await ask(stage, server)).referenceText, "198.51.100.1");
  server.stratum = 1;
  server.refid = "PPS";
  await stage.time.run(1000);
  const packet = await ask(stage, server);
  assertEquals([packet.stratum, packet.referenceText], [1, "PPS"]);
});

test("a wrong refid set while the server runs costs answers, not the server", async () => {
  const stage = new Stage();
  const errors: Error[] = [];
  const server = new NTPServer({ ...options(stage), onError: (error) => errors.push(error) });
  await ask(stage, server);
  server.refid = "TOO LONG";
  await stage.time.run(1000);
  const silent = queryRaw(SERVER, { ...stage.world, timeoutMs: 100 });
  await assertRejects(() => stage.play(silent), NTPError);
  assertStringIncludes(errors[0]!.message, "TOO LONG");
  const { dropped, errors: count } = server.statistics();
  assertEquals([dropped.clock, count], [1, 1]);
  server.refid = "GPS";
  assertEquals((await ask(stage, server)).referenceText, "GPS");
});

test("statistics have a reason for every datagram not answered", async () => {
  const stage = new Stage();
  const server = new NTPServer(options(stage));
  await server.listen({ hostname: SERVER });
  const socket = await stage.network.bind({ clock: stage.time, onDatagram() {} });
  const request = new NTPPacket().encode();
  const mac = { keyId: 1, digest: new Uint8Array(16) };
  const datagrams = [
    request,
    request,
    new Uint8Array(0),
    new Uint8Array(47),
    new Uint8Array(48),
    new NTPPacket({ mode: 4 }).encode(),
    new Uint8Array([...request, 1]),
    new NTPPacket({ mac }).encode(),
  ];
  for (const datagram of datagrams) socket.send(datagram, new Endpoint(SERVER, 123));
  await stage.time.run(100);
  const { packets: _packets, replyDelays: _delays, ...counted } = server.statistics();
  assertEquals(counted, {
    received: 8,
    answered: 2,
    kissed: 0,
    cryptoNaks: 1,
    ntsNaks: 0,
    nts: 0,
    routed: 0,
    dropped: {
      short: 2,
      version: 1,
      mode: 1,
      malformed: 1,
      authentication: 0,
      clock: 0,
      unsent: 0,
      access: 0,
      rate: 0,
      hook: 0,
      unsynchronized: 0,
      nts: 0,
    },
    decisions: {},
    errors: 0,
    overflows: 0,
    transports: ["memory"],
  });
});

test("two servers that send to each other do not play ping-pong", async () => {
  const stage = new Stage();
  const one = new NTPServer(options(stage)), two = new NTPServer(options(stage));
  await one.listen({ hostname: "192.0.2.1" });
  await two.listen({ hostname: "192.0.2.2" });
  let forged = 0;
  const forger = await stage.network.bind({
    hostname: "192.0.2.3",
    clock: stage.time,
    onDatagram() {},
  });
  for (const mode of [3, 4] as const) {
    forger.send(new NTPPacket({ mode }).encode(), new Endpoint("192.0.2.1", 123));
    forged++;
  }
  await stage.time.run(10_000);
  assertEquals(one.statistics().received, forged);
  assertEquals(two.statistics().received, 0);
});

test("a route takes the modes it wants, access rules come first, and what it throws is reported", async () => {
  const stage = new Stage();
  const errors: Error[] = [];
  const server = new NTPServer({
    ...options(stage),
    access: [{ prefix: "192.0.2.66", action: "deny" }],
    onError: (error) => errors.push(error),
  });
  await server.listen({ hostname: SERVER });
  const seen: string[] = [];
  const end = server.route([1, 5], (data, source) => {
    seen.push(`${data[0]! & 7} ${source.hostname}`);
    if (seen.length === 2) throw new Error("route");
    return seen.length !== 3;
  });
  assertThrows(() => server.route([5], () => true), RangeError, "Mode 5");
  assertThrows(() => server.route([3], () => true), RangeError, "not 3");
  const send = async (hostname: string, modes: readonly (1 | 2 | 5)[]) => {
    const socket = await stage.network.bind({ hostname, clock: stage.time, onDatagram() {} });
    for (const mode of modes) {
      socket.send(new NTPPacket({ mode }).encode(), new Endpoint(SERVER, 123));
    }
    await stage.time.run(100);
  };
  await send("192.0.2.66", [1, 5]);
  await send("192.0.2.9", [1, 5, 1, 2]);
  assertEquals(seen, ["1 192.0.2.9", "5 192.0.2.9", "1 192.0.2.9"]);
  assertEquals(errors.map(({ message }) => message), ["route"]);
  const { received, routed, dropped } = server.statistics();
  assertEquals([received, routed, dropped.access, dropped.mode], [6, 2, 2, 2]);
  end();
  await send("192.0.2.9", [1]);
  assertEquals([seen.length, server.statistics().dropped.mode], [3, 3]);
});

test("several addresses, and all are closed", async () => {
  const stage = new Stage();
  const server = new NTPServer(options(stage));
  await server.listen({ hostname: "192.0.2.1" });
  await server.listen({ hostname: "2001:db8::1", port: 12300 });
  assertEquals(server.addresses, [
    { hostname: "192.0.2.1", port: 123, transport: "memory" },
    { hostname: "2001:db8::1", port: 12300, transport: "memory" },
  ]);
  await server.close();
  await server.close();
  assertEquals(server.addresses, []);
  await server.listen({ hostname: "192.0.2.1" });
  await server.close();
});

test("a server closed while it binds does not listen", async () => {
  const stage = new Stage();
  const server = new NTPServer(options(stage));
  const listening = server.listen({ hostname: SERVER });
  await server.close();
  assertEquals((await assertRejects(() => listening, NTPError)).code, "closed");
  const next = new NTPServer(options(stage));
  await next.listen({ hostname: SERVER }); // the port is free
  await next.close();
});

test("a signal closes what it was given for", async () => {
  const stage = new Stage();
  const server = new NTPServer(options(stage));
  const controller = new AbortController();
  await server.listen({ hostname: SERVER, signal: controller.signal });
  controller.abort();
  await stage.time.run(10);
  assertEquals(server.addresses, []);
});

test("a request that arrives before listen() has returned is counted, and reports no error", async () => {
  const stage = new Stage();
  const errors: Error[] = [];
  const early = new NTPPacket({ transmitTimestamp: 1n }).encode();
  const bind: BindUdp = async (settings) => {
    settings.onDatagram(early, new Endpoint("192.0.2.7", 1000), new Uint32Array([1, 2]));
    return await stage.network.bind(settings);
  };
  const onError = (error: Error) => errors.push(error);
  const server = new NTPServer({ ...options(stage), bind, onError });
  await server.listen({ hostname: SERVER });
  const { received, dropped } = server.statistics();
  assertEquals([received, dropped.unsent, errors], [1, 1, []]);
});

test("a port in use is told", async () => {
  const stage = new Stage();
  await new NTPServer(options(stage)).listen({ hostname: SERVER });
  const second = new NTPServer(options(stage)).listen({ hostname: SERVER });
  assertEquals((await assertRejects(() => second, NTPError)).code, "address-in-use");
});

test("wrong options are refused when the server is made", () => {
  assertThrows(() => new NTPServer({ stratum: 17 }), RangeError, "stratum");
  assertThrows(() => new NTPServer({ stratum: -1 }), RangeError, "stratum");
  assertThrows(() => new NTPServer({ stratum: "1" as unknown as number }), TypeError, "stratum");
  assertThrows(() => new NTPServer({ refid: "GNSS1" }), RangeError, "GNSS1");
  assertThrows(() => new NTPServer({ refid: "" }), RangeError);
  assertThrows(() => new NTPServer({ refid: 5 as unknown as string }), TypeError, "number");
  assertThrows(() => new NTPServer({ clock: {} as NTPServerOptions["clock"] & object }), TypeError);
  assertThrows(() =>
    new NTPServer({ bind: "deno" as unknown as NTPServerOptions["bind"] & object })
  );
});

test("what would silently let everybody in, or nobody, is refused when the server is made", () => {
  const wrong: [unknown, string][] = [
    [{ rateLimit: true }, "rateLimit"],
    [{ rateLimit: 8 }, "rateLimit"],
    [{ rateLimit: null }, "rateLimit"],
    [{ access: null }, "access"],
    [{ access: { prefix: "::1", action: "deny" } }, "access"],
    [{ access: [null] }, "access rule 1"],
    [{ access: ["192.0.2.0/24"] }, "access rule 1"],
    [{ keys: null }, "keys"],
    [{ keys: 7 }, "keys"],
    [{ keys: new Map() }, "keys"],
    [{ keys: [{ id: 1, type: "MD5", secret: new Uint8Array(16) }] }, "keys"],
    [{ decide: null }, "decide"],
  ];
  for (const [options, name] of wrong) {
    const make = () => new NTPServer(options as NTPServerOptions);
    assertStringIncludes(assertThrows(make, TypeError).message, name);
  }
  // A rule that limits needs a limit.
  const access = [{ prefix: "192.0.2.0/24", action: "limited" }] as const;
  assertStringIncludes(
    assertThrows(() => new NTPServer({ access }), TypeError).message,
    "rateLimit",
  );
  new NTPServer({ access, rateLimit: {} });
});

test("a time that is no NTP timestamp is refused before the server starts", async () => {
  const stage = new Stage();
  class UnixServer extends NTPServer {
    override getTime(): bigint {
      return Date.now() as unknown as bigint;
    }
  }
  const server = new UnixServer({ bind: stage.network.bind });
  const error = await assertRejects(() => server.listen({ hostname: SERVER }), TypeError);
  assertStringIncludes(error.message, "timestampFromDate");
});

test("a wrong refid of a subclass is refused before the server starts", async () => {
  class Wrong extends NTPServer {
    override refid = "GNSS!";
  }
  await assertRejects(() => new Wrong().listen({ port: 0 }), RangeError, "GNSS!");
});

test("server: rules change while it runs, and no request is lost", async () => {
  const stage = new Stage();
  const access: AccessRule[] = [{ prefix: "0.0.0.0/0", action: "require-auth" }];
  const [one, other] = [1, 2].map((byte) =>
    new SymmetricKey({ id: 1, type: "AES128", secret: new Uint8Array(16).fill(byte) })
  );
  const keys = (key: SymmetricKey) => [key];
  const server = new NTPServer({
    clock: stage.clock(),
    bind: stage.network.bind,
    access,
    keys: keys(one!),
    rateLimit: {},
  });
  await server.listen({ hostname: "192.0.2.1" });
  const ask = async (key?: SymmetricKey) =>
    await stage.play(
      query("192.0.2.1", { ...stage.world, timeoutMs: 500, ...(key && { key }) })
        .then(({ authentication }) => authentication, ({ code }) => code),
    );
  assertEquals([await ask(one), await ask()], ["key", "timeout"]);
  server.setRules({ access, keys: keys(other!), rateLimit: {} });
  assertEquals([await ask(other), await ask(one)], ["key", "authentication"]);
  assertThrows(() => server.setRules({ access: [{ prefix: "x", action: "deny" }] }));
  assertThrows(() => server.setRules({ rateLimit: 3 as never }), TypeError);
  assertThrows(
    () => server.setRules({ access: [{ prefix: "::/0", action: "limited" }] }),
    TypeError,
  );
  assertEquals(await ask(other), "key");
  server.setRules({});
  assertEquals(await ask(), "none");

  // A limit that stays the same is not begun anew.
  const rateLimit = { burst: 2, interval: 64, leak: 0 };
  server.setRules({ rateLimit });
  const limited = async () => (await ask()) !== "none";
  assertEquals([await limited(), await limited(), await limited()], [false, false, true]);
  server.setRules({ rateLimit: { ...rateLimit } });
  assertEquals(await limited(), true);
  server.setRules({ rateLimit: { ...rateLimit, burst: 3 } });
  assertEquals(await limited(), false);
  await server.close();
});

test("a subclass that overrides getState() alone is heard", () => {
  class Standard extends NTPServer {
    override getState() {
      return { synchronized: false, rootDispersion: 0.5 };
    }
  }
  const { leapIndicator, rootDispersion } = new Standard().systemVariables();
  assertEquals([leapIndicator, rootDispersion], [3, 0.5]);
});

test("a limit that comes again has its memory again, and a new one has its own", async () => {
  const stage = new Stage();
  const server = new NTPServer({ clock: stage.clock(), bind: stage.network.bind, rateLimit: {} });
  await server.listen({ hostname: "192.0.2.1" });
  await stage.play(query("192.0.2.1", stage.world));
  const used = () => server.statistics().rateLimiter?.used;
  assertEquals(used(), 2);
  server.setRules({});
  assertEquals(used(), undefined);
  server.setRules({ rateLimit: {} });
  assertEquals(used(), 2);
  server.setRules({ rateLimit: { burst: 9 } });
  assertEquals(used(), 0);
  server.setRules({ rateLimit: {} });
  assertEquals(used(), 0);
  await server.close();
});
