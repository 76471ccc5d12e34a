import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { SymmetricKey } from "../../src/auth/symmetric_key.ts";
import { KissOfDeathError } from "../../src/client/kiss_of_death_error.ts";
import { query, queryRaw } from "../../src/client/query.ts";
import { signed } from "../../src/client/request.ts";
import {
  NTPError,
  NTPPacket,
  type NTPPacketFields,
  referenceIdFromText,
} from "../../src/packet/mod.ts";
import { NTPServer } from "../../src/server/ntp_server.ts";
import { Stage } from "./stage.ts";

const SERVER = "192.0.2.1";
const KEY = new SymmetricKey({ id: 5, type: "SHA256", secret: new Uint8Array(32).fill(9) });
const OTHER = new SymmetricKey({ id: 5, type: "SHA256", secret: new Uint8Array(32).fill(8) });
const SIXTH = new SymmetricKey({ id: 6, type: "SHA256", secret: new Uint8Array(32).fill(9) });

async function serve(stage: Stage, keys: SymmetricKey[]): Promise<void> {
  const server = new NTPServer({ clock: stage.clock(), bind: stage.network.bind, keys });
  await server.listen({ hostname: SERVER });
}

/** A server that answers with whatever `reply` makes of a good reply. */
async function script(
  stage: Stage,
  reply: (good: (fields?: Partial<NTPPacketFields>) => Uint8Array) => Uint8Array,
): Promise<void> {
  await stage.script(SERVER, (request, send) => {
    const { version, transmitTimestamp } = NTPPacket.decode(request);
    send(reply((fields = {}) =>
      new NTPPacket({
        version,
        mode: 4,
        stratum: 1,
        originTimestamp: transmitTimestamp,
        receiveTimestamp: stage.time.now(),
        transmitTimestamp: stage.time.now(),
        ...fields,
      }).encode()
    ));
  });
}

async function failure(promise: Promise<unknown>): Promise<NTPError> {
  return await assertRejects(() => promise, NTPError);
}

test("client and server that share a key", async () => {
  for (const version of [3, 4] as const) {
    const stage = new Stage();
    await serve(stage, [SIXTH, KEY]);
    const options = { ...stage.world, key: KEY, version };
    const { authentication, packet } = await stage.play(query(SERVER, options));
    assertEquals([authentication, packet.mac?.keyId], ["key", 5]);
  }
});

test("without a key the result says that nothing is authenticated", async () => {
  const stage = new Stage();
  await serve(stage, [KEY]);
  assertEquals((await stage.play(query(SERVER, stage.world))).authentication, "none");
});

test("a server that does not know the key, or has another, says so", async () => {
  for (const keys of [[], [OTHER], [SIXTH]]) {
    const stage = new Stage();
    await serve(stage, keys);
    const error = await failure(stage.play(query(SERVER, { ...stage.world, key: KEY })));
    assertEquals(error.code, "authentication");
    assertStringIncludes(error.message, "crypto-NAK");
  }
});

test("only a reply signed with the same key is believed (CVE-2015-7974)", async () => {
  const forgeries: [string, (good: Uint8Array) => Uint8Array][] = [
    ["without authentication", (good) => good],
    ["wrong MAC", (good) => signed(good, OTHER, 4)],
    ["key 6", (good) => signed(good, SIXTH, 4)],
    ["wrong MAC", (good) => signed(good, KEY, 4).map((byte, i) => i === 60 ? byte ^ 1 : byte)],
    ["wrong MAC", (good) => signed(good, KEY, 4).map((byte, i) => i === 1 ? byte ^ 1 : byte)],
    ["wrong MAC", (good) => signed(good, KEY, 4).slice(0, 68)],
  ];
  for (const [what, forge] of forgeries) {
    const stage = new Stage();
    await script(stage, (good) => forge(good()));
    const error = await failure(stage.play(query(SERVER, { ...stage.world, key: KEY })));
    assertEquals(error.code, "authentication");
    assertStringIncludes(error.message, what);
    assert(!error.message.includes("9,9"));
  }
});

test("a forged reply does not keep the right one from being taken", async () => {
  const kiss = { stratum: 0, leapIndicator: 3, referenceId: referenceIdFromText("DENY") } as const;
  const stage = new Stage();
  await stage.script(SERVER, (request, send) => {
    const { transmitTimestamp: originTimestamp } = NTPPacket.decode(request);
    const forge = (fields: Partial<NTPPacketFields>) =>
      new NTPPacket({ mode: 4, stratum: 1, originTimestamp, ...fields }).encode();
    send(forge(kiss));
    send(forge({ mac: { keyId: 0, digest: new Uint8Array(0) } }));
    send(signed(forge({}), OTHER, 4));
    stage.time.after(1000, () => {
      const now = { receiveTimestamp: stage.time.now(), transmitTimestamp: stage.time.now() };
      send(signed(forge({ stratum: 9, ...now }), KEY, 4));
    });
  });
  const result = await stage.play(query(SERVER, { ...stage.world, key: KEY }));
  assertEquals([result.packet.stratum, result.authentication], [9, "key"]);
});

test("what keeps an answer from being believed is told when none that can be has come", async () => {
  const stage = new Stage();
  await serve(stage, []);
  let ended = 0;
  const asked = query(SERVER, { ...stage.world, key: KEY, timeoutMs: 700, retries: 2 })
    .finally(() => ended = stage.time.elapsedMs);
  const error = await failure(stage.play(asked));
  // What may be forged changes nothing of when is asked: as often as if there were silence.
  assertEquals([error.code, ended], ["authentication", 3 * 700]);
});

test("a kiss-o'-death is believed only if it is authenticated where the time must be", async () => {
  const kiss = { stratum: 0, leapIndicator: 3, referenceId: referenceIdFromText("DENY") } as const;
  const stage = new Stage();
  await script(stage, (good) => good(kiss));
  const options = { ...stage.world, key: KEY };
  assertEquals((await failure(stage.play(query(SERVER, options)))).code, "authentication");

  const other = new Stage();
  await script(other, (good) => signed(good(kiss), KEY, 4));
  const error = await failure(other.play(query(SERVER, { ...other.world, key: KEY })));
  assert(error instanceof KissOfDeathError);
});

test("a crypto-NAK that nobody asked for is a stray (CVE-2015-7871)", async () => {
  const stage = new Stage();
  await script(stage, (good) => good({ mac: { keyId: 0, digest: new Uint8Array(0) } }));
  assertEquals((await failure(stage.play(query(SERVER, stage.world)))).code, "timeout");
});

test("the raw call gives the reply that is not authenticated, and says so", async () => {
  const stage = new Stage();
  await script(stage, (good) => good({ stratum: 3 }));
  const { packet, fault, authentication } = await stage.play(
    queryRaw(SERVER, { ...stage.world, key: KEY }),
  );
  assertEquals([packet.stratum, fault?.code, authentication], [3, "authentication", "none"]);
});
