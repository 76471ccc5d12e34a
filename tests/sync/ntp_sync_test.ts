import { test } from "node:test";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { NTPError } from "../../src/packet/error.ts";
import { timestampDifference } from "../../src/packet/timestamp.ts";
import { NTPServer } from "../../src/server/ntp_server.ts";
import { NTPSync } from "../../src/sync/ntp_sync.ts";
import type { NTPSyncOptions } from "../../src/sync/ntp_sync_options.ts";
import { broadcastInput } from "../../src/sync/broadcast_input.ts";
import { peerInput } from "../../src/sync/peer_input.ts";
import { serverInput } from "../../src/sync/server_options.ts";
import type { SyncChannel, SyncInput } from "../../src/sync/sync_input.ts";
import { NTPBroadcaster } from "../../src/association/ntp_broadcaster.ts";
import { SymmetricKey } from "../../src/auth/symmetric_key.ts";
import { query } from "../../src/client/query.ts";
import { Stage } from "../client/stage.ts";
import { Simulation, type SimulationOptions } from "../../src/testing/simulation.ts";
import type { Fault } from "../../src/testing/fault.ts";

const LINK = { base: 0.001, exponential: 0.0001 };

/** A world with some servers, right unless they are told otherwise, and a client. */
async function world(
  servers: Record<string, readonly Fault[]>,
  options: SimulationOptions & {
    clock?: { offset?: number; steps?: { at: number; seconds: number }[] };
  } = {},
) {
  const { clock = { offset: 0.1, frequency: 2e-5 }, ...rest } = options;
  const simulation = new Simulation({ seed: 1, link: LINK, ...rest });
  const scripted = [];
  for (const [name, faults] of Object.entries(servers)) {
    scripted.push(await simulation.addServer({ name, faults, stratum: 1, refid: "GPS" }));
  }
  const node = simulation.addNode({ name: "client", address: "10.9.9.9", clock });
  const start = (of: NTPSyncOptions) =>
    simulation.runUntil(NTPSync.start({ ...node.world, ...of }));
  return { simulation, node, start, servers: scripted };
}

test("NTPSync: the clock is set at the first answers", async () => {
  const { simulation, start } = await world({ a: [], b: [], c: [] });
  const servers = ["a", "b", "c"].map((hostname) => ({ hostname, maxPoll: 6 }));
  const sync = await start({ servers });
  assert(simulation.elapsed < 0.01);
  assert(Math.abs(simulation.errorOf(sync.clock)) < 0.001);
  await simulation.run(300);
  assert(Math.abs(sync.frequency!.value + 2e-5) < 1e-6, `${sync.frequency!.value}`);
  assert(sync.frequency!.deviation < 1e-6);
  assert(Math.abs(sync.remaining) < 1e-3);
  const [source] = sync.sources();
  assertEquals([source!.name, source!.hostname, source!.port, source!.kind], [
    "a",
    "10.0.0.1",
    123,
    "server",
  ]);
  assertEquals([source!.state, source!.stratum, source!.reach, source!.poll], [
    "selected",
    1,
    255,
    6,
  ]);
  assertEquals([source!.authentication, source!.error], ["none", undefined]);
  assert(source!.last!.age <= 65 && Math.abs(source!.last!.offset) < 0.001);
  await sync.close();
  await sync.close();
  assertEquals(simulation.time.pending, 0);
});

test("NTPSync: a server on its clock is a stratum below its source, and says what it knows", async () => {
  const { simulation, node, start } = await world({ a: [], b: [], c: [] });
  const sync = await start({ servers: ["a", "b", "c"] });
  await simulation.run(300);
  const server = new NTPServer({ clock: sync.clock, bind: node.bind });
  await server.listen();
  const other = simulation.addNode({ name: "downstream" });
  const { packet, offset, rootDistance } = await simulation.runUntil(
    query("client", other.world),
  );
  assertEquals([packet.stratum, packet.leapIndicator], [2, 0]);
  assert(["10.0.0.1", "10.0.0.2", "10.0.0.3"].includes(packet.referenceText));
  assert(packet.rootDelay > 0.0019 && packet.rootDelay < 0.0025, `${packet.rootDelay}`);
  assert(packet.rootDispersion > 0 && packet.rootDispersion < 0.001, `${packet.rootDispersion}`);
  assert(Math.abs(offset) < rootDistance);
  // Nobody answers any more: the error is told to grow, until there is no time to serve.
  simulation.cut({}, ["a", "b", "c"]);
  await simulation.run(3600);
  const later = await simulation.runUntil(query("client", other.world));
  assert(later.packet.rootDispersion > packet.rootDispersion + 0.003);
  await server.close();
  await sync.close();
});

