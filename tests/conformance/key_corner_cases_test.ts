// Symmetric keys: rows of the table in README.md, each test named after one.
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { KeyStore } from "../../src/auth/key_store.ts";
import { KEY_TYPES, secretLengthOf, SymmetricKey } from "../../src/auth/symmetric_key.ts";
import { query } from "../../src/client/query.ts";
import { signed } from "../../src/client/request.ts";
import { NTPPacket } from "../../src/packet/mod.ts";
import { kiss, replyTo, Stage } from "../client/stage.ts";
import { outcomeOf, request, serve, SERVER, Stranger } from "./scene.ts";

function keyOf(id: number, fill: number = id, type: SymmetricKey["type"] = "SHA1"): SymmetricKey {
  return new SymmetricKey({
    id,
    type,
    secret: new Uint8Array(secretLengthOf(type) ?? 16).fill(fill),
  });
}

const isCryptoNak = (bytes: Uint8Array) => bytes.length === 52 && bytes.slice(48).every((b) => !b);
const CRYPTO_NAK = { mac: { keyId: 0, digest: new Uint8Array(0) } };

test("a crypto-NAK authenticates nothing (CVE-2015-7871)", async () => {
  const key = keyOf(5);
  // To a server it is no authenticated request, nor to be answered at all.
  const stage = new Stage();
  const access = [{ prefix: "192.0.2.0/24", action: "require-auth" }] as const;
  await serve(stage, { keys: [key], access });
  await serve(stage, { keys: [key] }, "192.0.2.2");
  const somebody = await Stranger.at(stage, "192.0.2.7");
  for (const version of [1, 2, 3, 4] as const) {
    for (const hostname of ["192.0.2.1", "192.0.2.2"]) {
      somebody.send(request({ version, ...CRYPTO_NAK }), hostname);
    }
  }
  stage.time.advance(1000);
  assertEquals(somebody.received, []);

  // To a client it is no authenticated reply; nor, if none was asked for, a reply.
  for (const asked of [undefined, key]) {
    const other = new Stage();
    await other.script(SERVER, (bytes, reply) => {
      reply(replyTo(other, bytes, { stratum: 9, ...CRYPTO_NAK }));
      reply(replyTo(other, bytes, { ...kiss("DENY"), ...CRYPTO_NAK }));
      const good = replyTo(other, bytes);
      other.time.after(1000, () => reply(asked === undefined ? good : signed(good, asked, 4)));
    });
    const options = { ...other.world, ...(asked !== undefined && { key: asked }) };
    const { packet, authentication } = await other.play(query(SERVER, options));
    assertEquals([packet.stratum, authentication], [1, asked === undefined ? "none" : "key"]);
  }
  const alone = new Stage();
  await alone.script(SERVER, (bytes, reply) => reply(replyTo(alone, bytes, CRYPTO_NAK)));
  assertEquals(await outcomeOf(alone, { key }), "authentication");
});

test("a key is bound to its association (CVE-2015-7974, CVE-2016-1567)", async () => {
  const mine = keyOf(5), other = keyOf(6), renamed = keyOf(5, 6), twin = keyOf(6, 5);
  // A client that was told one key believes no other, however valid that is between others: the
  // holder of key 6 cannot pose as the server that has key 5.
  for (const [with_, claimed] of [[other, 6], [other, 5], [renamed, 5], [twin, 6]] as const) {
    const stage = new Stage();
    await stage.script(SERVER, (bytes, reply) => {
      const forged = signed(replyTo(stage, bytes), with_, 4);
      new DataView(forged.buffer).setUint32(48, claimed);
      reply(forged);
    });
    assertEquals(await outcomeOf(stage, { key: mine }), "authentication");
  }

  // A server answers with the key that it was asked with, and keeps keys to the addresses they are
  // for.
  const stage = new Stage();
  await serve(stage, {
    keys: new KeyStore([mine, { key: other, prefixes: ["192.0.2.128/25", "2001:db8::/64"] }]),
  });
  const cases: [string, SymmetricKey, number][] = [
    ["192.0.2.7", mine, 5],
    ["192.0.2.7", other, 0],
    ["192.0.2.129", other, 6],
    ["192.0.2.129", renamed, 0],
  ];
  for (const [i, [hostname, key, expected]] of cases.entries()) {
    const somebody = await Stranger.at(stage, hostname, 40000 + i);
    const [reply] = somebody.ask(signed(request(), key, 4));
    const { mac } = NTPPacket.decode(reply!);
    assertEquals(mac?.keyId, expected);
    if (expected === 0) assert(isCryptoNak(reply!));
    else assert(key.verify(reply!.slice(0, 48), mac!.digest, 4));
  }
});

test("constant-time MAC comparison (CVE-2016-1550)", async () => {
  const message = request();
  for (const type of KEY_TYPES) {
    for (const version of [3, 4]) {
      const key = keyOf(7, 1, type);
      const digest = key.sign(message, version);
      for (const wrongAt of [-1, 0, 1, digest.length - 1]) {
        // Counts the bytes that are looked at: all of them, wherever the first wrong one is.
        const seen: number[] = [];
        const watched = new Proxy(digest.slice(), {
          get(bytes, name) {
            if (typeof name === "string" && /^\d+$/.test(name)) seen.push(Number(name));
            const value: unknown = Reflect.get(bytes, name, bytes);
            return typeof value === "function" ? value.bind(bytes) : value;
          },
        });
        if (wrongAt >= 0) watched[wrongAt] = digest[wrongAt]! ^ 0x80;
        assertEquals(key.verify(message, watched, version), wrongAt < 0);
        assertEquals(seen, [...digest.keys()], `${type}, byte ${wrongAt}`);
      }
    }
  }

  // On the network a digest with one right byte, or all but one, is as wrong as any other.
  const key = keyOf(7);
  const stage = new Stage();
  const server = await serve(stage, { keys: [key] });
  const somebody = await Stranger.at(stage, "192.0.2.7");
  const good = signed(message, key, 4);
  assert(!isCryptoNak(somebody.ask(good)[0]!));
  for (let right = 0; right < 20; right++) {
    const bad = good.map((byte, i) => i >= 52 + right ? byte ^ 0xff : byte);
    assert(isCryptoNak(somebody.ask(bad)[0]!));
  }
  assertEquals([server.statistics().answered, server.statistics().cryptoNaks], [1, 20]);
});
