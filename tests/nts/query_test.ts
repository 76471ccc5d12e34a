import { test } from "node:test";
import { inspect } from "node:util";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { SymmetricKey } from "../../src/auth/symmetric_key.ts";
import { NTPClient } from "../../src/client/ntp_client.ts";
import { query, queryRaw } from "../../src/client/query.ts";
import { queryMany } from "../../src/client/query_many.ts";
import { AEAD_IDS } from "../../src/nts/aead/registry.ts";
import { NtsSession } from "../../src/nts/nts_session.ts";
import { NTPError } from "../../src/packet/error.ts";
import { NtsScene, SERVER } from "./scene.ts";

test("nts: a query is authentic, with each algorithm, and cookies stay eight", async () => {
  for (const aead of AEAD_IDS) {
    const { stage, server, session } = new NtsScene(aead);
    await server.listen({ hostname: SERVER });
    for (let i = 0; i < 12; i++) {
      const result = await stage.play(query("nowhere.example", { ...stage.world, nts: session }));
      assertEquals(result.authentication, "nts");
      assertEquals(result.hostname, SERVER);
      assert(Math.abs(result.offset - 5) < 1e-6);
    }
    assertEquals(session.statistics(), {
      exchanges: 1,
      failures: 0,
      cookies: 8,
      requests: 12,
      authentic: 12,
      refused: 0,
    });
    const { answered, nts, ntsNaks } = server.statistics();
    assertEquals([answered, nts, ntsNaks], [12, 12, 0]);
    await server.close();
  }
});

test("nts: a server without it gives a plain answer, which is not believed", async () => {
  const scene = new NtsScene(15, { nts: undefined as never });
  const { stage, server, session } = scene;
  await server.listen({ hostname: SERVER });
  const asking = query(SERVER, { ...stage.world, nts: session, timeoutMs: 500 });
  const error = await assertRejects(() => stage.play(asking), NTPError, "without NTS");
  assertEquals(error.code, "authentication");
  assertEquals(server.statistics().answered, 1);
  const raw = await stage.play(queryRaw(SERVER, { ...stage.world, nts: session, timeoutMs: 500 }));
  assertEquals([raw.authentication, raw.fault?.code], ["none", "authentication"]);
  await server.close();
});

test("nts: keys that the server has lost: refused, then exchanged anew, and no sooner", async () => {
  const scene = new NtsScene();
  const { stage, server, session, cookieKeys } = scene;
  await server.listen({ hostname: SERVER });
  const ask = () =>
    stage.play(query(SERVER, { ...stage.world, nts: session, timeoutMs: 500 })).then(
      ({ authentication }) => authentication,
      ({ message }) => /NTSN/.test(message) ? "refused" : message as string,
    );
  assertEquals(await ask(), "nts");
  for (let i = 0; i < 3; i++) cookieKeys.rotate();
  await stage.time.run(64_000); // a kiss a minute for an address
  assertEquals([await ask(), scene.exchanges], ["refused", 1]);
  await stage.time.run(64_000);
  assertEquals([await ask(), scene.exchanges], ["refused", 1]);
  await stage.time.run(64_000);
  assertEquals([await ask(), scene.exchanges], ["nts", 2]);
  assertEquals(server.statistics().ntsNaks, 2);
  await server.close();
});

test("nts: eight lost replies, then a key exchange, then all is well", async () => {
  const scene = new NtsScene();
  const { stage, server, session } = scene;
  const ask = () =>
    stage.play(query(SERVER, { ...stage.world, nts: session, timeoutMs: 500 })).then(
      ({ authentication }) => authentication,
      ({ code }) => code as string,
    );
  scene.failure = new NTPError("timeout", "no key exchange yet");
  assertEquals(await ask(), "timeout");
  scene.failure = undefined;
  await stage.time.run(20_000);
  for (let i = 0; i < 8; i++) {
    await stage.time.run(64_000);
    assert(["timeout", "refused"].includes(await ask()));
  }
  await server.listen({ hostname: SERVER });
  await stage.time.run(64_000);
  assertEquals(await ask(), "nts");
  assertEquals(session.statistics().cookies, 8);
  assert(scene.exchanges >= 3, `${scene.exchanges}`);
  await server.close();
});

test("nts: a hook sees it, a rule that demands authentication is content with it", async () => {
  const seen: boolean[] = [];
  const { stage, server, session } = new NtsScene(15, {
    access: [{ prefix: "0.0.0.0/0", action: "require-auth" }],
    decide: ({ nts }) => {
      seen.push(nts);
      return seen.length > 1 ? { action: "kiss", reason: "test", kissCode: "DENY" } : undefined;
    },
  });
  await server.listen({ hostname: SERVER });
  const options = { ...stage.world, nts: session, timeoutMs: 500 };
  assertEquals((await stage.play(query(SERVER, options))).authentication, "nts");
  // A kiss is sealed as well, and so believed.
  const error = await assertRejects(() => stage.play(query(SERVER, options)), NTPError, "DENY");
  assertEquals(error.code, "kiss-of-death");
  const plain = { ...stage.world, timeoutMs: 500 };
  await assertRejects(() => stage.play(query(SERVER, plain)), NTPError, "did not answer");
  assertEquals(seen, [true, true]);
  await server.close();
});

test("nts: an NTPClient keeps its session", async () => {
  const { stage, server, session } = new NtsScene();
  await server.listen({ hostname: SERVER });
  const client = new NTPClient({ endpoint: SERVER, ...stage.world, nts: session });
  assertEquals((await stage.play(client.query())).authentication, "nts");
  assertEquals((await stage.play(client.query({ samples: 3 }))).samples.length, 3);
  assertEquals(session.statistics().authentic, 4);
  await server.close();
});

test("nts: wrong options", async () => {
  const { session } = new NtsScene();
  const key = new SymmetricKey({ id: 1, type: "MD5", secret: new Uint8Array(8) });
  await assertRejects(() => query(SERVER, { nts: session, key }), TypeError, "Either key or nts");
  await assertRejects(
    () => query(SERVER, { nts: session, version: 3 }),
    RangeError,
    "version is 4",
  );
  await assertRejects(() => query(SERVER, { nts: {} as never }), TypeError, "NtsSession");
  assertThrows(() => queryMany([SERVER], { nts: session }), TypeError, "one server");
  assertThrows(() => new NtsSession({ establish: 1 as never }), TypeError, "establish");
});

test("nts: nothing shows keys or cookies", async () => {
  const { session, cookieKeys, server } = new NtsScene();
  await session.ready();
  const secret = /194, 194|c2c2|82, 82|5252/;
  for (const one of [session, cookieKeys, server]) {
    for (const text of [JSON.stringify(one) ?? "", String(one), inspect(one, { depth: 9 })]) {
      assert(!secret.test(text), text);
    }
  }
  assertEquals(Object.keys(JSON.parse(JSON.stringify(session))).length, 6);
});
