import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { NTPServer } from "../../src/server/ntp_server.ts";
import { NTPPacket } from "../../src/packet/packet.ts";
import { timestampDifference, timestampFromWords } from "../../src/packet/timestamp.ts";
import { VirtualTime } from "../../src/testing/virtual_time.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";
import { MemoryNetwork } from "../../src/transport/memory.ts";
import type { BindUdp, TransmitStamps } from "../../src/transport/udp_transport.ts";

interface World {
  ask: (fields: { originTimestamp?: bigint; receiveTimestamp?: bigint }) => Promise<NTPPacket>;
  time: VirtualTime;
}

/** A server, and a client that asks it; each reply takes a while from the clock's reading to the wire. */
async function serve(
  options: { interleaved?: boolean | "auto" },
  wrap: (bind: BindUdp) => BindUdp = (bind) => bind,
): Promise<World> {
  const time = new VirtualTime(), network = new MemoryNetwork();
  const server = new NTPServer({ ...options, clock: time, bind: wrap(network.bind) });
  const { port } = await server.listen({ hostname: "192.0.2.1", port: 123 });
  let answer = (_: NTPPacket): void => {};
  const client = await network.bind({
    hostname: "192.0.2.2",
    clock: time,
    onDatagram: (data) => answer(NTPPacket.decode(data.slice())),
  });
  let transmitTimestamp = 1000n;
  return {
    time,
    ask: async (fields) => {
      let packet: NTPPacket | undefined;
      answer = (reply) => packet = reply;
      const request = new NTPPacket({ transmitTimestamp: transmitTimestamp++, ...fields });
      client.send(request.encode(), new Endpoint("192.0.2.1", port));
      await time.run(1000);
      return packet!;
    },
  };
}

/** A transport whose replies leave 250 ms after they were handed over, and that says so. */
function stamping(time: () => VirtualTime): (bind: BindUdp) => BindUdp {
  return (bind) => async (options) => {
    const transport = await bind(options);
    let next = 0;
    const stamps: TransmitStamps = {
      onStamp: undefined,
      request() {
        const id = next++;
        time().after(250, () => {
          const words = new Uint32Array(2);
          time().read(words);
          stamps.onStamp?.(id, words);
        });
        return id;
      },
    };
    return Object.assign(transport, { stamps });
  };
}

test("interleaved mode: the second reply tells when the first left, as the kernel saw it", async () => {
  const world: World = await serve({}, stamping(() => world.time));
  const first = await world.ask({ originTimestamp: 7n });
  assertEquals(first.originTimestamp, 1000n); // basic
  const second = await world.ask({
    originTimestamp: first.receiveTimestamp,
    receiveTimestamp: 77n,
  });
  assertEquals(second.originTimestamp, 77n); // interleaved
  assert(
    Math.abs(timestampDifference(second.transmitTimestamp, first.transmitTimestamp) - 0.25) < 1e-6,
  );
  const third = await world.ask({
    originTimestamp: second.receiveTimestamp,
    receiveTimestamp: 88n,
  });
  assertEquals(third.originTimestamp, 88n);
  assert(
    Math.abs(timestampDifference(third.transmitTimestamp, second.receiveTimestamp) - 0.25) < 1e-6,
  );
});

test("interleaved mode: a client that does not ask for it is answered in basic mode", async () => {
  const world: World = await serve({}, stamping(() => world.time));
  await world.ask({ originTimestamp: 7n });
  assertEquals((await world.ask({})).originTimestamp, 1001n);
  assertEquals(
    (await world.ask({ originTimestamp: 5n, receiveTimestamp: 6n })).originTimestamp,
    1002n,
  );
});

test("interleaved mode: without stamps of the kernel only if it is wanted", async () => {
  for (const interleaved of ["auto", false, true] as const) {
    const world = await serve({ interleaved });
    const first = await world.ask({ originTimestamp: 7n });
    const second = await world.ask({
      originTimestamp: first.receiveTimestamp,
      receiveTimestamp: 77n,
    });
    assertEquals(second.originTimestamp, interleaved === true ? 77n : 1001n, `${interleaved}`);
  }
});

test("interleaved mode: a forgotten client falls back, and comes in again", async () => {
  const world = await serve({ interleaved: true });
  const unknown = timestampFromWords(1, 2);
  const basic = await world.ask({ originTimestamp: unknown, receiveTimestamp: 3n });
  assertEquals(basic.originTimestamp, 1000n);
  const next = await world.ask({ originTimestamp: basic.receiveTimestamp, receiveTimestamp: 4n });
  assertEquals(next.originTimestamp, 4n);
});

test("interleaved mode: a bad option is an error", () => {
  assertThrows(() => new NTPServer({ interleaved: "yes" as never }), TypeError, "yes");
});
