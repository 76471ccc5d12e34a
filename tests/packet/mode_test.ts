import { test } from "node:test";
import { assertEquals } from "@std/assert";
import {
  describeMode,
  type Mode,
  MODE_BROADCAST,
  MODE_CLIENT,
  MODE_CONTROL,
  MODE_PRIVATE,
  MODE_RESERVED,
  MODE_SERVER,
  MODE_SYMMETRIC_ACTIVE,
  MODE_SYMMETRIC_PASSIVE,
} from "../../src/packet/mode.ts";

test("mode: numbers and names of RFC 5905 figure 10", () => {
  const names = [
    [MODE_RESERVED, 0, "reserved"],
    [MODE_SYMMETRIC_ACTIVE, 1, "symmetric active"],
    [MODE_SYMMETRIC_PASSIVE, 2, "symmetric passive"],
    [MODE_CLIENT, 3, "client"],
    [MODE_SERVER, 4, "server"],
    [MODE_BROADCAST, 5, "broadcast"],
    [MODE_CONTROL, 6, "control message"],
    [MODE_PRIVATE, 7, "private"],
  ] as const;
  for (const [mode, value, name] of names) {
    assertEquals<number>(mode, value);
    assertEquals(describeMode(value satisfies Mode), name);
  }
});
