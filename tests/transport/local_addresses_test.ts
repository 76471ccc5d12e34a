import { test } from "node:test";
import { networkInterfaces } from "node:os";
import { assertEquals } from "@std/assert";
import { localAddresses } from "../../src/transport/local_addresses.ts";

test("local addresses: those of the interfaces, without loopback and scopes", async () => {
  const listed = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const found = await localAddresses();
  const expected = listed.filter(({ internal }) => !internal);
  assertEquals(found.length, expected.length);
  assertEquals(found.some((address) => /^127\.|^::1$|%/.test(address)), false);
});
