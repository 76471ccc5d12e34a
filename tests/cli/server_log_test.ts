import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { describeStatistics } from "../../src/cli/server_log.ts";
import { ServerCounters } from "../../src/server/statistics.ts";
import { DROP_MODE, DROP_SHORT } from "../../src/server/drop_reason.ts";

test("server log: all that happened since the start, and between two looks", () => {
  const counters = new ServerCounters();
  assertEquals(describeStatistics(counters.snapshot()), "answered 0");
  counters.count(48, "answer");
  counters.count(48, "kiss");
  counters.count(DROP_MODE, "answer");
  counters.countError();
  const before = counters.snapshot();
  assertEquals(describeStatistics(before), "answered 1, kissed 1, dropped 1 (mode 1), errors 1");

  counters.count(52, "crypto-NAK");
  for (let i = 0; i < 3; i++) counters.count(DROP_SHORT, "answer");
  counters.count(DROP_MODE, "answer");
  assertEquals(
    describeStatistics(counters.snapshot(), before),
    "answered 0, crypto-NAKs 1, dropped 4 (short 3, mode 1)",
  );
});
