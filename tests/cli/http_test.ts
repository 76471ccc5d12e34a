// `--http` of `ntps serve` and `ntps sync`.
import { test } from "node:test";
import { assertEquals, assertMatch } from "@std/assert";
import { metricsText } from "../../src/metrics/metrics_text.ts";
import type { StatusServerOptions } from "../../src/metrics/status_server.ts";
import { FakeWorld } from "./fake_world.ts";

/** A world in which HTTP is only noted. */
function worldWithHttp() {
  const begun: { at: string; options: StatusServerOptions }[] = [];
  let open = 0;
  const world = Object.assign(new FakeWorld(), {
    makeStatus: (options: StatusServerOptions) => ({
      listen: ({ hostname = "?", port }: { hostname?: string; port: number }) => {
        open++;
        begun.push({ at: `${hostname} ${port}`, options });
        return Promise.resolve({ hostname, port: port || 9123 });
      },
      close: () => Promise.resolve(void open--),
    }),
  });
  return { world, begun, open: () => open };
}

test("ntps serve --http: what the server and its clock are, at the address", async () => {
  for (
    const [value, at, place] of [
      ["0", "127.0.0.1 0", "http://127.0.0.1:9123/metrics"],
      ["192.0.2.7:9100", "192.0.2.7 9100", "http://192.0.2.7:9100/metrics"],
      ["[::1]:9100", "::1 9100", "http://[::1]:9100/metrics"],
    ] as const
  ) {
    const { world, begun, open } = worldWithHttp();
    const ended = world.start("serve", "--http", value);
    await world.time.run(1000);
    assertEquals(begun.map((one) => one.at), [at]);
    assertEquals(
      world.stdout.text.split("\n")[1]!.split(" ").slice(1).join(" "),
      `metrics at ${place}`,
    );
    assertMatch(metricsText(begun[0]!.options.read()), /\nntps_clock_synchronized 1\n/);
    assertMatch(metricsText(begun[0]!.options.read()), /\nntps_received_total 0\n/);
    world.signal("SIGTERM");
    assertEquals([await world.time.runUntil(ended), open()], [0, 0]);
  }
});

test("ntps sync --http: its sources, and what it serves", async () => {
  const { world, begun, open } = worldWithHttp();
  await world.serve("192.0.2.1", { refid: "GPS", stratum: 1 });
  const ended = world.start("sync", "192.0.2.1", "--http", "9100", "--serve", "1123", "-d", "60s");
  await world.time.run(30_000);
  const { read, status } = begun[0]!.options;
  const text = metricsText(read());
  assertMatch(text, /\nntps_source_selected\{source="192\.0\.2\.1".*\} 1\n/);
  assertMatch(text, /\nntps_received_total 0\n/);
  assertEquals((status!()["sync"] as { stratum: number }).stratum, 2);
  assertEquals([await world.time.runUntil(ended), open()], [0, 0]);
});

test("ntps serve --http: wrong addresses", async () => {
  for (const value of ["name", "70000", "127.0.0.1:0x", "::1"]) {
    const { status, stderr } = await new FakeWorld().run("serve", "--http", value);
    assertEquals(status, 2, value);
    assertMatch(stderr, /--http|port/);
  }
});

test("--page needs --http, and asks for the page", async () => {
  for (const command of [["serve", "--page"], ["sync", "192.0.2.1", "--page"]]) {
    const { world } = worldWithHttp();
    const { status, stderr } = await world.run(...command);
    assertEquals(status, 2);
    assertMatch(stderr, /--page needs --http/);
  }
  const { world, begun } = worldWithHttp();
  const ended = world.start("serve", "--http", "0", "--page");
  await world.time.run(1000);
  assertEquals(begun[0]!.options.page, true);
  assertEquals(begun[0]!.options.read().server?.prefixes, []);
  assertMatch(world.stdout.text, / page at http:\/\/127\.0\.0\.1:9123\/, metrics at /);
  world.signal("SIGTERM");
  await world.time.runUntil(ended);
});
