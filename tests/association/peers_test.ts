import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { PeerSample } from "../../src/association/events.ts";
import { NTPPassivePeers } from "../../src/association/ntp_passive_peers.ts";
import { NTPPeer, type NTPPeerOptions } from "../../src/association/ntp_peer.ts";
import { SymmetricKey } from "../../src/auth/symmetric_key.ts";
import { NTPError, NTPPacket } from "../../src/packet/mod.ts";
import { NTPServer } from "../../src/server/ntp_server.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";
import { Stage } from "../client/stage.ts";

const A = "192.0.2.1", B = "192.0.2.2";
const KEY = new SymmetricKey({ id: 4, type: "SHA1", secret: new Uint8Array(20).fill(7) });
const OTHER = new SymmetricKey({ id: 4, type: "SHA1", secret: new Uint8Array(20).fill(8) });

async function serve(stage: Stage, hostname: string, aheadSeconds = 0): Promise<NTPServer> {
  const server = new NTPServer({
    clock: stage.clock(aheadSeconds),
    bind: stage.network.bind,
    keys: [KEY],
    stratum: 2,
    refid: hostname === A ? "203.0.113.1" : "203.0.113.2",
  });
  await server.listen({ hostname });
  return server;
}

/** A symmetric active association, and the samples that it makes. */
async function peerOf(
  stage: Stage,
  server: NTPServer,
  endpoint: string,
  options: Partial<NTPPeerOptions> = {},
): Promise<{ peer: NTPPeer; samples: PeerSample[]; states: string[] }> {
  const samples: PeerSample[] = [], states: string[] = [];
  let draw = 0;
  const peer = new NTPPeer({
    server,
    endpoint,
    minPoll: 4,
    maxPoll: 6,
    timers: stage.time,
    random: (into) => void into.forEach((_, i) => into[i] = 31 * ++draw + i),
    resolve: (host) => Promise.resolve([host]),
    onSample: (sample) => samples.push(sample),
    onChange: (state) => states.push(state),
    ...options,
  });
  await peer.start();
  return { peer, samples, states };
}

test("two active peers take time from each other", async () => {
  for (const key of [undefined, KEY]) {
    const stage = new Stage();
    const a = await serve(stage, A), b = await serve(stage, B, 3);
    const options = key === undefined ? {} : { key };
    const one = await peerOf(stage, a, B, options);
    await stage.time.run(5000); // out of step
    const two = await peerOf(stage, b, A, options);
    await stage.time.run(20 * 16_500);
    for (const [{ peer, samples, states }, offset] of [[one, 3], [two, -3]] as const) {
      assert(samples.length >= 18, `${samples.length} samples`);
      for (const sample of samples) {
        assertAlmostEquals(sample.offset, offset, 1e-5);
        assertAlmostEquals(sample.delay, 0.02, 1e-5);
        assertEquals(sample.authentication, key === undefined ? "none" : "key");
      }
      assertEquals(peer.statistics()!.reach | 1, 0o377); // the last poll may be under way
      assertEquals(states, ["reachable"]);
      assertEquals(samples[0]!.packet.stratum, 2);
    }
    one.peer.close();
    two.peer.close();
    await a.close();
    await b.close();
  }
});

test("an active peer and a passive one", async () => {
  const stage = new Stage();
  const a = await serve(stage, A), b = await serve(stage, B, 3);
  const samples: PeerSample[] = [];
  const passive = new NTPPassivePeers({
    server: b,
    timers: stage.time,
    onSample: (sample) => samples.push(sample),
  });
  passive.start();
  const active = await peerOf(stage, a, B, { key: KEY });
  await stage.time.run(20 * 16_500);
  assert(active.samples.length >= 18 && samples.length >= 18);
  for (const { offset } of active.samples) assertAlmostEquals(offset, 3, 1e-5);
  for (const { offset } of samples) assertAlmostEquals(offset, -3, 1e-5);
  const [{ hostname, reach } = { hostname: "", reach: 0 }] = passive.statistics();
  assertEquals([hostname, reach | 1], [A, 0o377]);
  assertEquals([active.samples[0]!.packet.mode, samples[0]!.packet.mode], [2, 1]);
});

test("a server with several sockets answers its peers from the address that they ask", async () => {
  const OTHER_A = "192.0.2.7";
  for (const isPassive of [true, false]) {
    const stage = new Stage();
    const a = await serve(stage, A), b = await serve(stage, B, 3);
    await a.listen({ hostname: OTHER_A });
    if (isPassive) {
      new NTPPassivePeers({ server: a, minPoll: 4, timers: stage.time, random: () => {} }).start();
    } else await peerOf(stage, a, B, { key: KEY });
    const { samples } = await peerOf(stage, b, OTHER_A, { key: KEY });
    await stage.time.run(20 * 16_500);
    assert(samples.length >= 17, `${samples.length} samples, passive: ${isPassive}`);
    for (const { hostname } of samples) assertEquals(hostname, OTHER_A);
  }
});

