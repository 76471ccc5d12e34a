import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { ConnectionTable, prefixOf } from "../../../src/nts/ke/connection_table.ts";

function makeTable(most: number, mostOfPrefix: number) {
  const evicted: string[] = [];
  const table = new ConnectionTable<{ evict(): void }>(most, mostOfPrefix);
  const add = (name: string, address: string) => {
    const connection = { evict: () => void evicted.push(name) };
    table.add(connection, address);
    return connection;
  };
  return { evicted, table, add };
}

test("ConnectionTable: where there is no room the oldest goes", () => {
  const { evicted, table, add } = makeTable(3, 3);
  const a = add("a", "192.0.2.1");
  add("b", "192.0.2.2");
  add("c", "192.0.2.3");
  table.delete(a);
  add("d", "192.0.2.4");
  assertEquals(evicted, []);
  add("e", "192.0.2.5");
  add("f", "192.0.2.6");
  assertEquals([evicted, table.size], [["b", "c"], 3]);
  table.delete(a); // long gone
  assertEquals(table.size, 3);
});

test("ConnectionTable: a prefix that has too many loses its own", () => {
  const { evicted, add } = makeTable(100, 2);
  add("a", "2001:db8::1");
  add("b", "2001:db8:0:1::1");
  add("c", "2001:db8::2");
  add("d", "2001:db8::3");
  assertEquals(evicted, ["a"]);
  add("e", "2001:db8:0:1::2");
  assertEquals(evicted, ["a"]);
});

test("ConnectionTable: prefixes are IPv4 addresses and IPv6 networks", () => {
  assertEquals(prefixOf("::ffff:192.0.2.1"), prefixOf("192.0.2.1"));
  assertEquals(prefixOf("2001:db8::1"), prefixOf("2001:db8::ffff:0:0:1"));
  assertEquals(prefixOf("2001:db8::1") === prefixOf("2001:db8:0:1::1"), false);
  assertEquals(prefixOf("192.0.2.1") === prefixOf("192.0.2.2"), false);
});
