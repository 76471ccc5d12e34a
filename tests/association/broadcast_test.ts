import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { PeerSample } from "../../src/association/events.ts";
import {
  NTPBroadcastClient,
  type NTPBroadcastClientOptions,
} from "../../src/association/ntp_broadcast_client.ts";
import {
  NTPBroadcaster,
  type NTPBroadcasterOptions,
} from "../../src/association/ntp_broadcaster.ts";
import { SymmetricKey } from "../../src/auth/symmetric_key.ts";
import { signed } from "../../src/client/request.ts";
import { addSeconds, NTPError, NTPPacket, type NTPPacketFields } from "../../src/packet/mod.ts";
import { NTPServer } from "../../src/server/ntp_server.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";
import { Stage } from "../client/stage.ts";

const SERVER = "192.0.2.1", CLIENT = "192.0.2.9", GROUP = "224.0.1.1";
const KEY = new SymmetricKey({ id: 4, type: "SHA1", secret: new Uint8Array(20).fill(7) });
const OTHER = new SymmetricKey({ id: 5, type: "SHA1", secret: new Uint8Array(20).fill(8) });

function random(into: Uint8Array): void {
  into.forEach((_, i) => into[i] = 17 * i + 91);
}

async function serve(stage: Stage, hostname = SERVER, aheadSeconds = 3): Promise<NTPServer> {
  const server = new NTPServer({
    clock: stage.clock(aheadSeconds),
    bind: stage.network.bind,
    keys: [KEY, OTHER],
    refid: "GPS",
  });
  await server.listen({ hostname, multicast: true });
  return server;
}

function broadcasterOf(
  stage: Stage,
  server: NTPServer,
  options: Partial<NTPBroadcasterOptions> = {},
): NTPBroadcaster {
  const broadcaster = new NTPBroadcaster({
    server,
    targets: [GROUP],
    interval: 16,
    key: KEY,
    timers: stage.time,
    random,
    ...options,
  });
  broadcaster.start();
  return broadcaster;
}

/** A client that listens, and what it says. */
async function listen(stage: Stage, options: Partial<NTPBroadcastClientOptions> = {}) {
  const samples: PeerSample[] = [], states: string[] = [], errors: Error[] = [];
  let draw = 0;
  const client = new NTPBroadcastClient({
    hostname: CLIENT,
    groups: [GROUP],
    keys: [KEY, OTHER],
    clock: stage.time,
    timers: stage.time,
    random: (into) => void into.fill(++draw),
    bind: stage.network.bind,
    onSample: (sample) => samples.push(sample),
    onChange: (state, { hostname }) => states.push(`${hostname} ${state}`),
    onError: (error) => errors.push(error),
    ...options,
  });
  await client.listen();
  return { client, samples, states, errors };
}

test("the delay is measured first, then every broadcast measures the clock", async () => {
  const stage = new Stage();
  const server = await serve(stage);
  const broadcaster = broadcasterOf(stage, server);
  const { client, samples, states } = await listen(stage);
  await stage.time.run(16_000 * 20);
  assert(samples.length >= 18, `${samples.length} samples`);
  for (const { offset, delay, hostname, packet, authentication } of samples) {
    assertAlmostEquals(offset, 3, 1e-5);
    assertAlmostEquals(delay, 0.02, 1e-5);
    assertEquals([hostname, packet.mode, authentication], [SERVER, 5, "key"]);
  }
  assertEquals(states, [`${SERVER} reachable`]);
  assertEquals(client.statistics().servers[0]?.calibrated, true);
  // The volley asked a few times; after it nothing is sent any more.
  const { answered } = server.statistics();
  assert(answered > 0 && answered <= 8);
  await stage.time.run(160_000);
  assertEquals(server.statistics().answered, answered);
  broadcaster.close();
  await client.close();
});

test("where the delay is given nobody is asked", async () => {
  const stage = new Stage();
  const server = await serve(stage);
  broadcasterOf(stage, server);
  const { samples } = await listen(stage, { delay: 0.02 });
  await stage.time.run(100_000);
  assert(samples.length >= 5);
  for (const { offset } of samples) assertAlmostEquals(offset, 3, 1e-5);
  assertEquals(server.statistics().answered, 0);
});

test("only what is signed with a known key is believed, unless the user says otherwise", async () => {
  const stage = new Stage();
  broadcasterOf(stage, await serve(stage), { key: undefined, onWarning: () => {} } as never);
  const strict = await listen(stage, { hostname: "192.0.2.10" });
  const other = await listen(stage, { hostname: "192.0.2.11", keys: [OTHER] });
  const easy = await listen(stage, { hostname: "192.0.2.12", allowUnauthenticated: true });
  await stage.time.run(160_000);
  assertEquals(strict.samples.length, 0);
  assert((strict.client.statistics().ignored.authentication ?? 0) >= 9);
  assertEquals(other.samples.length, 0);
  assert(easy.samples.length >= 8);
  assertEquals(easy.samples[0]!.authentication, "none");
});

