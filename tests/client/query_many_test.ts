import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { SymmetricKey } from "../../src/auth/symmetric_key.ts";
import {
  type ManyHost,
  type ManyOutcome,
  queryMany,
  type QueryManyOptions,
} from "../../src/client/query_many.ts";
import type { QueryOptions } from "../../src/client/options.ts";
import { NTPError } from "../../src/packet/mod.ts";
import { NTPServer } from "../../src/server/ntp_server.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";
import type { UdpTransport } from "../../src/transport/udp_transport.ts";
import { kiss, replyTo, Stage } from "./stage.ts";

/** A stage on which random numbers do not come again soon, and which counts its sockets. */
class ManyStage extends Stage {
  bound: UdpTransport[] = [];
  #draw = 0;

  override get world(): QueryOptions {
    return {
      ...super.world,
      random: (into) => {
        new DataView(into.buffer, into.byteOffset).setUint32(4, ++this.#draw);
      },
      bind: async (options) => {
        const transport = await this.network.bind(options);
        this.bound.push(transport);
        return transport;
      },
    };
  }

  async serve(hostname: string, aheadSeconds = 0, keys: SymmetricKey[] = []): Promise<void> {
    const clock = this.clock(aheadSeconds);
    const server = new NTPServer({ clock, refid: "GPS", keys, bind: this.network.bind });
    await server.listen({ hostname });
  }
}

/** All outcomes; `seen` is called for each as it comes. */
async function collect(
  hosts: Iterable<string | ManyHost> | AsyncIterable<string | ManyHost>,
  options: QueryManyOptions,
  seen?: (outcome: ManyOutcome) => void,
): Promise<ManyOutcome[]> {
  const outcomes: ManyOutcome[] = [];
  for await (const outcome of queryMany(hosts, options)) {
    seen?.(outcome);
    outcomes.push(outcome);
  }
  return outcomes;
}

test("each server's own offset, over one socket for each family", async () => {
  const stage = new ManyStage();
  const hosts = ["192.0.2.1", "192.0.2.2", "2001:db8::1"];
  for (const [i, host] of hosts.entries()) await stage.serve(host, i);
  const outcomes = await stage.play(collect(hosts, stage.world));
  outcomes.sort((a, b) => a.index - b.index);
  assertEquals(outcomes.map(({ host }) => host), hosts);
  for (const { index, result } of outcomes) {
    assertAlmostEquals(result!.offset, index, 1e-6);
    assertAlmostEquals(result!.delay, 0.02, 1e-6);
  }
  assertEquals(stage.bound.map(({ hostname }) => hostname), ["0.0.0.0", "::"]);
});

test("outcomes come when they are there; one server's error is no other's", async () => {
  const stage = new ManyStage(({ destination }) =>
    destination.hostname === "192.0.2.9" ? [] : [0.01]
  );
  await stage.serve("192.0.2.2");
  await stage.script("192.0.2.3", (request, reply) => reply(replyTo(stage, request, kiss("DENY"))));
  await stage.script("192.0.2.4", (request, reply) => {
    reply(replyTo(stage, request, { stratum: 16 }));
  });
  const hosts = ["192.0.2.9", "192.0.2.2", "192.0.2.3", "192.0.2.4"];
  const order: string[] = [];
  await stage.play(collect(hosts, { ...stage.world, timeoutMs: 500 }, (outcome) => {
    order.push(`${outcome.host} ${outcome.error?.code ?? "ok"} ${stage.time.elapsedMs}`);
  }));
  assertEquals(order, [
    "192.0.2.2 ok 20",
    "192.0.2.3 kiss-of-death 20",
    "192.0.2.4 unsynchronized 20",
    "192.0.2.9 timeout 500",
  ]);
});

test("a reply from another server, or to another request, is nobody's", async () => {
  const stage = new ManyStage();
  let request: Uint8Array | undefined;
  // One server answers in the other's name: it has its number, but not its address.
  await stage.script("192.0.2.1", (data) => request = data);
  await stage.script("192.0.2.2", (_, reply) => {
    reply(replyTo(stage, request!, { referenceId: 1 }));
    reply(replyTo(stage, new Uint8Array(48).fill(0x23)));
  });
  const hosts = ["192.0.2.1", "192.0.2.2"];
  const outcomes = await stage.play(collect(hosts, { ...stage.world, timeoutMs: 300 }));
  assertEquals(outcomes.map(({ error }) => error?.code), ["timeout", "timeout"]);
});

test("10,000 servers: no more under way than told, two sockets, no timer left", async () => {
  const stage = new ManyStage();
  const concurrency = 100;
  let underWay = 0, most = 0;
  const hosts = function* (): Generator<string> {
    for (let i = 0; i < 10_000; i++) {
      underWay++;
      yield i % 2 ? `2001:db8::${i.toString(16)}` : `10.0.${i >> 8}.${i & 255}`;
    }
  };
  for (let i = 0; i < 10_000; i++) {
    const hostname = i % 2 ? `2001:db8::${i.toString(16)}` : `10.0.${i >> 8}.${i & 255}`;
    // Every tenth is silent.
    await stage.script(hostname, (request, reply) => {
      if (i % 10 !== 0) reply(replyTo(stage, request));
    });
  }
  let failed = 0;
  const run = (async () => {
    let count = 0;
    for await (
      const { error } of queryMany(hosts(), { ...stage.world, concurrency, timeoutMs: 100 })
    ) {
      most = Math.max(most, underWay);
      underWay--;
      count++;
      failed += error ? 1 : 0;
    }
    return count;
  })();
  assertEquals(await stage.play(run), 10_000);
  assertEquals(failed, 1000);
  assert(most <= concurrency + 1, `${most} under way`);
  assertEquals([stage.bound.length, stage.time.pending], [2, 0]);
});

test("nothing is taken while nobody takes results", async () => {
  const stage = new ManyStage();
  await stage.serve("192.0.2.1");
  let taken = 0;
  const hosts = function* (): Generator<string> {
    for (;; taken++) yield "192.0.2.1";
  };
  const outcomes = queryMany(hosts(), { ...stage.world, concurrency: 5 });
  const first = await stage.time.runUntil(outcomes.next());
  assertEquals(first.value?.index, 0);
  await stage.time.run(10_000);
  assert(taken <= 6, `${taken} taken`);
  await stage.time.runUntil(outcomes.return());
});

test("leaving the loop ends what is under way, closes sockets and the list", async () => {
  const stage = new ManyStage(({ destination }) =>
    destination.hostname === "192.0.2.9" ? [] : [0.01]
  );
  await stage.serve("192.0.2.1");
  let isListClosed = false;
  const hosts = function* (): Generator<string> {
    try {
      yield "192.0.2.1";
      for (;;) yield "192.0.2.9";
    } finally {
      isListClosed = true;
    }
  };
  const run = (async () => {
    for await (const { result } of queryMany(hosts(), stage.world)) {
      assert(result);
      break;
    }
  })();
  await stage.play(run);
  assertEquals([isListClosed, stage.time.pending], [true, 0]);
  assertEquals(stage.bound[0]!.send(new Uint8Array(1), new Endpoint("192.0.2.1", 123)), "closed");
});

test("an abort ends the iteration", async () => {
  const stage = new ManyStage(() => []);
  const controller = new AbortController();
  stage.time.after(1000, () => controller.abort("enough"));
  const run = collect(["192.0.2.1", "192.0.2.2"], { ...stage.world, signal: controller.signal });
  const error = await assertRejects(() => stage.play(run), NTPError);
  assertEquals([error.code, error.cause], ["aborted", "enough"]);
  assertEquals(stage.time.pending, 0);

  const aborted = { ...stage.world, signal: AbortSignal.abort() };
  assertEquals(
    (await assertRejects(() => stage.play(collect(["192.0.2.1"], aborted)), NTPError)).code,
    "aborted",
  );
});

test("ports and keys of a server's own", async () => {
  const stage = new ManyStage();
  const key = new SymmetricKey({ id: 7, type: "AES128", secret: new Uint8Array(16).fill(1) });
  const other = new SymmetricKey({ id: 7, type: "AES128", secret: new Uint8Array(16).fill(2) });
  await stage.serve("192.0.2.1", 0, [key]);
  const hosts: ManyHost[] = [
    { hostname: "192.0.2.1", key },
    { hostname: "192.0.2.1" },
    { hostname: "192.0.2.1", key: other },
    { hostname: "192.0.2.1", port: 124 },
  ];
  const outcomes = await stage.play(collect(hosts, { ...stage.world, timeoutMs: 200 }));
  outcomes.sort((a, b) => a.index - b.index);
  assertEquals(
    outcomes.map(({ result, error }) => error?.code ?? result?.authentication),
    ["key", "none", "authentication", "timeout"],
  );
});

test("bursts and retries are each server's", async () => {
  let sent = 0;
  const stage = new ManyStage(() => sent++ === 0 ? [] : [0.01]);
  await stage.serve("192.0.2.1");
  const options = { ...stage.world, retries: 1, samples: 3, intervalMs: 100, timeoutMs: 200 };
  const [outcome] = await stage.play(collect(["192.0.2.1"], options));
  assertEquals(outcome!.result?.samples.length, 3);
  assertEquals(outcome!.result?.attempts.length, 4);
});

test("a full socket is tried again", async () => {
  const stage = new ManyStage();
  await stage.serve("192.0.2.1");
  let refusals = 3;
  const { world } = stage;
  const bind: QueryOptions["bind"] = async (options) => {
    const transport = await world.bind!(options);
    const send = transport.send.bind(transport);
    transport.send = (data, to) => refusals-- > 0 ? "full" : send(data, to);
    return transport;
  };
  const [outcome] = await stage.play(collect(["192.0.2.1"], { ...world, bind }));
  // T1 is when it left.
  assertAlmostEquals(outcome!.result!.delay, 0.02, 1e-6);
  assertEquals(stage.time.elapsedMs >= 26, true);
});

test("a socket that cannot be bound is every server's error", async () => {
  const stage = new ManyStage();
  const bind: QueryOptions["bind"] = () =>
    Promise.reject(new NTPError("address-unavailable", "There is no IPv6 here"));
  const outcomes = await stage.play(
    collect(["2001:db8::1", "2001:db8::2"], { ...stage.world, bind }),
  );
  assertEquals(outcomes.map(({ error }) => error?.code), [
    "address-unavailable",
    "address-unavailable",
  ]);
  assert(outcomes[0]!.error !== outcomes[1]!.error);
});

test("hosts may come slowly: what is there is not kept waiting", async () => {
  const stage = new ManyStage();
  await stage.serve("192.0.2.1");
  const hosts = async function* (): AsyncGenerator<string> {
    yield "192.0.2.1";
    await new Promise<void>((resolve) => stage.time.after(5000, resolve));
    yield "192.0.2.1";
  };
  const times: number[] = [];
  await stage.play(collect(hosts(), stage.world, () => times.push(stage.time.elapsedMs)));
  assertEquals(times, [20, 5020]);
});

test("wrong arguments", async () => {
  const { world } = new ManyStage();
  assertThrows(() => queryMany("192.0.2.1" as never, world), TypeError, "hosts");
  assertThrows(() => queryMany(undefined as never, world), TypeError, "hosts");
  assertThrows(() => queryMany([], { ...world, concurrency: 0 }), RangeError, "concurrency");
  assertThrows(() => queryMany([], { ...world, concurrency: "9" as never }), TypeError, "concurr");
  assertThrows(() => queryMany([], { ...world, timeoutMs: 0 }), RangeError, "timeoutMs");
  const wrong = [
    [7, TypeError],
    [{ hostname: "" }, TypeError],
    [{ hostname: "192.0.2.1", port: 0 }, RangeError],
    [{ hostname: "192.0.2.1", port: "1" }, TypeError],
    [{ hostname: "192.0.2.1", key: 1 }, TypeError],
  ] as const;
  for (const [host, kind] of wrong) {
    await assertRejects(() => collect([host as never], world), kind);
  }
});

test("nothing to ask is nothing to wait for", async () => {
  const stage = new ManyStage();
  assertEquals(await collect([], stage.world), []);
  assertEquals(stage.bound, []);
});
