import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { PeerSample } from "../../src/association/events.ts";
import {
  NTPManycastClient,
  type NTPManycastClientOptions,
} from "../../src/association/ntp_manycast_client.ts";
import { SymmetricKey } from "../../src/auth/symmetric_key.ts";
import { NTPError } from "../../src/packet/mod.ts";
import { NTPServer } from "../../src/server/ntp_server.ts";
import type { MemoryDatagram } from "../../src/transport/memory.ts";
import type { BindUdp } from "../../src/transport/udp_transport.ts";
import { Stage } from "../client/stage.ts";

const GROUP = "239.255.1.1";
const KEY = new SymmetricKey({ id: 4, type: "SHA1", secret: new Uint8Array(20).fill(7) });

async function serve(stage: Stage, hostname: string, aheadSeconds = 3): Promise<NTPServer> {
  const server = new NTPServer({
    clock: stage.clock(aheadSeconds),
    bind: stage.network.bind,
    keys: [KEY],
  });
  await server.listen({ hostname, groups: [GROUP] });
  return server;
}

async function search(stage: Stage, options: Partial<NTPManycastClientOptions> = {}) {
  const samples: PeerSample[] = [], states: string[] = [];
  let draw = 0;
  const client = new NTPManycastClient({
    group: GROUP,
    minPoll: 4,
    maxPoll: 6,
    clock: stage.time,
    timers: stage.time,
    bind: stage.network.bind,
    random: (into) => void into.fill(++draw),
    onSample: (sample) => samples.push(sample),
    onChange: (state, { hostname }) => states.push(`${hostname} ${state}`),
    ...options,
  });
  await client.start();
  const hosts = () => client.statistics().map(({ hostname }) => hostname).sort();
  return { client, samples, states, hosts };
}

test("servers of the group are found, and asked each for itself", async () => {
  const stage = new Stage();
  for (const hostname of ["192.0.2.1", "192.0.2.2"]) await serve(stage, hostname);
  for (const key of [undefined, KEY]) {
    const { samples, hosts, client } = await search(stage, key === undefined ? {} : { key });
    await stage.time.run(200_000);
    assertEquals(hosts(), ["192.0.2.1", "192.0.2.2"]);
    assert(samples.length >= 20);
    for (const { offset } of samples) assertAlmostEquals(offset, 3, 1e-5);
    await client.close();
  }
});

test("nearer servers are found first, and the search ends when there are enough", async () => {
  const near = "192.0.2.1";
  const far = ["192.0.2.2", "192.0.2.3", "192.0.2.4"];
  let searches = 0;
  const isNear = ({ destination, hopLimit }: MemoryDatagram) => {
    if (destination.hostname === GROUP) searches++;
    return destination.hostname !== GROUP || hopLimit >= 4;
  };
  const stage = new Stage((datagram) => isNear(datagram) ? [0.01] : []);
  await serve(stage, near);
  for (const hostname of far) await serve(stage, hostname);
  const { hosts } = await search(stage, { enough: 2 });
  await stage.time.run(17_000);
  assertEquals(hosts(), []); // hop limits 1 and 2
  await stage.time.run(200_000);
  assertEquals(hosts().length, 2);
  const before = searches;
  await stage.time.run(1000_000);
  assertEquals(searches, before);
});

test("a server that is lost is replaced", async () => {
  const stage = new Stage();
  const one = await serve(stage, "192.0.2.1");
  const { hosts, states } = await search(stage, { enough: 1 });
  await stage.time.run(60_000);
  assertEquals(hosts(), ["192.0.2.1"]);
  await one.close();
  await serve(stage, "192.0.2.2");
  await stage.time.run(1000_000);
  assertEquals(hosts(), ["192.0.2.2"]);
  assert(states.includes("192.0.2.1 stopped"));
});

test("a server that does not know the time stays silent, and one that lies about a key is not taken", async () => {
  const stage = new Stage();
  const server = await serve(stage, "192.0.2.1");
  server.stratum = 16;
  const other = new NTPServer({ clock: stage.clock(), bind: stage.network.bind });
  await other.listen({ hostname: "192.0.2.2", groups: [GROUP] });
  const { hosts } = await search(stage, { key: KEY });
  await stage.time.run(200_000);
  assertEquals(hosts(), []);
  assert(server.statistics().dropped.unsynchronized > 0);
  // What is sent to a group is no business of those who lack its key (RFC 5905 §9.2).
  assert(other.statistics().dropped.authentication > 0);
  assertEquals(other.statistics().cryptoNaks, 0);
});

test("a server on this machine is not found: its clock is ours", async () => {
  const stage = new Stage();
  await serve(stage, "0.0.0.0"); // as the client is
  await serve(stage, "192.0.2.1");
  const { hosts } = await search(stage);
  await stage.time.run(100_000);
  assertEquals(hosts(), ["192.0.2.1"]);
});

test("what a server that was found answers to further searches is not held against it", async () => {
  const stage = new Stage();
  await serve(stage, "192.0.2.1");
  const { client, samples } = await search(stage);
  await stage.time.run(400_000);
  const [server] = client.statistics();
  assertEquals(server?.ignored, {});
  assertEquals(server?.received, samples.length);
});

test("where hop limits cannot be set the search stays near, and says so once", async () => {
  const stage = new Stage();
  const errors: Error[] = [];
  const bind: BindUdp = async (options) => {
    const transport = await stage.network.bind(options);
    const configure = transport.configureMulticast.bind(transport);
    transport.configureMulticast = (options) => {
      if (options.hopLimit !== 1) throw new NTPError("unsupported", "no hop limits here");
      configure(options);
    };
    return transport;
  };
  const { hosts } = await search(stage, { bind, onError: (error) => errors.push(error) });
  await stage.time.run(100_000);
  await serve(stage, "192.0.2.1");
  await stage.time.run(100_000);
  assertEquals(hosts(), ["192.0.2.1"]);
  assertEquals(errors.map(({ message }) => message), ["no hop limits here"]);
});

test("a search that cannot be made at all is refused at the start", async () => {
  const stage = new Stage();
  const bind: BindUdp = async (options) => {
    const transport = await stage.network.bind(options);
    transport.configureMulticast = () => {
      throw new NTPError("address-unavailable", "no such interface");
    };
    return transport;
  };
  await assertRejects(() => search(stage, { bind }), NTPError, "no such interface");
  assertEquals(stage.time.pending, 0);
});

test("nothing runs on after close", async () => {
  const stage = new Stage();
  await serve(stage, "192.0.2.1");
  const { client } = await search(stage);
  await stage.time.run(100_000);
  await client.close();
  await stage.time.run(1000);
  assertEquals(stage.time.pending, 0);
});

test("wrong options are refused", () => {
  assertThrows(() => new NTPManycastClient({ group: "192.0.2.1" }), RangeError, "multicast");
  assertThrows(() => new NTPManycastClient({ group: GROUP, enough: 0 }), RangeError, "enough");
  assertThrows(() => new NTPManycastClient({ group: GROUP, maxHopLimit: 256 }), RangeError);
  assertThrows(() => new NTPManycastClient({ group: GROUP, port: -1 }), RangeError, "port");
});
