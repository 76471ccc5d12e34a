// NTPv5, a draft: rows of the table in README.md, each test named after one.
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { NTPv5Packet } from "../../src/experimental/mod.ts";

test("v5: root delay format 4.28; padding rules differ (ntpd-rs #1222, #2057)", () => {
  const packet = new NTPv5Packet({
    rootDelay: 1,
    rootDispersion: 2 ** -28,
    extensionFields: [
      { type: 0xf501, value: new Uint8Array(0) },
      { type: 0xf501, value: Uint8Array.of(1) },
      { type: 0xf501, value: Uint8Array.of(1, 2, 3, 4) },
    ],
  });
  const bytes = packet.encode();
  assertEquals([...bytes.subarray(4, 12)], [0x10, 0, 0, 0, 0, 0, 0, 1]);
  // Lengths do not count what fills a field up, and the last field may be as short as any.
  assertEquals([...bytes.subarray(48)], [
    ...[0xf5, 0x01, 0, 4],
    ...[0xf5, 0x01, 0, 5, 1, 0, 0, 0],
    ...[0xf5, 0x01, 0, 8, 1, 2, 3, 4],
  ]);
  assertEquals(NTPv5Packet.decode(bytes), packet);
});