test("NTPSync: nobody answers in time: what is wrong with each source", async () => {
  const { simulation, start } = await world({
    silent: [{ kind: "silent" }],
    lost: [{ kind: "unsynchronized" }],
    denied: [{ kind: "kiss", code: "DENY" }],
  });
  const error = await assertRejects(
    () => start({ servers: ["silent", "lost", "denied", "nowhere"] }),
    NTPError,
  );
  assertEquals([error.code, Math.round(simulation.elapsed)], ["timeout", 15]);
  assertStringIncludes(error.message, "silent (10.0.0.1): 10.0.0.1:123 did not answer within");
  assertStringIncludes(error.message, "lost (10.0.0.2): 10.0.0.2:123 does not know the time");
  assertStringIncludes(error.message, "denied: 10.0.0.3:123 sent a kiss-o'-death: DENY");
  assertStringIncludes(error.message, "nowhere: The simulation has no nowhere");
  assertEquals(simulation.time.pending, 0);
});

test("NTPSync: two that contradict each other set no clock; a third decides", async () => {
  const wrong: Fault[] = [{ kind: "offset", seconds: 1 }];
  const { simulation, start } = await world({ a: [], b: wrong, c: [] });
  const error = await assertRejects(() => start({ servers: ["a", "b"] }), NTPError);
  assertStringIncludes(error.message, "no majority");
  const sync = await start({ servers: ["a", "b", "c"] });
  await simulation.run(1);
  assertEquals(sync.sources().map(({ state }) => state), ["selected", "falseticker", "selected"]);
  await sync.close();
});

test("NTPSync: a server that is silent is waited for some seconds, and not longer", async () => {
  const { simulation, start } = await world({ a: [], silent: [{ kind: "silent" }] });
  const sync = await start({ servers: ["a", "silent"] });
  assert(simulation.elapsed >= 4 && simulation.elapsed < 10, `${simulation.elapsed}`);
  await sync.close();
});

test("NTPSync: a signal ends the wait, and later the synchronisation", async () => {
  const { simulation, node, start } = await world({ a: [], silent: [{ kind: "silent" }] });
  const early = new AbortController();
  simulation.at(1, () => early.abort());
  const error = await assertRejects(
    () => start({ servers: ["silent"], signal: early.signal }),
    NTPError,
  );
  assertEquals([error.code, Math.round(simulation.elapsed)], ["aborted", 1]);
  await assertRejects(
    () => NTPSync.start({ ...node.world, servers: ["a"], signal: early.signal }),
    NTPError,
    "Aborted",
  );
  const late = new AbortController();
  const sync = await start({ servers: ["a"], signal: late.signal });
  late.abort();
  await simulation.run(1);
  assertEquals([simulation.time.pending, sync.sources()], [0, []]);
  assertThrows(() => sync.add(serverInput("a")), NTPError, "closed");
});

test("NTPSync: DENY is heeded for good, RATE halves the rate of requests", async () => {
  const { simulation, start, servers } = await world({
    a: [],
    b: [],
    denying: [{ kind: "kiss", code: "DENY", from: 600 }],
    busy: [{ kind: "kiss", code: "RATE", from: 600, until: 700 }],
  });
  const sync = await start({
    servers: ["a", "b", "denying", "busy"].map((hostname) => ({ hostname, maxPoll: 6 })),
  });
  await simulation.run(599);
  const asked = () => servers.map(({ server }) => server.statistics().received);
  await simulation.run(401);
  assertEquals(sync.sources().map(({ name }) => name), ["a", "b", "busy"]);
  const [problem] = sync.problems;
  assertEquals(problem!.name, "denying");
  const before = asked();
  await simulation.run(6400);
  const [a, b, denying, busy] = asked().map((count, i) => count - before[i]!);
  assert(a! > 90 && b! > 90);
  assertEquals(denying, 0);
  assert(busy! > 40 && busy! < 55, `${busy}`);
  await sync.close();
});

