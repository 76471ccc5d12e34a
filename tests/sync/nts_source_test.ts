import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { NTPError } from "../../src/packet/error.ts";
import { NTPSync } from "../../src/sync/ntp_sync.ts";
import { NtsScene, SERVER } from "../nts/scene.ts";

test("NTPSync: with NTS, the server of the key exchange, and nothing that is not authentic", async () => {
  const { stage, server, session } = new NtsScene();
  await server.listen({ hostname: SERVER });
  const sync = await stage.time.runUntil(
    NTPSync.start({ ...stage.world, servers: [{ hostname: "ke.example", nts: session }] }),
  );
  await stage.time.run(300_000);
  const [source] = sync.sources();
  assertEquals([source!.hostname, source!.authentication, source!.state], [
    SERVER,
    "nts",
    "selected",
  ]);
  assert(Math.abs(source!.offset) < 1e-5);
  const { authentic, cookies, exchanges } = session.statistics();
  assert(authentic >= 8, `${authentic}`);
  assertEquals([cookies, exchanges], [8, 1]);
  await sync.close();
  await server.close();
});

test("NTPSync: a server that has lost NTS is not believed", async () => {
  const { stage, server, session } = new NtsScene(15, { nts: undefined as never });
  await server.listen({ hostname: SERVER });
  const starting = NTPSync.start({
    ...stage.world,
    servers: [{ hostname: "ke.example", nts: session }],
    timeoutMs: 8000,
  });
  const error = await assertRejects(() => stage.time.runUntil(starting), NTPError);
  assertEquals(error.code, "timeout");
  assert(/without NTS/.test(error.message), error.message);
  await server.close();
});

test("NTPSync: a key exchange that fails is a problem of the source", async () => {
  const scene = new NtsScene();
  scene.failure = new NTPError("key-exchange", "ke.example refuses");
  const { stage, session } = scene;
  const starting = NTPSync.start({
    ...stage.world,
    servers: [{ hostname: "ke.example", nts: session }],
    timeoutMs: 3000,
  });
  const error = await assertRejects(() => stage.time.runUntil(starting), NTPError);
  assert(/ke\.example: .*refuses/.test(error.message), error.message);
});

test("NTPSync: NTS does not go with pools, keys and older versions", async () => {
  const { stage, session } = new NtsScene();
  const start = (options: object) => NTPSync.start({ ...stage.world, ...options });
  const one = { hostname: "a", nts: session };
  await assertRejects(() => start({ pools: [one] }), TypeError, "nts is for one server");
  await assertRejects(() => start({ servers: [{ ...one, nts: {} }] }), TypeError, "NtsSession");
  await assertRejects(
    () => start({ servers: [{ ...one, version: 3 }] }),
    RangeError,
    "version is 4",
  );
});
