// The dashboard of packaging/: it asks for nothing that the library does not tell, and for all that it does.
import { test } from "node:test";
import { readFileSync } from "node:fs";
import { assert, assertEquals } from "@std/assert";
import { metricsText } from "../../src/metrics/mod.ts";
import { KeCounters } from "../../src/nts/ke/ke_statistics.ts";
import { NTPServer } from "../../src/server/ntp_server.ts";
import { NTPSync } from "../../src/sync/ntp_sync.ts";
import { Stage } from "../client/stage.ts";

interface Panel {
  title: string;
  targets: { expr: string }[];
  gridPos: { x: number; y: number; w: number; h: number };
}

const { panels } = JSON.parse(
  readFileSync(new URL("../../packaging/grafana.json", import.meta.url), "utf8"),
) as { panels: Panel[] };

test("Grafana: the dashboard asks for metrics that there are", async () => {
  const stage = new Stage();
  const server = new NTPServer({ clock: stage.clock(), bind: stage.network.bind, rateLimit: {} });
  await server.listen({ hostname: "192.0.2.1" });
  const sync = await stage.time.runUntil(
    NTPSync.start({ ...stage.world, servers: ["192.0.2.1"], pools: [] }),
  );
  const text = metricsText({
    server: server.statistics(),
    sync,
    keyExchange: new KeCounters().snapshot(0),
    ntsCookies: 1,
  }, "prometheus");
  await sync.close();
  await server.close();
  const there = new Set([...text.matchAll(/^(ntps_\w+)/gm)].map(([, name]) => name!));
  const asked = panels.flatMap(({ targets }) =>
    targets.flatMap(({ expr }) => expr.match(/ntps_\w+/g) ?? [])
  );
  assert(asked.length > 15);
  assertEquals(asked.filter((name) => !there.has(name)), []);
});

test("Grafana: panels do not lie upon each other", () => {
  for (const [i, { gridPos: a, title }] of panels.entries()) {
    assert(a.x + a.w <= 24, title);
    for (const { gridPos: b, title: other } of panels.slice(i + 1)) {
      const apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
      assert(apart, `${title} and ${other}`);
    }
  }
});