test("polls fall between the peer's: none of many goes without an answer", async () => {
  for (const startMs of [0, 5, 20, 4000, 8000, 15_990]) {
    const stage = new Stage();
    const a = await serve(stage, A), b = await serve(stage, B, 3);
    // Each with a randomness of its own: as on two machines.
    const random = (seed: number) => (into: Uint8Array) =>
      void into.forEach((_, i) => into[i] = seed = (seed * 75 + 74) % 65537);
    const one = await peerOf(stage, a, B, { random: random(1), maxPoll: 4 });
    await stage.time.run(startMs);
    const two = await peerOf(stage, b, A, { random: random(99), maxPoll: 4 });
    await stage.time.run(20 * 16_000);
    for (let i = 0; i < 200; i++) {
      await stage.time.run(16_000);
      for (const { peer } of [one, two]) assertEquals(peer.statistics()!.reach | 1, 0o377);
    }
    const sent = one.peer.statistics()!.sent;
    assert(sent > 200 && sent < 224, `${sent} polls in 220 intervals`);
  }
});

test("a passive association ends when its peer is silent", async () => {
  const stage = new Stage();
  const a = await serve(stage, A), b = await serve(stage, B);
  const passive = new NTPPassivePeers({ server: b, timers: stage.time });
  passive.start();
  const { peer } = await peerOf(stage, a, B, { key: KEY });
  await stage.time.run(100_000);
  assertEquals(passive.statistics().length, 1);
  peer.close();
  await stage.time.run(3_600_000);
  assertEquals(passive.statistics().length, 0);
  assertEquals(b.statistics().dropped.mode, 0);
});

test("strangers become no peers: without a key, with a wrong one, one too many (CVE-2016-1549)", async () => {
  const stage = new Stage();
  const b = await serve(stage, B);
  const passive = new NTPPassivePeers({ server: b, timers: stage.time, maxPeers: 2 });
  passive.start();
  const accepted: number[] = [];
  for (const [i, key] of [undefined, OTHER, KEY, KEY, KEY].entries()) {
    const server = await serve(stage, `198.51.100.${i + 1}`);
    await peerOf(stage, server, B, key === undefined ? {} : { key });
    await stage.time.run(1000);
    accepted.push(passive.statistics().length);
  }
  assertEquals(accepted, [0, 0, 1, 2, 2]);
  assert(passive.refused >= 3);
});

test("unauthenticated peers are taken where the user says so", async () => {
  const stage = new Stage();
  const a = await serve(stage, A), b = await serve(stage, B);
  new NTPPassivePeers({ server: b, timers: stage.time, allowUnauthenticated: true }).start();
  const { samples } = await peerOf(stage, a, B);
  await stage.time.run(60_000);
  assert(samples.length >= 3);
});

test("either side may start anew: two polls later both measure again", async () => {
  const stage = new Stage();
  const a = await serve(stage, A), b = await serve(stage, B, 3);
  const one = await peerOf(stage, a, B, { key: KEY });
  let two = await peerOf(stage, b, A, { key: KEY });
  await stage.time.run(200_000);
  two.peer.close();
  await stage.time.run(40_000);
  const before = one.samples.length;
  two = await peerOf(stage, b, A, { key: KEY });
  await stage.time.run(2 * 16_400);
  assert(one.samples.length > before, "the one that went on");
  assert(two.samples.length > 0, "the one that started anew");
});

test("forged packets stop neither side, with a key or without", async () => {
  for (const key of [undefined, KEY]) {
    const stage = new Stage();
    const a = await serve(stage, A), b = await serve(stage, B, 3);
    const options = key === undefined ? {} : { key };
    const one = await peerOf(stage, a, B, options), two = await peerOf(stage, b, A, options);
    await stage.time.run(100_000);
    const before = [one.samples.length, two.samples.length] as const;
    // A socket that sends from the peer's address and port is what a forger amounts to.
    const forge = (fields: object) => {
      const bytes = new NTPPacket({ mode: 1, stratum: 1, ...fields }).encode();
      for (const [from, to] of [[A, B], [B, A]] as const) {
        (from === A ? a : b).send(bytes, new Endpoint(to, 123));
      }
    };
    for (let i = 0; i < 200; i++) {
      forge({ transmitTimestamp: BigInt(i + 1) });
      forge({ transmitTimestamp: 5n, originTimestamp: BigInt(i), receiveTimestamp: 9n });
      forge({ mode: 2, transmitTimestamp: 2n ** 64n - 1n, originTimestamp: 1n });
      await stage.time.run(1650);
    }
    for (const [{ samples, peer }, count] of [[one, before[0]], [two, before[1]]] as const) {
      assert(samples.length - count >= 15, `${samples.length - count} samples in 20 polls`);
      for (const { offset } of samples) assert(Math.abs(Math.abs(offset) - 3) < 1e-4);
      assert((peer.statistics()?.reach ?? 0) !== 0);
    }
  }
});