test("a client that believes nobody must be told whom to believe", () => {
  assertThrows(() => new NTPBroadcastClient(), TypeError, "keys");
});

/** A socket at an address of its own, that sends broadcasts as it is told. */
async function forger(stage: Stage, hostname: string) {
  const socket = await stage.network.bind({
    hostname,
    port: 123,
    multicast: true,
    clock: stage.time,
    onDatagram() {},
  });
  return (fields: Partial<NTPPacketFields>, key?: SymmetricKey) => {
    const bytes = new NTPPacket({ mode: 5, stratum: 1, precision: -20, ...fields }).encode();
    socket.send(key === undefined ? bytes : signed(bytes, key, 4), new Endpoint(GROUP, 123));
  };
}

test("a broadcast that is replayed, or comes late, is refused (CVE-2015-7973)", async () => {
  const stage = new Stage();
  const send = await forger(stage, SERVER);
  const { client, samples } = await listen(stage, { delay: 0 });
  const times = [0, 1, 2, 3].map((i) => addSeconds(stage.time.now(), 10 * i));
  for (const at of [0, 2, 1, 2, 0, 3]) {
    send({ transmitTimestamp: times[at]! }, KEY);
    await stage.time.run(100);
  }
  assertEquals(samples.length, 3);
  assertEquals(client.statistics().ignored.replayed, 3);
});

test("a broadcast recorded before the volley is refused after it (CVE-2015-7973)", async () => {
  const stage = new Stage();
  const server = await serve(stage);
  const old = addSeconds(server.clock.now(), -1000);
  const broadcaster = broadcasterOf(stage, server);
  const { samples, client } = await listen(stage);
  await stage.time.run(50_000);
  assert(samples.length > 0);
  broadcaster.close();
  const before = samples.length;
  const bytes = new NTPPacket({ mode: 5, stratum: 1, transmitTimestamp: old }).encode();
  server.send(signed(bytes, KEY, 4), new Endpoint(GROUP, 123));
  await stage.time.run(1000);
  assertEquals([samples.length - before, client.statistics().ignored.replayed], [0, 1]);
});

test("forged packets neither stop nor move a client (CVE-2015-7979)", async () => {
  const stage = new Stage();
  const server = await serve(stage);
  broadcasterOf(stage, server);
  const { samples, states, client } = await listen(stage);
  await stage.time.run(60_000);
  const before = samples.length;
  const forge = (fields: Partial<NTPPacketFields>, key?: SymmetricKey) => {
    const bytes = new NTPPacket({ mode: 5, stratum: 1, ...fields }).encode();
    server.send(key === undefined ? bytes : signed(bytes, key, 4), new Endpoint(GROUP, 123));
  };
  const far = addSeconds(server.clock.now(), 1e6);
  const wrong = new SymmetricKey({ id: 4, type: "SHA1", secret: new Uint8Array(20) });
  for (let i = 0; i < 20; i++) {
    forge({ transmitTimestamp: far });
    forge({ transmitTimestamp: far }, wrong);
    forge({ transmitTimestamp: far }, OTHER); // a good key, but not this server's (CVE-2015-7974)
    forge({ transmitTimestamp: far, mac: { keyId: 0, digest: new Uint8Array(0) } });
    forge({ transmitTimestamp: 0n }, KEY);
    await stage.time.run(8000);
  }
  assert(samples.length - before >= 9, `${samples.length - before} samples`);
  for (const { offset } of samples) assertAlmostEquals(offset, 3, 1e-5);
  assertEquals(states, [`${SERVER} reachable`]);
  assertEquals(client.statistics().ignored.authentication, 80);
});

test("a link-local server is asked on the interface it must be on, if its address does not tell", async () => {
  const remotes: string[] = [];
  for (const networkInterfaces of [["eth0"], ["eth0", "eth1"], ["192.0.2.9"]]) {
    const stage = new Stage();
    broadcasterOf(stage, await serve(stage, "fe80::1"), { targets: ["ff02::101"] });
    const options = { hostname: "fe80::9", groups: ["ff02::101"], networkInterfaces };
    const { client, samples } = await listen(stage, options);
    await stage.time.run(100_000);
    assert(samples.length > 3);
    remotes.push(client.statistics().servers[0]!.hostname);
  }
  assertEquals(remotes, ["fe80::1%eth0", "fe80::1", "fe80::1"]);
});

