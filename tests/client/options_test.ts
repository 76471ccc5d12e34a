import { test } from "node:test";
import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { NTPClient } from "../../src/client/ntp_client.ts";
import { checkOptions, type QueryOptions } from "../../src/client/options.ts";
import { query, queryRaw } from "../../src/client/query.ts";

test("the defaults", () => {
  const { port, timeoutMs, retries, samples, version, sourcePort } = checkOptions({});
  assertEquals([port, timeoutMs, retries, samples, version, sourcePort], [123, 5000, 0, 1, 4, 0]);
});

test("an option of the wrong type is a TypeError that names it", () => {
  const wrong: [string, unknown][] = [
    ["port", "123"],
    ["timeoutMs", "5s"],
    ["retries", "none"],
    ["samples", {}],
    ["maxRootDistance", true],
    ["signal", {}],
    ["random", 7],
    ["bind", "deno"],
    ["resolve", []],
    ["clock", 5],
    ["timers", {}],
  ];
  for (const [name, value] of wrong) {
    const options = { [name]: value } as QueryOptions;
    assertStringIncludes(assertThrows(() => checkOptions(options), TypeError).message, name);
  }
});

test("an option out of range is a RangeError that names it and the value", () => {
  const wrong: [string, unknown][] = [
    ["port", 0],
    ["port", 65536],
    ["port", 1.5],
    ["timeoutMs", 0],
    ["timeoutMs", NaN],
    ["timeoutMs", Infinity],
    ["retries", -1],
    ["samples", 0],
    ["intervalMs", -1],
    ["version", 5],
    ["version", 0],
    ["sourcePort", -1],
    ["family", 5],
    ["maxRootDistance", 0],
  ];
  for (const [name, value] of wrong) {
    const options = { [name]: value } as QueryOptions;
    const { message } = assertThrows(() => checkOptions(options), RangeError);
    assertStringIncludes(message, name);
    assertStringIncludes(message, String(value));
  }
});

test("a client with wrong options is refused when it is made", () => {
  assertThrows(() => new NTPClient({ endpoint: "" }), TypeError);
  assertThrows(() => new NTPClient({} as { endpoint: string }), TypeError);
  assertThrows(() => new NTPClient({ endpoint: "::1", port: -1 }), RangeError);
});

test("a query with wrong arguments is refused before anything is sent", async () => {
  await assertRejects(() => query("", {}), TypeError);
  await assertRejects(() => query(7 as unknown as string), TypeError);
  await assertRejects(() => query("::1", { samples: 0 }), RangeError);
  await assertRejects(() => queryRaw("::1", { samples: 0 }), RangeError);
});
