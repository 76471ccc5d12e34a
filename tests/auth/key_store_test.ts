import { test } from "node:test";
import { inspect } from "node:util";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { KeyStore } from "../../src/auth/key_store.ts";
import { SymmetricKey } from "../../src/auth/symmetric_key.ts";
import { parseIpAddress } from "../../src/packet/ip_address.ts";

function makeKey(id: number): SymmetricKey {
  return new SymmetricKey({
    id,
    type: "SHA1",
    secret: new TextEncoder().encode("s3cr3t-of-a-key"),
  });
}

function bytesOf(address: string): Uint8Array {
  const bytes = new Uint8Array(16);
  assert(parseIpAddress(address, bytes) !== 0);
  return bytes;
}

test("keys are found by identifier and listed in the order given", () => {
  const keys = [makeKey(9), makeKey(2 ** 32 - 1), makeKey(1)];
  const store = new KeyStore(keys);
  assertEquals(store.size, 3);
  assert(store.get(9) === keys[0]);
  assert(store.get(2 ** 32 - 1) === keys[1]);
  assertEquals(store.get(2), undefined);
  assertEquals([...store].map(({ id }) => id), [9, 2 ** 32 - 1, 1]);
  assertEquals(new KeyStore().size, 0);
  assertEquals(new KeyStore(new Set([makeKey(5)])).size, 1);
});

test("a key without restriction is good from everywhere, one that is not there from nowhere", () => {
  const store = new KeyStore([makeKey(1)]);
  for (const address of ["192.0.2.1", "2001:db8::1"]) {
    assert(store.allows(1, bytesOf(address)));
    assert(!store.allows(2, bytesOf(address)));
  }
});

test("a key is good from the prefixes that it is restricted to, of both families", () => {
  const store = new KeyStore([
    { key: makeKey(1), prefixes: ["192.0.2.0/25", "198.51.100.7", "2001:db8:8000::/33"] },
    makeKey(2),
  ]);
  const good = ["192.0.2.1", "::ffff:192.0.2.127", "198.51.100.7", "2001:db8:8000::1"];
  const bad = ["192.0.2.128", "198.51.100.8", "2001:db8::1", "::1"];
  for (const address of good) assert(store.allows(1, bytesOf(address)), address);
  for (const address of bad) {
    assert(!store.allows(1, bytesOf(address)), address);
    assert(store.allows(2, bytesOf(address)), address);
  }
});

test("what a store is made of is checked", () => {
  assertThrows(() => new KeyStore([makeKey(7), makeKey(7)]), RangeError, "id 7");
  for (const wrong of [null, undefined, 7, "key", {}, { key: {}, prefixes: ["::1"] }]) {
    assertThrows(() => new KeyStore([wrong as unknown as SymmetricKey]), TypeError, "SymmetricKey");
  }
  const restricted = (...prefixes: unknown[]) => () =>
    new KeyStore([{ key: makeKey(7), prefixes: prefixes as string[] }]);
  assertThrows(restricted("192.0.2.0/33"), RangeError, 'Key 7: "192.0.2.0/33" has a prefix length');
  assertThrows(restricted("::1", "example.com"), RangeError, "not a prefix");
  assertThrows(restricted(7), TypeError, "string");
  assertThrows(restricted(), RangeError, "at least");
});

test("a store shows no secret", () => {
  const store = new KeyStore([makeKey(1), { key: makeKey(2), prefixes: ["::1"] }]);
  for (
    const shown of [
      JSON.stringify(store),
      JSON.stringify([...store]),
      String(store),
      inspect(store, { depth: 9, showHidden: true }),
      inspect([...store], { depth: 9, showHidden: true }),
    ]
  ) assert(!/s3cr3t|115, ?51/.test(shown), shown);
});