test("loss, duplication and reordering", async () => {
  let count = 0;
  const stage = new Stage(() => {
    count++;
    return count % 7 === 0 ? [] : count % 5 === 0 ? [0.01, 0.01, 3] : [0.01];
  });
  const a = await serve(stage, A), b = await serve(stage, B, 3);
  const one = await peerOf(stage, a, B), two = await peerOf(stage, b, A);
  await stage.time.run(3_600_000);
  for (const [{ samples, peer }, offset] of [[one, 3], [two, -3]] as const) {
    assert(samples.length > 100, `${samples.length} samples of about 220`);
    for (const sample of samples) assertAlmostEquals(sample.offset, offset, 1e-4);
    assert((peer.statistics()?.ignored.duplicate ?? 0) > 0);
  }
});

test("a kiss-o'-death DENY stops the association for good", async () => {
  const stage = new Stage();
  const a = await serve(stage, A);
  const asked = await stage.script(B, (request, reply) => {
    const { transmitTimestamp } = NTPPacket.decode(request);
    const kiss = { stratum: 0, leapIndicator: 3, referenceId: 0x44454e59 } as const;
    reply(
      new NTPPacket({
        mode: 2,
        ...kiss,
        originTimestamp: transmitTimestamp,
        receiveTimestamp: 1n,
        transmitTimestamp: 2n,
      }).encode(),
    );
  });
  const { states, peer } = await peerOf(stage, a, B);
  await stage.time.run(3_600_000);
  assertEquals([states, peer.state, asked.count], [["stopped"], "stopped", 1]);
});

test("a server that is not synchronised says so to its peer, who does not count it as reached", async () => {
  const stage = new Stage();
  const a = await serve(stage, A), b = await serve(stage, B);
  b.stratum = 16;
  const errors: Error[] = [];
  const one = await peerOf(stage, a, B, { onError: (error) => errors.push(error) });
  await peerOf(stage, b, A);
  await stage.time.run(100_000);
  assertEquals([one.samples.length, one.peer.statistics()?.reach], [0, 0]);
  assert(errors[0] instanceof NTPError && errors[0].code === "unsynchronized");
});

test("peers that follow each other are no sources of time for each other (no loop)", async () => {
  const stage = new Stage();
  const a = await serve(stage, A), b = await serve(stage, B, 3);
  a.refid = B;
  b.refid = A;
  const errors: Error[] = [];
  const onError = (error: Error) => void errors.push(error);
  const one = await peerOf(stage, a, B, { onError }), two = await peerOf(stage, b, A, { onError });
  await stage.time.run(200_000);
  assertEquals([one.samples.length, two.samples.length], [0, 0]);
  assert(errors.length > 10 && errors.every(({ message }) => message.includes("loop")));
  b.refid = "203.0.113.9"; // b has found another source
  await stage.time.run(100_000);
  assert(one.samples.length > 3);
  assertEquals(two.samples.length, 0);
});

test("a thousand days of polls keep memory and timers flat", async () => {
  const stage = new Stage();
  const a = await serve(stage, A), b = await serve(stage, B, 3);
  let samples = 0;
  const options = { minPoll: 10, maxPoll: 10, onSample: () => void samples++ };
  const one = await peerOf(stage, a, B, options), two = await peerOf(stage, b, A, options);
  await stage.time.run(100_000);
  const { pending } = stage.time;
  await stage.time.run(1000 * 86_400_000);
  assert(samples > 150_000, `${samples} samples`);
  assert(stage.time.pending <= pending + 4);
  one.peer.close();
  two.peer.close();
  await stage.time.run(10_000);
  assertEquals(stage.time.pending, 0);
});

test("a server without associations drops the modes of associations", async () => {
  const stage = new Stage();
  const a = await serve(stage, A), b = await serve(stage, B);
  const { peer } = await peerOf(stage, a, B);
  await stage.time.run(10_000);
  assert(b.statistics().dropped.mode >= 1);
  peer.close();
  const routed = a.statistics().routed;
  b.send(new NTPPacket({ mode: 1 }).encode(), new Endpoint(A, 123));
  await stage.time.run(100);
  assertEquals([a.statistics().routed, a.statistics().dropped.mode], [routed, 1]);
});

test("wrong options are refused", async () => {
  const stage = new Stage();
  const server = new NTPServer({ bind: stage.network.bind });
  assertThrows(() => new NTPPeer({ server: {} as NTPServer, endpoint: B }), TypeError, "server");
  assertThrows(() => new NTPPeer({ server, endpoint: "" }), TypeError, "endpoint");
  assertThrows(() => new NTPPeer({ server, endpoint: B, port: 0 }), RangeError, "port");
  assertThrows(() => new NTPPeer({ server, endpoint: B, minPoll: 99 }), RangeError, "minPoll");
  assertThrows(() => new NTPPassivePeers({ server, maxPeers: 0 }), RangeError, "maxPeers");
  const peer = new NTPPeer({ server, endpoint: B, resolve: () => Promise.resolve([B]) });
  assertEquals((await assertRejects(() => peer.start(), NTPError)).code, "closed");
});
