import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { query } from "../../src/client/query.ts";
import { NTPServer } from "../../src/server/ntp_server.ts";
import type { LinkPair } from "../../src/testing/link.ts";
import { Relay, type RelayOptions } from "../../src/testing/relay.ts";
import { bindUdp } from "../../src/transport/bind_udp.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";

/** A server and a relay to it, while `use` runs. */
async function behindRelay(
  options: Omit<RelayOptions, "target">,
  use: (relay: Relay, server: NTPServer) => Promise<void>,
): Promise<void> {
  const server = new NTPServer();
  const target = await server.listen({ hostname: "127.0.0.1", port: 0 });
  const relay = await Relay.start({ target, ...options });
  try {
    await use(relay, server);
  } finally {
    await relay.close();
    await relay.close(); // harmless
    await server.close();
  }
}

/** Sends numbered requests one after the other, and waits until nothing more is to come. */
async function volley(relay: Relay, count: number): Promise<number[]> {
  const order: number[] = [];
  const socket = await bindUdp({
    hostname: "127.0.0.1",
    clock: { read() {} },
    onDatagram: (data) => void order.push(data[31]!),
  });
  for (let i = 0; i < count; i++) {
    const request = new Uint8Array(48);
    request[0] = 0x23;
    request[47] = i; // comes back as origin timestamp
    socket.send(request, new Endpoint(relay.hostname, relay.port));
    await new Promise((resolve) => setTimeout(resolve)); // Deno sends those of one turn in reverse
  }
  const settled = () => {
    const { toward, away } = relay.statistics();
    const arrived = toward.received === count &&
      away.received === toward.sent && toward.sent >= count - toward.lost;
    return arrived && order.length === away.sent && away.sent >= away.received - away.lost;
  };
  for (let i = 0; i < 500 && !settled(); i++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await socket.close();
  return order;
}

test("relay: a server behind it answers, later by the delays", async () => {
  await behindRelay({ link: { toward: { base: 0.03 }, away: { base: 0.01 } } }, async (relay) => {
    const { delay, offset, hostname } = await query(relay.hostname, { port: relay.port });
    assert(delay >= 0.04, `${delay}`);
    // The way there takes 20 ms longer; how much more it took is in the delay.
    assert(Math.abs(offset - 0.01) <= (delay - 0.04) / 2 + 0.001, `${offset}`);
    assertEquals(hostname, "127.0.0.1");
    const { toward, away, lateness } = relay.statistics();
    assertEquals([toward, away], [
      { received: 1, sent: 1, lost: 0 },
      { received: 1, sent: 1, lost: 0 },
    ]);
    assertEquals(lateness.count, 2);
    assert(lateness.max >= lateness.median && lateness.median >= 0);
  });
});

test("relay: what is lost and what comes twice follows from the seed", async () => {
  const link: LinkPair = { toward: { loss: 0.3, base: 0.001 }, away: { duplication: 0.5 } };
  const runs: number[][] = [];
  for (const seed of [1, 1, 2]) {
    await behindRelay({ link, seed }, async (relay, server) => {
      const order = await volley(relay, 40);
      const { toward } = relay.statistics();
      assertEquals(toward.received, 40);
      assertEquals(server.statistics().answered, toward.sent);
      assert(toward.lost > 3 && toward.lost < 22, `${toward.lost}`);
      assert(order.length > toward.sent);
      runs.push([...new Set(order)].sort((a, b) => a - b));
    });
  }
  assertEquals(runs[0], runs[1]);
  assert(runs[0]!.join() !== runs[2]!.join());
});

test("relay: jitter reorders, unless nothing may overtake", async () => {
  const overtaken = (order: number[]) => order.filter((n, i) => n < order[i - 1]!).length;
  await behindRelay({ link: { toward: { exponential: 0.02 }, away: {} } }, async (relay) => {
    const order = await volley(relay, 40);
    assertEquals([...order].sort((a, b) => a - b), Array.from({ length: 40 }, (_, i) => i));
    assert(overtaken(order) > 3);
  });
  const link = { toward: { exponential: 0.02, inOrder: true }, away: {} };
  await behindRelay({ link }, async (relay) => {
    assertEquals(overtaken(await volley(relay, 40)), 0);
  });
});

test("relay: each client has its own way back, and there are only so many", async () => {
  await behindRelay({ maxClients: 2 }, async (relay) => {
    const ask = () => query(relay.hostname, { port: relay.port, timeoutMs: 500 });
    const results = await Promise.all([ask(), ask()]);
    assertEquals(results.length, 2);
    await assertRejects(ask);
    assertEquals(relay.statistics().toward, { received: 3, sent: 2, lost: 1 });
  });
});

test("relay: wrong options are refused", async () => {
  const target = { hostname: "127.0.0.1", port: 123 };
  await assertRejects(() => Relay.start({ target, spinMs: -1 }), RangeError, "spinMs");
  await assertRejects(() => Relay.start({ target, link: { loss: 3 } }), RangeError, "loss");
  const name = { hostname: "localhost", port: 123 };
  await assertRejects(() => Relay.start({ target: name }), RangeError, "localhost");
});
