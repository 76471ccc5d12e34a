import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { NTPError } from "../../src/packet/error.ts";
import { NtsClient } from "../../src/nts/nts_client.ts";
import { NtsResponder } from "../../src/nts/nts_responder.ts";
import { NtsSession } from "../../src/nts/nts_session.ts";
import type { NtsSessions } from "../../src/nts/nts_source.ts";
import { NTPServer } from "../../src/server/ntp_server.ts";
import { NTPSync } from "../../src/sync/ntp_sync.ts";
import type { NTPSyncOptions } from "../../src/sync/ntp_sync_options.ts";
import { serverInput } from "../../src/sync/server_options.ts";
import { establishmentOf, NtsScene, SERVER } from "../nts/scene.ts";

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

/** Three servers with NTS, and what exchanges keys for them: who asks whom is noted. */
class Pool {
  readonly scene: NtsScene = new NtsScene();
  readonly asked: string[] = [];
  /** Servers by the address of their key exchange. */
  readonly named: Map<string, readonly string[]> = new Map();
  readonly nts: NtsSessions = {
    session: (hostname, target = {}) => {
      const { address = hostname, port = 4460 } = target;
      const { cookieKeys, stage } = this.scene;
      return new NtsSession({
        establish: () => {
          const servers = this.named.get(address);
          this.asked.push(`${hostname} at ${address} port ${port}`);
          if (servers === undefined) {
            return Promise.reject(new NTPError("refused", `${address} refuses`));
          }
          const server = servers[(this.asked.length - 1) % servers.length]!;
          return Promise.resolve({ ...establishmentOf(cookieKeys), hostname: server });
        },
        now: () => stage.time.elapsedMs,
      });
    },
  };

  async listen(...addresses: string[]): Promise<void> {
    for (const hostname of addresses) await this.scene.server.listen({ hostname });
  }

  async start(options: Partial<NTPSyncOptions>): Promise<NTPSync> {
    const { stage } = this.scene;
    return await stage.time.runUntil(NTPSync.start({ ...stage.world, nts: this.nts, ...options }));
  }
}

const A = "192.0.2.1", B = "192.0.2.2", C = "192.0.2.3";
const hostnames = (sync: NTPSync) => sync.sources().map(({ hostname }) => hostname).sort();

test("NTPSync: nts: true, with keys that its client exchanges", async () => {
  const pool = new Pool();
  pool.named.set("ke.example", [B]);
  await pool.listen(B);
  const sync = await pool.start({
    servers: [{ hostname: "ke.example", nts: true, ntsPort: 4461 }],
  });
  const [source] = sync.sources();
  assertEquals([source!.hostname, source!.name, source!.authentication], [B, "ke.example", "nts"]);
  assertEquals(pool.asked, ["ke.example at ke.example port 4461"]);
  await sync.close();
  await pool.scene.server.close();
});

test("NTPSync: each address of a pool with NTS names a server; one that fails keeps nobody from time", async () => {
  const pool = new Pool();
  pool.named.set("198.51.100.1", [A]).set("198.51.100.2", [B]).set("198.51.100.4", [A]);
  await pool.listen(A, B);
  const hostname = "198.51.100.1,198.51.100.2,198.51.100.3,198.51.100.4";
  const sync = await pool.start({ pools: [{ hostname, nts: true }] });
  await pool.scene.stage.time.run(60_000);
  assertEquals(hostnames(sync), [A, B]); // A is asked once
  assert(sync.sources().every(({ authentication }) => authentication === "nts"));
  await sync.close();
  await pool.scene.server.close();
});

test("NTPSync: a pool whose one server of key exchange names another server each time", async () => {
  const pool = new Pool();
  pool.named.set("ke.example", [A, B, C]);
  await pool.listen(A, B, C);
  const pools = [{ hostname: "ke.example", nts: pool.nts, maxSources: 3 }];
  const sync = await pool.start({ pools });
  await pool.scene.stage.time.run(120_000);
  assertEquals(hostnames(sync), [A, B, C]);
  const { length } = pool.asked;
  await pool.scene.stage.time.run(3_600_000);
  assertEquals(pool.asked.length, length); // all are there: nobody is asked for keys again
  await sync.close();
  await pool.scene.server.close();
});

test("NTPSync: a server of a pool with NTS that dies is replaced, with new keys", async () => {
  const pool = new Pool();
  pool.named.set("198.51.100.1", [A]).set("198.51.100.2", [B]).set("198.51.100.3", [C]);
  const { cookieKeys, server, stage } = pool.scene;
  const dying = new NTPServer({
    clock: stage.clock(5),
    bind: stage.network.bind,
    nts: new NtsResponder({ cookieKeys }),
  });
  await dying.listen({ hostname: A });
  await pool.listen(B, C);
  const hostname = "198.51.100.1,198.51.100.2,198.51.100.3";
  const sync = await pool.start({
    pools: [{ hostname, nts: true, maxSources: 2, minPoll: 4, maxPoll: 4 }],
  });
  assertEquals(hostnames(sync), [A, B]);
  await dying.close();
  await stage.time.run(1_200_000);
  assertEquals(hostnames(sync), [B, C]);
  assert(sync.sources().every(({ authentication }) => authentication === "nts"));
  await sync.close();
  await server.close();
});

test("NTPSync: nts: true at run time, without what makes sessions, is a problem of the source", async () => {
  const { stage, server, session } = new NtsScene();
  await server.listen({ hostname: SERVER });
  const sync = await stage.time.runUntil(
    NTPSync.start({ ...stage.world, servers: [{ hostname: "ke.example", nts: session }] }),
  );
  sync.add(serverInput({ hostname: "other.example", nts: true }));
  await stage.time.run(1000);
  const [problem] = sync.problems;
  assertEquals(problem!.name, "other.example");
  assert(/NtsClient/.test(problem!.error.message), problem!.error.message);
  await sync.close();
  await server.close();
});

test("NTPSync: what NTS does not go with", async () => {
  const { stage, session } = new NtsScene();
  const nts = new NtsClient();
  const start = (options: object) => NTPSync.start({ ...stage.world, ...options });
  const one = { hostname: "a", nts: session };
  for (
    const [options, kind, message] of [
      [{ pools: [one] }, TypeError, "for one server"],
      [{ servers: [{ ...one, nts: {} }] }, TypeError, "NtsSession"],
      [{ servers: [{ ...one, version: 3 }] }, RangeError, "version is 4"],
      [{ servers: [{ ...one, ntsPort: 1 }] }, TypeError, "knows whom to ask"],
      [{ servers: [{ hostname: "a", nts: true }] }, TypeError, "NtsClient of @ntps/ntps/nts"],
      [{ servers: [{ hostname: "a", nts: true, port: 124 }], nts }, RangeError, "ntsPort"],
      [{ servers: [{ hostname: "a", nts: true, ntsPort: 0 }], nts }, RangeError, "ntsPort"],
      [{ servers: [{ hostname: "a", ntsPort: 4460 }], nts }, TypeError, "no nts"],
      [{ servers: ["a"], nts: {} }, TypeError, "session()"],
    ] as const
  ) await assertRejects(() => start(options), kind, message);
});