test("a volley to a link-local server that fails for lack of its interface says so", async () => {
  const stage = new Stage(({ destination }) => destination.port === 123 ? [] : [0.01]);
  const server = await serve(stage, "fe80::1");
  const port = 1123;
  broadcasterOf(stage, server, { targets: [{ address: "ff02::101", port }] });
  const options = { hostname: "fe80::9", port, groups: ["ff02::101"] };
  const { errors } = await listen(stage, { ...options, networkInterfaces: ["eth0", "eth1"] });
  const { errors: others } = await listen(stage, {
    ...options,
    hostname: "fe80::8",
    networkInterfaces: ["eth0"],
  });
  await stage.time.run(60_000);
  assertEquals(errors.length, 1);
  assert(errors[0] instanceof NTPError && errors[0].code === "timeout");
  assert(errors[0].message.includes("name the one network interface"), errors[0].message);
  assertEquals(others.length, 1);
  assert(!others[0]!.message.includes("interface"), others[0]!.message);
});

test("a sample is counted when it is told", async () => {
  const stage = new Stage();
  broadcasterOf(stage, await serve(stage));
  const counts: unknown[] = [];
  const onSample = () => void counts.push(client.statistics().servers[0]?.samples);
  const { client } = await listen(stage, { onSample });
  await stage.time.run(16_000 * 4);
  assertEquals(counts.slice(0, 2), [1, 2]);
});

test("a server that says it has no time is reported, not believed", async () => {
  const stage = new Stage();
  const send = await forger(stage, SERVER);
  const { samples, errors } = await listen(stage, { delay: 0 });
  for (const fields of [{ stratum: 0 }, { stratum: 16 }, { leapIndicator: 3 }] as const) {
    send({ transmitTimestamp: stage.time.now(), ...fields }, KEY);
    await stage.time.run(1000);
  }
  assertEquals(samples.length, 0);
  assertEquals(errors.map((error) => (error as NTPError).code), Array(3).fill("unsynchronized"));
});

test("a server without time broadcasts nothing", async () => {
  const stage = new Stage();
  const server = await serve(stage);
  server.stratum = 16;
  const broadcaster = broadcasterOf(stage, server);
  const { client } = await listen(stage);
  await stage.time.run(160_000);
  assertEquals(client.statistics().received, 0);
  const { sent, silent } = broadcaster.statistics();
  assertEquals(sent, 0);
  assert(silent >= 10);
});

test("servers are bounded in number", async () => {
  const stage = new Stage();
  const { client } = await listen(stage, { delay: 0, maxServers: 3 });
  for (let i = 1; i <= 10; i++) {
    const send = await forger(stage, `198.51.100.${i}`);
    send({ transmitTimestamp: stage.time.now() }, KEY);
  }
  await stage.time.run(1000);
  const { servers, ignored } = client.statistics();
  assertEquals([servers.length, ignored["too many servers"]], [3, 7]);
});

test("strangers who are not heard again keep no place from an honest server", async () => {
  const stage = new Stage();
  const { client, samples } = await listen(stage, { allowUnauthenticated: true, maxServers: 3 });
  for (let i = 1; i <= 3; i++) { // none of them answers the volley
    const send = await forger(stage, `198.51.100.${i}`);
    send({ transmitTimestamp: stage.time.now() });
  }
  await stage.time.run(60_000);
  assertEquals(client.statistics().servers.length, 3);
  broadcasterOf(stage, await serve(stage));
  await stage.time.run(200_000);
  assert(samples.length > 0);
  assertEquals(client.statistics().servers.length, 3);
});

test("a server that falls silent counts as unreachable, until it is heard again", async () => {
  const stage = new Stage();
  const server = await serve(stage);
  const broadcaster = broadcasterOf(stage, server);
  const { states } = await listen(stage, { delay: 0.02 });
  await stage.time.run(60_000);
  broadcaster.close();
  await stage.time.run(1000_000);
  broadcaster.start();
  await stage.time.run(20_000);
  assertEquals(states.map((state) => state.split(" ")[1]), [
    "reachable",
    "unreachable",
    "reachable",
  ]);
});

test("a volley that fails is tried again, not at once", async () => {
  let isLost = true;
  const stage = new Stage(({ destination }) =>
    isLost && destination.hostname === SERVER ? [] : [0.01]
  );
  const server = await serve(stage);
  broadcasterOf(stage, server);
  const { samples, errors } = await listen(stage);
  await stage.time.run(600_000);
  assertEquals(samples.length, 0);
  assert(errors.length >= 4 && errors.length <= 12, `${errors.length} volleys failed in 600 s`);
  isLost = false;
  await stage.time.run(200_000);
  assert(samples.length > 0);
});

