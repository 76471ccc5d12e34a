import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { NTPPacket } from "../../src/packet/packet.ts";
import { addSeconds } from "../../src/packet/timestamp.ts";
import { NTPSync } from "../../src/sync/ntp_sync.ts";
import { Simulation } from "../../src/testing/simulation.ts";
import type { BindUdp } from "../../src/transport/udp_transport.ts";

/** Who does not see requests, and sends replies in the server's name with every origin there is. */
function attacked(bind: BindUdp, count: { interleaved: number; forged: number }): BindUdp {
  let old: NTPPacket | undefined;
  return async (options) => {
    let request = new NTPPacket();
    const transport = await bind({
      ...options,
      onDatagram(data, source, arrival) {
        const reply = NTPPacket.decode(data.slice());
        const origins = [0n, 1n, old?.originTimestamp ?? 2n, old?.receiveTimestamp ?? 3n];
        for (const originTimestamp of [...origins, old?.transmitTimestamp ?? 4n]) {
          for (const seconds of [-1000, 0, 1000]) {
            count.forged++;
            const forged = new NTPPacket({
              ...{ ...reply, originTimestamp },
              receiveTimestamp: addSeconds(reply.receiveTimestamp, seconds),
              transmitTimestamp: addSeconds(reply.transmitTimestamp, seconds),
            });
            options.onDatagram(forged.encode(), source, arrival);
          }
        }
        if (request.receiveTimestamp !== 0n && reply.originTimestamp === request.receiveTimestamp) {
          count.interleaved++;
        }
        old = reply;
        options.onDatagram(data, source, arrival);
        options.onDatagram(data, source, arrival);
      },
    });
    const send = transport.send.bind(transport);
    return Object.assign(transport, {
      send(data: Uint8Array, to: Parameters<typeof send>[1]) {
        request = NTPPacket.decode(data.slice());
        return send(data, to);
      },
    });
  };
}

test("interleaved pivot or stuck state (CVE-2016-1548, CVE-2018-7184, CVE-2018-7185)", async () => {
  for (const interleaved of [true, false]) {
    const count = { interleaved: 0, forged: 0 };
    const simulation = new Simulation({ seed: 1, link: { base: 0.001 } });
    await simulation.addServer({ name: "a", stratum: 1, refid: "GPS", interleaved: true });
    const { world } = simulation.addNode({ name: "client", clock: { offset: 0.1 } });
    const sync = await simulation.runUntil(NTPSync.start({
      ...{ ...world, bind: attacked(world.bind, count) },
      servers: [{ hostname: "a", minPoll: 4, maxPoll: 4, interleaved }],
    }));
    await simulation.run(1600);
    assert(count.forged > 1000, `${count.forged}`);
    // It neither leaves its mode nor is brought into another one, nor believes anything forged.
    assert(interleaved ? count.interleaved > 95 : count.interleaved === 0, `${count.interleaved}`);
    const [source] = sync.sources();
    assertEquals([source!.state, source!.reach, source!.error], ["selected", 255, undefined]);
    assert(Math.abs(simulation.errorOf(sync.clock)) < 1e-5, `${simulation.errorOf(sync.clock)}`);
    await sync.close();
  }
});
