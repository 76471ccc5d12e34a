import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { KeyStore } from "../../src/auth/key_store.ts";
import { type KeyType, SymmetricKey } from "../../src/auth/symmetric_key.ts";
import { signed } from "../../src/client/request.ts";
import { NTPPacket, type Version } from "../../src/packet/mod.ts";
import { Admission } from "../../src/server/admission.ts";
import { AccessList } from "../../src/server/access.ts";
import { MAX_REPLY_LENGTH } from "../../src/server/responder.ts";
import { ask, makeResponder } from "./asking.ts";

const LENGTHS: Readonly<Record<KeyType, [v3: number, v4: number]>> = {
  MD5: [16, 16],
  SHA1: [20, 20],
  SHA256: [32, 20],
  SHA384: [48, 20],
  SHA512: [64, 20],
  AES128: [16, 16],
  AES256: [16, 16],
};

function keyOf(type: KeyType, id = 7, fill = 0x42): SymmetricKey {
  return new SymmetricKey({
    id,
    type,
    secret: new Uint8Array(type === "AES256" ? 32 : 16).fill(fill),
  });
}

function request(version: Version = 4): Uint8Array {
  return new NTPPacket({ version, transmitTimestamp: 99n }).encode();
}

const KEYS = new KeyStore([keyOf("SHA1")]);
const isCryptoNak = (reply: Uint8Array) => reply.length === 52 && reply.slice(48).every((b) => !b);

test("an authenticated request gets an authenticated reply, with every algorithm and version", () => {
  for (const [type, [v3, v4]] of Object.entries(LENGTHS) as [KeyType, [number, number]][]) {
    for (const version of [1, 2, 3, 4] as const) {
      const key = keyOf(type);
      const responder = makeResponder({ keys: new KeyStore([key]) });
      const reply = ask(signed(request(version), key, version), { responder }) as Uint8Array;
      const packet = NTPPacket.decode(reply);
      assertEquals(packet.mac?.keyId, 7);
      assertEquals(packet.mac?.digest.length, version === 4 ? v4 : v3);
      assert(key.verify(reply.slice(0, 48), packet.mac!.digest, version), `${type} v${version}`);
      assert(reply.length <= MAX_REPLY_LENGTH);
    }
  }
});

test("before version 4 a long digest that was cut to 20 bytes is answered with one", () => {
  const key = keyOf("SHA512");
  const long = signed(request(3), key, 3);
  const reply = ask(long.slice(0, 72), { responder: makeResponder({ keys: new KeyStore([key]) }) });
  assertEquals((reply as Uint8Array).length, 72);
});

test("a wrong digest, an unknown key and no keys at all get a crypto-NAK", () => {
  const good = signed(request(), keyOf("SHA1"), 4);
  for (let i = 0; i < good.length; i++) {
    if (i === 0) continue; // version and mode decide earlier
    const bad = good.slice();
    bad[i]! ^= 1;
    const reply = ask(bad, { responder: makeResponder({ keys: KEYS }) }) as Uint8Array;
    assert(isCryptoNak(reply), `byte ${i}`);
  }
  const unknown = signed(request(), keyOf("SHA1", 8), 4);
  assert(isCryptoNak(ask(unknown, { responder: makeResponder({ keys: KEYS }) }) as Uint8Array));
  assert(isCryptoNak(ask(good) as Uint8Array));
  const other = signed(request(), keyOf("MD5"), 4);
  assert(isCryptoNak(ask(other, { responder: makeResponder({ keys: KEYS }) }) as Uint8Array));
});

test("a crypto-NAK is no request for one: it authenticates nothing and is not answered", () => {
  const mac = { keyId: 0, digest: new Uint8Array(0) };
  for (const version of [3, 4] as const) {
    const responder = makeResponder({ keys: KEYS });
    assertEquals(ask(new NTPPacket({ version, mac }).encode(), { responder }), "authentication");
  }
});

test("the empty authenticators of MS-SNTP are no MACs, and nothing else is one of those", () => {
  const responder = makeResponder({ keys: KEYS });
  const askWith = (digest: Uint8Array) =>
    ask(new NTPPacket({ version: 3, mac: { keyId: 7, digest } }).encode(), { responder });
  assertEquals(askWith(new Uint8Array(16)), "authentication");
  // The extended one has flags and hash identifiers behind the key identifier ([MS-SNTP] 2.2.3).
  const extended = new Uint8Array(68);
  assertEquals(askWith(extended), "authentication");
  extended.set([0, 1, 1, 0]);
  assertEquals(askWith(extended), "authentication");
  extended[4] = 1;
  assert(isCryptoNak(askWith(extended) as Uint8Array));
  for (const length of [8, 20, 32, 48, 64]) {
    assert(isCryptoNak(askWith(new Uint8Array(length)) as Uint8Array), `${length} zeros`);
  }
});

test("extension fields between header and MAC are covered by the MAC, and the reply has none", () => {
  const key = keyOf("SHA1");
  const extensionFields = [{ type: 0x0104, value: new Uint8Array(12).fill(1) }];
  // Without its MAC the packet could not be told apart, so the MAC's place is held by another.
  const mac = { keyId: 1, digest: new Uint8Array(20) };
  const bytes = new NTPPacket({ extensionFields, mac }).encode().slice(0, 64);
  const reply = ask(signed(bytes, key, 4), { responder: makeResponder({ keys: KEYS }) });
  assertEquals((reply as Uint8Array).length, 72);
  bytes[60]! ^= 1;
  const forged = signed(bytes, key, 4);
  forged[60]! ^= 1;
  assert(isCryptoNak(ask(forged, { responder: makeResponder({ keys: KEYS }) }) as Uint8Array));
});

test("where a rule demands it, only authenticated requests are answered", () => {
  const access = new AccessList([{ prefix: "0.0.0.0/0", action: "require-auth" }]);
  const responder = makeResponder({ keys: KEYS, admission: new Admission(access, undefined) });
  assertEquals(ask(request(), { responder }), "authentication");
  const reply = ask(signed(request(), keyOf("SHA1"), 4), { responder }) as Uint8Array;
  assertEquals(NTPPacket.decode(reply).stratum, 1);
});

test("in place, too: the reply may be written over an authenticated request", () => {
  const key = keyOf("SHA512");
  const keys = new KeyStore([key]);
  const bytes = signed(request(3), key, 3);
  const apart = ask(bytes, { responder: makeResponder({ keys }) });
  const arrival = new Uint32Array([0xecb10000, 0x10000000]);
  const responder = makeResponder({ keys });
  const place = bytes.slice();
  const source = { port: 1, bytes: new Uint8Array(16) } as never;
  assertEquals(responder.respond(place, place.length, source, arrival, place), bytes.length);
  assertEquals(place, apart);
});
