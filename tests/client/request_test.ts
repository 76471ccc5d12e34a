import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { makeRequest } from "../../src/client/request.ts";
import { NTPPacket } from "../../src/packet/mod.ts";

test("a request tells nothing of its sender", () => {
  const request = makeRequest(4, (into) => void into.fill(0x5a));
  assertEquals(
    NTPPacket.decode(request),
    new NTPPacket({ mode: 3, precision: 32, transmitTimestamp: 0x5a5a_5a5a_5a5a_5a5an }),
  );
});

test("a request is asked in the version wanted", () => {
  for (const version of [1, 2, 3, 4] as const) {
    const request = makeRequest(version, (into) => void into.fill(1));
    assertEquals(NTPPacket.decode(request).version, version);
  }
});

test("a random number that is zero is drawn again", () => {
  const draws = [0, 0, 7];
  const request = makeRequest(4, (into) => void (into[7] = draws.shift()!));
  assertEquals(NTPPacket.decode(request).transmitTimestamp, 7n);
  assertEquals(draws, []);
});
