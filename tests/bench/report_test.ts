import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { median, Report } from "../../bench/lib/report.mjs";

function sample(): Report {
  const baseline = { text: "base", of: () => "base" };
  const report = new Report("name", { cores: 2 }, baseline);
  for (const value of [40, 20, 30]) report.add("base", "p50 us", "us", value);
  for (const value of [10, 12345.6]) report.add("ours", "p50 us", "us", value);
  report.add("ours", "bytes", "bytes", 0);
  return report;
}

test("bench: the median is the middle value, or between the two middle ones", () => {
  assertEquals(median([9, 1, 5]), 5);
  assertEquals(median([9, 1, 5, 7]), 6);
});

test("bench: a report gives medians and their ratio to the baseline's", () => {
  assertEquals(JSON.parse(JSON.stringify(sample())), {
    name: "name",
    machine: { cores: 2 },
    rows: [
      { subject: "base", measure: "p50 us", value: 30, unit: "us", baseline: "base", ratio: 1 },
      {
        subject: "ours",
        measure: "p50 us",
        value: 6178,
        unit: "us",
        baseline: "base",
        ratio: 205.933,
      },
      // The baseline has no such figure.
      { subject: "ours", measure: "bytes", value: 0, unit: "bytes", baseline: "base", ratio: null },
    ],
  });
});

test("bench: the table has a line for each subject and a dash for what was not measured", () => {
  assertEquals(sample().table().split("\n"), [
    "      p50 us   ratio  bytes  ratio",
    "base      30    1.00      –       ",
    "ours   6,178  205.93      0       ",
    "",
    "Ratios are to base.",
  ]);
});