test("NTPSync: of a pool as many as are wanted, none twice, and not oneself", async () => {
  const { simulation, start } = await world({ a: [], b: [], c: [], d: [], e: [] });
  simulation.addName("pool", ["client", "a", "b", "c", "d", "e"]);
  simulation.addName("second", ["c", "d", "e"]);
  const sync = await start({
    servers: ["b"],
    pools: [{ hostname: "pool", maxSources: 3 }, "second"],
    ownAddresses: ["10.9.9.9"],
  });
  const asked = () => sync.sources().map(({ hostname }) => hostname).sort();
  assertEquals(asked(), ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"]);
  assertEquals(sync.sources().find(({ hostname }) => hostname === "10.0.0.2")!.kind, "server");
  await sync.close();
});

test("NTPSync: who of a pool dies, lies for long or sends us away is replaced", async () => {
  const { simulation, start } = await world({
    dies: [{ kind: "silent", from: 1000 }],
    lies: [{ kind: "offset", seconds: 0.5, from: 1000 }],
    denies: [{ kind: "kiss", code: "DENY", from: 1000 }],
    a: [],
    b: [],
    c: [],
    d: [],
  });
  simulation.addName("pool", ["dies", "lies", "denies", "a", "b", "c", "d"]);
  const sync = await start({ pools: [{ hostname: "pool", maxPoll: 6 }] });
  const asked = () => sync.sources().map(({ hostname }) => hostname).sort();
  assertEquals(asked(), ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"]);
  await simulation.run(3600);
  assertEquals(asked(), ["10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.7"]);
  assert(Math.abs(simulation.errorOf(sync.clock)) < 0.001);
  await sync.close();
});

test("NTPSync: when a server dies its name is looked up again", async () => {
  const { simulation, start } = await world({ old: [{ kind: "silent", from: 1000 }], new: [] });
  simulation.addName("time", ["old"]);
  const sync = await start({ servers: [{ hostname: "time", maxPoll: 6 }] });
  await simulation.run(900);
  simulation.addName("time", ["new"]);
  await simulation.run(100);
  assertEquals(sync.sources()[0]!.hostname, "10.0.0.1");
  await simulation.run(1200);
  assertEquals(sync.sources().map(({ hostname, state }) => [hostname, state]), [
    ["10.0.0.2", "selected"],
  ]);
  await sync.close();
});

test("NTPSync: a name that has no address at first is looked up again", async () => {
  const { simulation, start } = await world({ a: [] });
  simulation.at(10, () => simulation.addName("late", ["a"]));
  const sync = await start({ servers: ["late"], timeoutMs: Infinity });
  assert(simulation.elapsed > 10 && simulation.elapsed < 30, `${simulation.elapsed}`);
  assertEquals(sync.problems, []);
  await sync.close();
});

test("NTPSync: who follows us is no source", async () => {
  const { simulation, start } = await world({
    a: [],
    echo: [{ kind: "stratum", stratum: 3 }, { kind: "reference", referenceId: 0x0a090909 }],
  });
  const sync = await start({ servers: ["a", "echo"], ownAddresses: ["10.9.9.9"] });
  await simulation.run(100);
  const [, echo] = sync.sources();
  assertStringIncludes(echo!.error!.message, "a loop");
  assert(echo!.state !== "selected");
  await sync.close();
});

test("NTPSync: polls as seldom as the time gets no worse by it, within the bounds", async () => {
  const { simulation, start } = await world({ a: [], b: [] });
  const sync = await start({ servers: ["a", { hostname: "b", minPoll: 4, maxPoll: 5 }] });
  await simulation.run(40_000);
  const [a, b] = sync.sources();
  assert(a!.poll > 6 && a!.poll <= 10, `${a!.poll}`);
  assertEquals(b!.poll, 5);
  await sync.close();
});

test("NTPSync: sleep of the machine is noticed, and made good", async () => {
  // To who sleeps, all others jump ahead; the steady clock stands still.
  const at = 2000, asleep = 5000;
  const simulation = new Simulation({ link: LINK });
  for (const name of ["a", "b", "c"]) {
    await simulation.addServer({ name, clock: { steps: [{ at, seconds: asleep }] } });
  }
  const { world } = simulation.addNode({ name: "client", clock: { offset: 0.1 } });
  const sync = await simulation.runUntil(NTPSync.start({
    ...world,
    servers: ["a", "b", "c"].map((hostname) => ({ hostname, maxPoll: 6 })),
    wallMs: () => simulation.time.elapsedMs + (simulation.elapsed < at ? 0 : asleep * 1000),
  }));
  const steps: number[] = [];
  sync.clock.onStep((seconds) => steps.push(seconds));
  await simulation.run(at + 65); // it is looked at each minute, and at each poll
  assertEquals(steps.map(Math.round), [asleep]);
  assert(Math.abs(simulation.errorOf(sync.clock) - asleep) < 0.001);
  await sync.close();
});

test("NTPSync: sources are added and removed while it runs", async () => {
  const { simulation, start } = await world({ a: [], b: [] });
  const changes: number[] = [];
  const sync = await start({ servers: ["a"], onChange: (of) => changes.push(of.sources().length) });
  const added = serverInput("b");
  sync.add(added);
  sync.add(added);
  await simulation.run(10);
  assertEquals(sync.sources().map(({ name, state }) => [name, state]), [
    ["a", "selected"],
    ["b", "selected"],
  ]);
  await sync.remove(added);
  await sync.remove(added);
  assertEquals(sync.sources().map(({ name }) => name), ["a"]);
  assert(changes.includes(2) && changes.at(-1) === 1, `${changes}`);
  await sync.close();
});

test("NTPSync: a frequency known beforehand is used from the start", async () => {
  const { simulation, start } = await world({ a: [] });
  const sync = await start({ servers: ["a"], frequency: -2e-5 });
  assert(Math.abs(sync.clock.frequency + 2e-5) < 1e-6, `${sync.clock.frequency}`);
  await simulation.run(1);
  await sync.close();
});

test("NTPSync: authenticated servers, and one whose key is another", async () => {
  const key = new SymmetricKey({ id: 1, type: "AES128", secret: new Uint8Array(16) });
  const other = new SymmetricKey({ id: 1, type: "AES128", secret: new Uint8Array(16).fill(1) });
  const simulation = new Simulation({ link: LINK });
  await simulation.addServer({ name: "a", stratum: 1, refid: "GPS", keys: [key] });
  const node = simulation.addNode({ name: "client" });
  const sync = await simulation.runUntil(
    NTPSync.start({ ...node.world, servers: [{ hostname: "a", key }] }),
  );
  assertEquals(sync.sources()[0]!.authentication, "key");
  await sync.close();
  const error = await assertRejects(
    () =>
      simulation.runUntil(
        NTPSync.start({ ...node.world, servers: [{ hostname: "a", key: other }] }),
      ),
    NTPError,
  );
  assertStringIncludes(error.message, "does not accept key 1");
});

test("NTPSync: peers and broadcasts are sources", async () => {
  const { simulation, start, node } = await world({ a: [] }, { subnets: ["10.0.0.0/8"] });
  const sync = await start({ servers: [{ hostname: "a", noSelect: false }] });
  const own = new NTPServer({ clock: sync.clock, bind: node.bind });
  await own.listen();

  const right = simulation.addNode({ name: "right", clock: { state: { rootDispersion: 1e-5 } } });
  const server = new NTPServer({ ...right.world, stratum: 1, refid: "PPS" });
  await server.listen();
  const { timers, random, resolve } = right.world;
  const { NTPPeer } = await import("../../src/association/ntp_peer.ts");
  const back = new NTPPeer({ server, endpoint: "client", minPoll: 4, timers, random, resolve });
  await simulation.runUntil(back.start());
  sync.add(peerInput({ server: own, endpoint: "right", minPoll: 4 }));

  const broadcaster = new NTPBroadcaster({
    server,
    targets: [{ address: "10.255.255.255", port: 124 }],
    interval: 16,
    timers,
    random,
    onWarning: () => {},
  });
  await broadcaster.start();
  sync.add(broadcastInput({ allowUnauthenticated: true, bind: node.bind, port: 124 }));
  await simulation.run(600);
  const states = sync.sources().map(({ kind, state }) => [kind, state]);
  assertEquals(states, [
    ["server", "selected"],
    ["peer", "selected"],
    ["broadcast", "selected"],
  ]);
  assert(Math.abs(simulation.errorOf(sync.clock)) < 0.001);
  for (const { offset, stratum, reach } of sync.sources()) {
    assert(Math.abs(offset) < 0.001, `${offset}`);
    assertEquals(stratum, 1);
    assert(reach !== 0);
  }
  back.close();
  await broadcaster.close();
  await sync.close();
  await own.close();
  await server.close();
});

test("NTPSync: a source of one's own", async () => {
  const { simulation, start, node } = await world({});
  let channel: SyncChannel | undefined;
  const receiver: SyncInput = {
    start(sink) {
      channel = sink.open({ kind: "reference clock", name: "PPS", referenceId: 0x50505300 });
      const about = {
        ...{ dispersion: 1e-6, stratum: 0, leapIndicator: 0 as const },
        ...{ rootDelay: 0, rootDispersion: 0, referenceId: 0 },
      };
      const read = () => {
        channel!.takeReading(simulation.trueTime(), node.clock.now(), about, 16);
        channel!.polled(255, 4);
        sink.timers.after(16_000, read);
      };
      read();
    },
    close: () => channel?.close(),
  };
  const sync = await start({ inputs: [receiver] });
  await simulation.run(1000);
  assert(Math.abs(simulation.errorOf(sync.clock)) < 1e-6);
  const { stratum, referenceId } = sync.clock.state();
  assertEquals([stratum, referenceId], [1, 0x50505300]);
  assertEquals(sync.sources().map(({ name, kind }) => [name, kind]), [["PPS", "reference clock"]]);
  await sync.close();
});

test("NTPSync: an exception of a callback is reported, and does no harm", async () => {
  const { simulation, start } = await world({ a: [] });
  const errors: string[] = [];
  const sync = await start({
    servers: ["a"],
    onUpdate: () => {
      throw new Error("mine");
    },
    onError: ({ message }) => errors.push(message),
  });
  await simulation.run(100);
  assert(errors.length > 3 && errors.every((message) => message === "mine"));
  await sync.close();
});

test("NTPSync: wrong options are errors", async () => {
  const bad: [object, string][] = [
    [{}, "nobody"],
    [{ servers: "a" }, "servers is an array"],
    [{ servers: [3] }, "a server is a name or an object"],
    [{ servers: [{ hostname: "" }] }, "hostname is a host name"],
    [{ servers: ["a"], clock: {} }, "clock is an object with read()"],
    [{ servers: ["a"], timers: {} }, "timers is an object with after()"],
    [{ servers: ["a"], onUpdate: 3 }, "onUpdate is a function"],
    [{ servers: [{ hostname: "a", prefer: 1 }] }, "prefer is true or false"],
    [{ servers: [{ hostname: "a", key: "k" }] }, "key is a SymmetricKey"],
    [{ inputs: [{}] }, "an input is an object"],
    [{ servers: ["a"], signal: {} }, "signal is an AbortSignal"],
    [{ servers: ["a"], timeoutMs: "1" }, "timeoutMs is a number"],
  ];
  for (const [options, message] of bad) {
    await assertRejects(() => NTPSync.start(options as NTPSyncOptions), TypeError, message);
  }
  const outOfRange: [object, string][] = [
    [{ servers: [{ hostname: "a", port: 0 }] }, "port is a whole number from 1 to 65535"],
    [{ servers: [{ hostname: "a", minPoll: 18 }] }, "minPoll"],
    [{ pools: [{ hostname: "a", maxSources: 0 }] }, "maxSources"],
    [{ servers: [{ hostname: "a", family: 5 }] }, "family is 4 or 6"],
    [{ servers: ["a"], timeoutMs: 0 }, "timeoutMs lies above 0"],
    [{ servers: ["a"], minSources: 0 }, "minSources"],
  ];
  for (const [options, message] of outOfRange) {
    await assertRejects(() => NTPSync.start(options as NTPSyncOptions), RangeError, message);
  }
});

test("NTPSync: on the sockets, timers and clock of the runtime", async () => {
  const server = new NTPServer({ stratum: 1, refid: "GPS" });
  const { hostname, port } = await server.listen({ hostname: "127.0.0.1", port: 0 });
  const sync = await NTPSync.start({ servers: [{ hostname, port }] });
  const { earliest, latest } = sync.clock.bounds();
  const now = server.clock.now();
  // Both read this machine's clock; the server reads it a little later.
  assert(timestampDifference(now, earliest) >= 0 && timestampDifference(latest, earliest) < 1);
  assertEquals(sync.clock.state().stratum, 2);
  await sync.close();
  await server.close();
});

test("NTPSync: closed by a callback before the clock is set, it does not wait for its timeout", async () => {
  const stage = new Stage();
  const servers = ["192.0.2.1", "192.0.2.2"].map((hostname) => ({ hostname, noSelect: true }));
  const server = new NTPServer({ clock: stage.clock(), bind: stage.network.bind });
  await server.listen({ hostname: "192.0.2.1" });
  const begun = stage.time.elapsedMs;
  const starting = NTPSync.start({
    ...stage.world,
    servers,
    onUpdate: (sync) => void sync.close(),
  });
  const error = await assertRejects(() => stage.time.runUntil(starting), NTPError);
  assertEquals(error.code, "closed");
  assert(stage.time.elapsedMs - begun < 5000);
  await server.close();
});
