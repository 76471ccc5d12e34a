import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { KissOfDeathError } from "../../src/client/kiss_of_death_error.ts";
import { query } from "../../src/client/query.ts";
import { KeyStore } from "../../src/auth/key_store.ts";
import { SymmetricKey } from "../../src/auth/symmetric_key.ts";
import type { DecisionHook } from "../../src/server/decision.ts";
import { NTPServer } from "../../src/server/ntp_server.ts";
import { NTPPacket } from "../../src/packet/mod.ts";
import { Stage } from "../client/stage.ts";

const SERVER = "192.0.2.1";

async function serve(stage: Stage, decide: DecisionHook, errors: Error[] = []): Promise<NTPServer> {
  const key = new SymmetricKey({ id: 3, type: "AES128", secret: new Uint8Array(16) });
  const server = new NTPServer({
    clock: stage.clock(),
    bind: stage.network.bind,
    keys: new KeyStore([key]),
    decide,
    onError: (error) => errors.push(error),
  });
  await server.listen({ hostname: SERVER });
  return server;
}

test("the hook sees the request and its word is counted", async () => {
  const stage = new Stage();
  const seen: unknown[] = [];
  const server = await serve(stage, ({ source, version, keyId, bytes }) => {
    seen.push([source.hostname, version, keyId, NTPPacket.decode(bytes).mode]);
    return seen.length === 1 ? undefined : { action: "serve", reason: "why not" };
  });
  const key = new SymmetricKey({ id: 3, type: "AES128", secret: new Uint8Array(16) });
  await stage.play(query(SERVER, stage.world));
  await stage.play(query(SERVER, { ...stage.world, key, version: 3 }));
  assertEquals(seen, [["127.0.0.1", 4, 0, 3], ["127.0.0.1", 3, 3, 3]]);
  assertEquals(server.statistics().decisions, { "serve: why not": 1 });
});

test("the hook drops", async () => {
  const stage = new Stage();
  const server = await serve(stage, () => ({ action: "drop", reason: "holiday" }));
  await assertRejects(() => stage.play(query(SERVER, stage.world)));
  const { dropped, decisions } = server.statistics();
  assertEquals([dropped.hook, decisions], [1, { "drop: holiday": 1 }]);
});

test("the hook kisses, as often as it likes, and authenticated where the request is", async () => {
  const stage = new Stage();
  const server = await serve(stage, () => ({ action: "kiss", kissCode: "RSTR", reason: "test" }));
  const key = new SymmetricKey({ id: 3, type: "AES128", secret: new Uint8Array(16) });
  for (const options of [stage.world, stage.world, { ...stage.world, key }]) {
    const error = await assertRejects(() => stage.play(query(SERVER, options)), KissOfDeathError);
    assertEquals(error.kissCode, "RSTR");
  }
  assertEquals(server.statistics().kissed, 3);
});

test("the hook adjusts the reply, whose MAC is right all the same", async () => {
  const stage = new Stage();
  await serve(stage, () => ({
    action: "adjust",
    reason: "falseticker",
    adjust: (reply) => reply[1] = 9,
  }));
  const key = new SymmetricKey({ id: 3, type: "AES128", secret: new Uint8Array(16) });
  const { packet } = await stage.play(query(SERVER, { ...stage.world, key }));
  assertEquals(packet.stratum, 9);
});

test("a hook that throws, or decides nonsense, costs the answer and is reported once a second", async () => {
  const errors: Error[] = [];
  const hooks: DecisionHook[] = [
    () => {
      throw new Error("hook");
    },
    () => ({ action: "kiss", kissCode: "TOO LONG", reason: "hook" }),
    () => ({ action: "adjust", reason: "hook", adjust: () => JSON.parse("{") }),
    () => ({ action: "adjust", reason: "hook" }) as never,
    // None of these may pass for "serve".
    () => ({ action: "deny", reason: "hook" }) as never,
    () => ({ action: "drop" }) as never,
    () => Promise.resolve({ action: "drop", reason: "hook" }) as never,
    () => Promise.reject(new Error("hook")) as never,
    () => null as never,
    () => false as never,
  ];
  for (const hook of hooks) {
    const stage = new Stage();
    const server = await serve(stage, hook, errors);
    const asked = () => stage.play(query(SERVER, { ...stage.world, timeoutMs: 100 }));
    await assertRejects(asked);
    await assertRejects(asked);
    assertEquals(server.statistics().dropped.hook, 2);
    assertEquals(server.statistics().errors, errors.length);
    assert(errors.length === 1 || errors[1]?.message !== errors[0]?.message);
    errors.length = 0;
  }
});

test("reasons without end cost no memory without end", async () => {
  const stage = new Stage();
  let count = 0;
  const server = await serve(stage, () => ({ action: "serve", reason: `${count++}` }));
  await stage.play(query(SERVER, { ...stage.world, samples: 150, intervalMs: 0 }));
  const { decisions } = server.statistics();
  assertEquals(Object.keys(decisions).length, 101);
  assertEquals(decisions["other"], 50);
});
