import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { SymmetricKey } from "../../src/auth/symmetric_key.ts";
import { givesBack } from "../../src/packet/gives_back.ts";
import { NTPPacket } from "../../src/packet/packet.ts";
import { NTPSync } from "../../src/sync/ntp_sync.ts";
import { Simulation } from "../../src/testing/simulation.ts";
import type { BindUdp } from "../../src/transport/udp_transport.ts";
import { NtsScene, SERVER } from "../nts/scene.ts";

const LINK = { base: 0.001, exponential: 0.0001 };

/** A socket whose replies are looked at: of each, whether it was in interleaved mode. */
function watched(bind: BindUdp, seen: boolean[]): BindUdp {
  return (options) =>
    bind({
      ...options,
      onDatagram: (data, source, arrival) => {
        const { originTimestamp } = NTPPacket.decode(data.slice(0, 48));
        seen.push(originTimestamp === lastReceive);
        options.onDatagram(data, source, arrival);
      },
    }).then((transport) => {
      const send = transport.send.bind(transport);
      return Object.assign(transport, {
        send(data: Uint8Array, to: Parameters<typeof send>[1]) {
          const { receiveTimestamp } = NTPPacket.decode(data.slice(0, 48));
          lastReceive = receiveTimestamp === 0n ? undefined : receiveTimestamp;
          return send(data, to);
        },
      });
    });
}
let lastReceive: bigint | undefined;

/** The share of replies in interleaved mode, when a server is followed for half an hour. */
async function share(
  server: { interleaved: boolean; keys?: readonly SymmetricKey[] },
  options: { interleaved?: boolean; key?: SymmetricKey },
  link: object = LINK,
): Promise<number> {
  const seen: boolean[] = [];
  const simulation = new Simulation({ seed: 1, link });
  await simulation.addServer({ name: "a", stratum: 1, refid: "GPS", ...server });
  const { world } = simulation.addNode({ name: "client", clock: { offset: 0.1, frequency: 2e-5 } });
  const sync = await simulation.runUntil(NTPSync.start({
    ...{ ...world, bind: watched(world.bind, seen) },
    servers: [{ hostname: "a", minPoll: 4, maxPoll: 4, ...options }],
  }));
  await simulation.run(1800);
  const [source] = sync.sources();
  assertEquals(source!.state, "selected");
  assert(Math.abs(simulation.errorOf(sync.clock)) < 0.0005, `${simulation.errorOf(sync.clock)}`);
  await sync.close();
  return seen.filter((one) => one).length / seen.length;
}

test("NTPSync: a server is followed in interleaved mode", async () => {
  assert(await share({ interleaved: true }, { interleaved: true }) > 0.95);
});

test("NTPSync: basic mode is the default, and what other servers are followed in", async () => {
  assertEquals(await share({ interleaved: true }, {}), 0);
  assertEquals(await share({ interleaved: false }, { interleaved: true }), 0);
});

test("NTPSync: interleaved mode with keys, and through loss and duplicates", async () => {
  const key = new SymmetricKey({ id: 1, type: "AES128", secret: new Uint8Array(16) });
  assert(await share({ interleaved: true, keys: [key] }, { interleaved: true, key }) > 0.95);
  const bad = { ...LINK, loss: 0.2, duplication: 0.1 };
  const some = await share({ interleaved: true }, { interleaved: true }, bad);
  assert(some > 0.3 && some < 0.95, `${some}`);
});

test("NTPSync: interleaved mode with NTS", async () => {
  const { stage, server, session } = new NtsScene(15, { interleaved: true });
  await server.listen({ hostname: SERVER });
  const seen: boolean[] = [];
  const sync = await stage.time.runUntil(NTPSync.start({
    ...{ ...stage.world, bind: watched(stage.world.bind!, seen) },
    servers: [{ hostname: "ke.example", nts: session, interleaved: true, minPoll: 4, maxPoll: 4 }],
  }));
  await stage.time.run(300_000);
  const [source] = sync.sources();
  assertEquals([source!.authentication, source!.state], ["nts", "selected"]);
  assert(seen.filter((one) => one).length >= 8, `${seen}`);
  assert(Math.abs(source!.offset) < 1e-5);
  await sync.close();
  await server.close();
});

test("NTPSync: the clock of a server in interleaved mode is set: no old time is believed", async () => {
  const simulation = new Simulation({ seed: 3, link: LINK });
  await simulation.addServer({
    ...{ name: "a", stratum: 1, refid: "GPS", interleaved: true },
    clock: { steps: [{ at: 1000, seconds: 3 }] },
  });
  const { world } = simulation.addNode({ name: "client" });
  const offsets: number[] = [];
  const sync = await simulation.runUntil(NTPSync.start({
    ...world,
    servers: [{ hostname: "a", minPoll: 4, maxPoll: 4, interleaved: true }],
  }));
  for (let i = 0; i < 100; i++) {
    await simulation.run(16);
    offsets.push(sync.sources()[0]!.last!.offset);
  }
  assertEquals(sync.sources()[0]!.state, "selected");
  // What is told of the time before is not believed, nor mixed with what is told of the time after.
  const first = offsets.find((one) => Math.abs(one) > 0.01)!;
  assert(Math.abs(first - 3) < 0.001 && Math.abs(offsets.at(-1)!) < 0.001, `${offsets}`);
  await sync.close();
});

test("NTPSync: interleaved is true or false", async () => {
  const { world } = new Simulation({ link: LINK }).addNode({ name: "client" });
  const servers = [{ hostname: "a", interleaved: "auto" as never }];
  await assertRejects(() => NTPSync.start({ ...world, servers }), TypeError, "interleaved");
});

test("a reply gives back the transmit timestamp, or the receive timestamp if there is one", () => {
  const request = new NTPPacket({ transmitTimestamp: 7n }).encode();
  const answer = (originTimestamp: bigint) => new NTPPacket({ originTimestamp }).encode();
  assertEquals([7n, 0n, 8n].map((origin) => givesBack(request, answer(origin))), [
    true,
    false,
    false,
  ]);
  const other = new NTPPacket({ transmitTimestamp: 7n, receiveTimestamp: 8n }).encode();
  assertEquals([7n, 0n, 8n].map((origin) => givesBack(other, answer(origin))), [true, false, true]);
});
