import { test } from "node:test";
import { assertEquals } from "@std/assert";
import type { BatchObservableCallback, Meter, Observable } from "@opentelemetry/api";
import { NTPServer, query } from "../../mod.ts";
import { observe } from "../../examples/opentelemetry.ts";

test("examples/opentelemetry.ts tells a meter what the server has done", async () => {
  let callback: BatchObservableCallback = () => {};
  let watched: Observable[] = [];
  const names = new Map<Observable, string>();
  const instrument = (name: string) => {
    const made = { addCallback() {}, removeCallback() {} };
    names.set(made, name);
    return made;
  };
  const meter = {
    createObservableCounter: instrument,
    createObservableGauge: instrument,
    addBatchObservableCallback(given: BatchObservableCallback, observables: Observable[]) {
      callback = given;
      watched = observables;
    },
  } as unknown as Meter;
  await using server = new NTPServer();
  observe(server, meter);
  const { port } = await server.listen({ hostname: "127.0.0.1", port: 0 });
  await query("127.0.0.1", { port });
  const seen = new Map<string, number>();
  await callback({
    observe(one: Observable, value: number, attributes: Record<string, unknown> = {}) {
      seen.set([names.get(one), ...Object.values(attributes)].join(" "), value);
    },
  });
  assertEquals(watched.length, 5);
  assertEquals(seen.get("ntp.server.received"), 1);
  assertEquals(seen.get("ntp.server.replies answer"), 1);
  assertEquals(seen.get("ntp.server.dropped mode"), 0);
  assertEquals(seen.get("ntp.server.clock.synchronized"), 1);
});
