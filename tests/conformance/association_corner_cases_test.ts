// Symmetric and broadcast associations: rows of the table in README.md, each test named after one.
import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import type { PeerSample } from "../../src/association/events.ts";
import { NTPBroadcastClient } from "../../src/association/ntp_broadcast_client.ts";
import { NTPBroadcaster } from "../../src/association/ntp_broadcaster.ts";
import { NTPPassivePeers } from "../../src/association/ntp_passive_peers.ts";
import { NTPPeer } from "../../src/association/ntp_peer.ts";
import { SymmetricKey } from "../../src/auth/symmetric_key.ts";
import { signed } from "../../src/client/request.ts";
import { NTPPacket, type NTPPacketFields } from "../../src/packet/mod.ts";
import { NTPServer } from "../../src/server/ntp_server.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";
import { Stage } from "../client/stage.ts";
import { seeded, serve, SERVER, Stranger } from "./scene.ts";

const GROUP = "224.0.1.1";
const KEY = new SymmetricKey({ id: 5, type: "SHA1", secret: new Uint8Array(20).fill(5) });
const WRONG = new SymmetricKey({ id: 5, type: "SHA1", secret: new Uint8Array(20).fill(6) });

function packet(fields: Partial<NTPPacketFields>, key?: SymmetricKey): Uint8Array {
  const bytes = new NTPPacket({ stratum: 1, precision: -20, ...fields }).encode();
  return key === undefined ? bytes : signed(bytes, key, 4);
}

test("ephemeral symmetric associations (Sybil) (CVE-2016-1549, CVE-2018-7170)", async () => {
  const stage = new Stage();
  const server = await serve(stage, { keys: [KEY] });
  const peers = new NTPPassivePeers({ server, maxPeers: 3, timers: stage.time });
  peers.start();
  const ask = (i: number) => ({ mode: 1, transmitTimestamp: BigInt(i + 1) << 32n }) as const;
  // Without the key there is no association, from however many addresses.
  for (let i = 0; i < 100; i++) {
    const stranger = await Stranger.at(stage, `198.51.100.${i}`);
    stranger.send(packet(ask(i)));
    stranger.send(packet(ask(i), WRONG));
    stranger.send(packet({ ...ask(i), mac: { keyId: 0, digest: new Uint8Array(0) } }));
  }
  await stage.time.run(1000);
  assertEquals([peers.statistics().length, peers.refused], [0, 300]);
  // With it there are no more than the user wants, from many addresses or many ports of one.
  for (let i = 0; i < 50; i++) {
    (await Stranger.at(stage, `203.0.113.${i}`)).send(packet(ask(i), KEY));
    (await Stranger.at(stage, "203.0.113.99", 1000 + i)).send(packet(ask(i), KEY));
  }
  await stage.time.run(1000);
  assertEquals([peers.statistics().length, peers.refused], [3, 397]);
  peers.close();
  await server.close();
});

test("an unauthenticated packet must not reset symmetric state (CVE-2015-1853)", async () => {
  const stage = new Stage();
  const samples: PeerSample[][] = [[], []];
  const servers = await Promise.all([SERVER, "192.0.2.2"].map(async (hostname, i) => {
    const clock = stage.clock(3 * i);
    const server = new NTPServer({ clock, bind: stage.network.bind, keys: [KEY] });
    await server.listen({ hostname });
    return server;
  }));
  const peers = [];
  for (const [i, endpoint] of ["192.0.2.2", SERVER].entries()) {
    const peer = new NTPPeer({
      server: servers[i]!,
      endpoint,
      key: KEY,
      minPoll: 4,
      maxPoll: 4,
      timers: stage.time,
      random: seeded(i + 1),
      onSample: (sample) => samples[i]!.push(sample),
    });
    await peer.start();
    peers.push(peer);
  }
  // In the name of each to the other, between their own packets, for twenty polls.
  for (let i = 0; i < 320; i++) {
    for (const [from, to] of [[0, "192.0.2.2"], [1, SERVER]] as const) {
      const forge = (fields: Partial<NTPPacketFields>, key?: SymmetricKey) =>
        servers[from]!.send(packet({ mode: 1, ...fields }, key), new Endpoint(to, 123));
      forge({ transmitTimestamp: BigInt(i + 1), originTimestamp: 1n, receiveTimestamp: 1n });
      forge({ transmitTimestamp: stage.time.now() }, WRONG);
      forge({ mode: 2, transmitTimestamp: 2n ** 64n - 1n });
      forge({ transmitTimestamp: 9n, mac: { keyId: 0, digest: new Uint8Array(0) } });
    }
    await stage.time.run(1000);
  }
  for (const [i, peer] of peers.entries()) {
    assert(samples[i]!.length >= 18, `${samples[i]!.length} samples in 20 polls`);
    for (const { offset } of samples[i]!) assertAlmostEquals(offset, i === 0 ? 3 : -3, 1e-4);
    assertEquals(peer.statistics()!.ignored.authentication, 4 * 320);
    peer.close();
  }
});

test("replayed authenticated broadcast; off-path denial of service (CVE-2015-7973, CVE-2015-7979)", async () => {
  const stage = new Stage();
  const server = new NTPServer({ clock: stage.clock(3), bind: stage.network.bind, keys: [KEY] });
  await server.listen({ hostname: SERVER, multicast: true });
  const broadcaster = new NTPBroadcaster({
    server,
    targets: [GROUP],
    interval: 16,
    key: KEY,
    timers: stage.time,
    random: seeded(1),
  });
  const recorded: Uint8Array[] = [];
  const ear = await stage.network.bind({
    hostname: "192.0.2.66",
    port: 123,
    multicast: true,
    clock: stage.time,
    onDatagram: (data) => recorded.push(data.slice()),
  });
  ear.joinGroup(GROUP);
  const samples: PeerSample[] = [], states: string[] = [];
  const client = new NTPBroadcastClient({
    hostname: "192.0.2.9",
    groups: [GROUP],
    keys: [KEY],
    clock: stage.time,
    timers: stage.time,
    random: seeded(2),
    bind: stage.network.bind,
    onSample: (sample) => samples.push(sample),
    onChange: (state) => states.push(state),
  });
  await client.listen();
  broadcaster.start();
  await stage.time.run(40_000);
  const before = samples.length;
  assert(before > 0);
  // All that was ever heard again and again, and what nobody has signed, in the server's name.
  const originals = recorded.slice();
  for (let i = 0; i < 160; i++) {
    const heard = recorded.length; // replays do not go to the group
    for (const bytes of originals) server.send(bytes, new Endpoint("192.0.2.9", 123));
    const forged = { mode: 5, transmitTimestamp: 2n ** 63n + BigInt(i) } as const;
    server.send(packet(forged), new Endpoint("192.0.2.9", 123));
    server.send(packet(forged, WRONG), new Endpoint("192.0.2.9", 123));
    await stage.time.run(1000);
    originals.push(...recorded.slice(heard));
  }
  assertEquals(samples.length - before, 10); // every broadcast of the server's, each once
  for (const { offset } of samples) assertAlmostEquals(offset, 3, 1e-4);
  assertEquals(states, ["reachable"]);
  const { ignored } = client.statistics();
  assert(ignored.replayed! > 300);
  assertEquals(ignored.authentication, 2 * 160);
  broadcaster.close();
  await client.close();
  await ear.close();
});