test("several targets at once, IPv4 and IPv6, subnet and groups", async () => {
  const stage = new Stage();
  const server = await serve(stage);
  await server.listen({ hostname: "2001:db8::1", multicast: true });
  const broadcaster = broadcasterOf(stage, server, {
    targets: [GROUP, { address: "ff02::101", hopLimit: 1 }, { address: "239.1.2.3", hopLimit: 9 }],
  });
  const heard = await Promise.all(
    [["192.0.2.31", GROUP], ["2001:db8::32", "ff02::101"], ["192.0.2.33", "239.1.2.3"]].map(
      ([hostname, group]) => listen(stage, { hostname: hostname!, groups: [group!], delay: 0.02 }),
    ),
  );
  await stage.time.run(100_000);
  for (const { samples } of heard) assert(samples.length >= 5, `${samples.length} samples`);
  assertEquals(broadcaster.statistics().failed, 0);
});

test("broadcasters of one server do not spoil each other's hop limits", async () => {
  const seen = new Set<string>();
  const stage = new Stage(({ destination, hopLimit }) => {
    if (destination.hostname.startsWith("2")) seen.add(`${destination.hostname} ${hopLimit}`);
    return [0.01];
  });
  const server = await serve(stage);
  for (const [address, hopLimit] of [["224.0.1.1", 4], ["239.255.1.1", 1]] as const) {
    broadcasterOf(stage, server, { targets: [{ address, hopLimit }] });
  }
  await listen(stage, { groups: ["224.0.1.1", "239.255.1.1"] });
  await stage.time.run(60_000);
  assertEquals([...seen].sort(), ["224.0.1.1 4", "239.255.1.1 1"]);
});

test("the interface of a target is looked for before the time is told, not when it is sent", async () => {
  const stage = new Stage();
  const done: string[] = [];
  const server = new NTPServer({
    clock: stage.clock(),
    bind: async (options) => {
      const transport = await stage.network.bind(options);
      transport.configureMulticast = (options) => void done.push(`${options.networkInterface}`);
      transport.send = (_data, to) => (done.push(to.hostname), "sent");
      return transport;
    },
  });
  await server.listen({ hostname: "fe80::1", multicast: true });
  const targets = ["ff02::101%eth0", { address: "ff02::102%eth1", networkInterface: "eth1" }];
  const broadcaster = broadcasterOf(stage, server, { targets });
  assertEquals(done.slice(-4), ["eth0", "ff02::101", "eth1", "ff02::102"]);
  broadcaster.close();
});

test("a broadcaster without key warns, once", async () => {
  const stage = new Stage();
  const warnings: string[] = [];
  broadcasterOf(stage, await serve(stage), {
    key: undefined,
    onWarning: (message: string) => warnings.push(message),
  } as never);
  await stage.time.run(100_000);
  assertEquals(warnings.length, 1);
});

test("wrong options are refused", async () => {
  const stage = new Stage();
  const server = new NTPServer({ bind: stage.network.bind });
  const make = (options: object) => () =>
    new NTPBroadcaster({ server, targets: [GROUP], ...options } as NTPBroadcasterOptions);
  assertThrows(make({ server: {} }), TypeError, "server");
  assertThrows(make({ targets: [] }), RangeError, "targets");
  assertThrows(make({ targets: "224.0.1.1" }), TypeError, "targets");
  assertThrows(make({ targets: ["example.com"] }), TypeError, "targets[0]");
  assertThrows(make({ targets: ["2001:db8::1"] }), RangeError, "multicast");
  assertThrows(make({ targets: [{ address: GROUP, hopLimit: 0 }] }), RangeError, "hopLimit");
  assertThrows(make({ targets: [{ address: GROUP, port: 0 }] }), RangeError, "port");
  const contradiction = { address: "ff02::101%eth0", networkInterface: "eth1" };
  assertThrows(make({ targets: [contradiction] }), RangeError, "networkInterface");
  assertThrows(make({ interval: 0 }), RangeError, "interval");
  assertThrows(() => new NTPBroadcastClient({ keys: [], port: 0 }), RangeError, "port");
  assertThrows(() => new NTPBroadcastClient({ keys: [], delay: -1 }), RangeError, "delay");
  const client = new NTPBroadcastClient({
    keys: [KEY],
    groups: ["192.0.2.1"],
    bind: stage.network.bind,
  });
  await assertRejects(() => client.listen(), RangeError, "multicast");
});
