import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { describeActivity, differs, hasFailed } from "../../src/cli/server_log.ts";
import { ServerCounters } from "../../src/server/statistics.ts";
import { DROP_MODE, DROP_SHORT } from "../../src/server/drop_reason.ts";

test("server log: all that happened since the start, and between two looks", () => {
  const counters = new ServerCounters();
  assertEquals(describeActivity(counters.snapshot()), "answered 0");
  counters.count(48, "answer");
  counters.count(48, "kiss");
  counters.count(DROP_MODE, "answer");
  counters.countError();
  const before = counters.snapshot();
  assertEquals(describeActivity(before), "answered 1, kissed 1, dropped 1 (mode 1), errors 1");

  counters.count(52, "crypto-NAK");
  for (let i = 0; i < 3; i++) counters.count(DROP_SHORT, "answer");
  counters.count(DROP_MODE, "answer");
  assertEquals(
    describeActivity(counters.snapshot(), before),
    "answered 0, crypto-NAKs 1, dropped 4 (short 3, mode 1)",
  );
});

test("server log: what peers send is no news by itself, broadcasts are", () => {
  const counters = new ServerCounters();
  const nothing = { sent: 0, failed: 0, silent: 0 };
  const before = { ...counters.snapshot(), broadcasts: nothing };
  counters.countRouted();
  const routed = { ...counters.snapshot(), broadcasts: nothing };
  assertEquals(describeActivity(routed, before), "answered 0, from peers 1");
  assertEquals([differs(routed, before), hasFailed(routed, before)], [false, false]);
  const sent = { ...routed, broadcasts: { sent: 2, failed: 0, silent: 0 } };
  assertEquals(describeActivity(sent, routed), "answered 0, broadcasts 2");
  assertEquals([differs(sent, routed), hasFailed(sent, routed)], [true, false]);
  const failed = { ...sent, broadcasts: { sent: 2, failed: 1, silent: 3 } };
  assertEquals(
    describeActivity(failed, sent),
    "answered 0, broadcasts failed 1, broadcasts left out for want of time 3",
  );
  assertEquals([differs(failed, sent), hasFailed(failed, sent)], [true, true]);
});
