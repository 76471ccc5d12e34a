import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { isServerName, serverNameOf } from "../../../src/nts/ke/server_name.ts";

test("NTS-KE server names: addresses without zones, and names in ASCII", () => {
  const good = ["192.0.2.1", "2001:db8::1", "a", "ntp.example", "ntp.example.", "x-1.n_2.example"];
  const bad = [
    "",
    "a b",
    "a..b",
    "-a",
    "a/b",
    "fe80::1%eth0",
    "192.0.2",
    "[::1]",
    "ä.example",
    "a\n",
  ];
  assertEquals(good.filter((text) => !isServerName(text)), []);
  assertEquals(bad.filter((text) => isServerName(text)), []);
  assertEquals(isServerName("a.".repeat(127)), false);
  assertEquals(serverNameOf(new Uint8Array(60_000).fill(97)), undefined);
  assertEquals(serverNameOf(new Uint8Array(10).fill(97)), "aaaaaaaaaa");
});
