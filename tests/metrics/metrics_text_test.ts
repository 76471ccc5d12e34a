import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { MetricWriter } from "../../src/metrics/metric_writer.ts";
import { metricsText } from "../../src/metrics/metrics_text.ts";
import { KeCounters } from "../../src/nts/ke/ke_statistics.ts";
import { NTPServer } from "../../src/server/ntp_server.ts";
import { NTPSync } from "../../src/sync/ntp_sync.ts";
import { Stage } from "../client/stage.ts";

/** A line of a metric, or of what is said about it. */
const SAMPLE = /^[a-z_]+(\{[a-z_]+="[^"\n]*"(,[a-z_]+="[^"\n]*")*\})? -?[\d.]+(e-?\d+)?$/;

test("metrics: a histogram counts upwards", () => {
  const writer = new MetricWriter("prometheus");
  writer.addHistogram("x_seconds", "Times.", { bounds: [0.001, 0.5], counts: [2, 0, 3], sum: 9.5 });
  assertEquals(writer.end().split("\n"), [
    "# HELP x_seconds Times.",
    "# TYPE x_seconds histogram",
    'x_seconds_bucket{le="0.001"} 2',
    'x_seconds_bucket{le="0.5"} 2',
    'x_seconds_bucket{le="+Inf"} 5',
    "x_seconds_sum 9.5",
    "x_seconds_count 5",
    "",
  ]);
});

test("metrics: both texts, with what is said of each metric before its samples", () => {
  for (const format of ["openmetrics", "prometheus"] as const) {
    const writer = new MetricWriter(format);
    writer.add("x_seen", "counter", "What was seen.", [[1, { kind: 'a"b\\c\nd' }], [NaN], [2.5]]);
    writer.add("x_none", "gauge", "Nothing.", [[undefined], [Infinity]]);
    writer.add("x_now_seconds", "gauge", "Now.", [[-1e-9]]);
    const family = format === "openmetrics" ? "x_seen" : "x_seen_total";
    assertEquals(writer.end().split("\n"), [
      `# HELP ${family} What was seen.`,
      `# TYPE ${family} counter`,
      'x_seen_total{kind="a\\"b\\\\c\\nd"} 1',
      "x_seen_total 2.5",
      "# HELP x_now_seconds Now.",
      "# TYPE x_now_seconds gauge",
      "x_now_seconds -1e-9",
      ...(format === "openmetrics" ? ["# EOF"] : []),
      "",
    ]);
  }
});

test("metrics: of a server, its key exchange, and a clock that follows it", async () => {
  const stage = new Stage();
  const server = new NTPServer({ clock: stage.clock(), bind: stage.network.bind });
  await server.listen({ hostname: "192.0.2.1" });
  const sync = await stage.time.runUntil(
    NTPSync.start({ ...stage.world, servers: ["192.0.2.1"], pools: [] }),
  );
  await stage.time.run(100_000);
  const text = metricsText({
    server: server.statistics(),
    clock: server.clock.state(),
    keyExchange: new KeCounters().snapshot(3),
    ntsCookies: 7,
    sync,
  });
  const { answered, dropped } = server.statistics();
  assert(answered > 3);
  for (
    const line of [
      `ntps_replies_total{kind="answer"} ${answered}`,
      ...Object.keys(dropped).map((reason) => `ntps_dropped_total{reason="${reason}"} 0`),
      `ntps_packets_total{version="4",mode="3"} ${answered}`,
      `ntps_reply_delay_seconds_count ${answered}`,
      "ntps_nts_cookies_total 7",
      "ntps_key_exchange_active 3",
      "ntps_clock_synchronized 1",
      'ntps_source_selected{source="192.0.2.1",kind="server",address="192.0.2.1"} 1',
      'ntps_source_poll_seconds{source="192.0.2.1",kind="server",address="192.0.2.1"} 64',
    ]
  ) assertStringIncludes(text, `\n${line}\n`);
  assertMatch(text, /\nntps_clock_max_error_seconds 0\.0\d+\n/);
  const lines = text.split("\n");
  assertEquals(lines.slice(-2), ["# EOF", ""]);
  // Each metric once, in one piece.
  const families = lines.filter((line) => line.startsWith("# TYPE")).map((line) =>
    line.split(" ")[2]
  );
  assertEquals(new Set(families).size, families.length);
  for (const line of lines.slice(0, -2)) if (!line.startsWith("#")) assertMatch(line, SAMPLE);
  await sync.close();
  await server.close();
  assertEquals(metricsText({}), "# EOF\n");
});
