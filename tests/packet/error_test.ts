import { test } from "node:test";
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { NTPError } from "../../src/packet/error.ts";
import { NTPPacketError } from "../../src/packet/packet_error.ts";

test("error: code for programs, message and cause for people", () => {
  const cause = new Error("underneath");
  const error = new NTPError("refused", "192.0.2.1:123 refused", { cause });
  assert(error instanceof Error);
  assertEquals([error.name, error.code, error.message], [
    "NTPError",
    "refused",
    "192.0.2.1:123 refused",
  ]);
  assertStrictEquals(error.cause, cause);
  assertEquals("cause" in new NTPError("timeout", "no answer"), false);
});

test("error: an aborted operation is called AbortError, as on the platform", () => {
  assertEquals(new NTPError("aborted", "the query was aborted").name, "AbortError");
});

test("error: a packet's error says where", () => {
  const error = new NTPPacketError("The packet is empty", 0);
  assert(error instanceof NTPError);
  assertEquals([error.name, error.code, error.byteOffset], ["NTPPacketError", "malformed", 0]);
  assertEquals(error.message, "The packet is empty (at byte 0)");
});
