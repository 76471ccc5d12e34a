import { test } from "node:test";
import { inspect } from "node:util";
import { assert, assertEquals } from "@std/assert";
import { keySpecsOf, keyStoreOf } from "../../src/auth/key_specs.ts";
import { KeyStore } from "../../src/auth/key_store.ts";
import { SymmetricKey } from "../../src/auth/symmetric_key.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";

const SECRET = new TextEncoder().encode("open sesame 1234");
const KEYS = [
  new SymmetricKey({ id: 1, type: "AES128", secret: SECRET }),
  new SymmetricKey({ id: 2, type: "SHA1", secret: SECRET }),
];
const STORE = new KeyStore([KEYS[0]!, { key: KEYS[1]!, prefixes: ["192.0.2.0/24"] }]);

test("key specs: a store that was posted to another thread is the same", () => {
  const copy = keyStoreOf(structuredClone(keySpecsOf(STORE)!));
  const message = new Uint8Array(48).fill(7);
  for (const key of KEYS) {
    const other = copy.get(key.id)!;
    assertEquals(other.type, key.type);
    assertEquals(other.sign(message, 4), key.sign(message, 4));
  }
  const inside = new Endpoint("192.0.2.9", 1).bytes, outside = new Endpoint("192.0.3.9", 1).bytes;
  for (const address of [inside, outside]) {
    for (const id of [1, 2, 3]) assertEquals(copy.allows(id, address), STORE.allows(id, address));
  }
  assertEquals(copy.prefixesOf(2), ["192.0.2.0/24"]);
});

test("key specs: keys of a class of the user's cannot be copied", () => {
  class OwnKey extends SymmetricKey {}
  class OwnStore extends KeyStore {}
  assertEquals(keySpecsOf(new OwnStore(KEYS)), undefined);
  assertEquals(
    keySpecsOf(new KeyStore([new OwnKey({ id: 1, type: "MD5", secret: SECRET })])),
    undefined,
  );
  assertEquals(keySpecsOf({ get: () => undefined, allows: () => false }), undefined);
});

test("key specs: a key still shows nothing of its secret", () => {
  for (const key of KEYS) {
    const shown = inspect(key, { depth: 9, showHidden: true }) + JSON.stringify(key) + String(key);
    assert(!shown.includes("115") && !shown.includes("sesame"), shown);
    assertEquals(Object.values(key).some((value) => value instanceof Uint8Array), false);
  }
});
