import { test } from "node:test";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { request } from "node:http";
import { StatusServer, type StatusServerOptions } from "../../src/metrics/status_server.ts";
import { NTPError } from "../../src/packet/error.ts";
import { NTPServer } from "../../src/server/ntp_server.ts";

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

/** Asks, with any method and header. */
function ask(port: number, path: string, options: object = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, path, ...options }, (response) => {
      let text = "";
      response.on("data", (piece) => text += piece);
      response.on("end", () => {
        resolve({ status: response.statusCode!, headers: response.headers, text });
      });
    });
    asked.on("error", reject);
    asked.end();
  });
}

async function serving(
  options: Partial<StatusServerOptions>,
  body: (port: number) => Promise<void>,
): Promise<void> {
  const server = new NTPServer();
  const status = new StatusServer({
    read: () => ({ server: server.statistics(), clock: server.clock.state() }),
    ...options,
  });
  const { hostname, port } = await status.listen({ port: 0 });
  assertEquals(hostname, "127.0.0.1");
  try {
    await body(port);
  } finally {
    await status.close();
    await status.close();
  }
  await assertRejects(() => ask(port, "/metrics"));
}

test("StatusServer: metrics in the text that is asked for", () =>
  serving({}, async (port) => {
    const plain = await ask(port, "/metrics");
    assertEquals([plain.status, plain.headers["content-type"]], [
      200,
      "text/plain; version=0.0.4; charset=utf-8",
    ]);
    assertStringIncludes(plain.text, "# TYPE ntps_received_total counter\nntps_received_total 0\n");
    const accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.1";
    const open = await ask(port, "/metrics?x=1", { headers: { accept } });
    assert(`${open.headers["content-type"]}`.startsWith("application/openmetrics-text"));
    assertStringIncludes(open.text, "# TYPE ntps_received counter\nntps_received_total 0\n");
    assert(open.text.endsWith("# EOF\n"));
    const head = await ask(port, "/metrics", { method: "HEAD" });
    assertEquals([head.status, head.text], [200, ""]);
    assertEquals(head.headers["content-length"], `${plain.text.length}`);
  }));

test("StatusServer: health is the clock's", async () => {
  const state = { synchronized: true };
  const clock = () => ({ ...new NTPServer().clock.state(), ...state });
  await serving({ read: () => ({ clock: clock() }) }, async (port) => {
    const { status, text, headers } = await ask(port, "/healthz");
    assertEquals([status, text, headers["cache-control"]], [200, "synchronised\n", "no-store"]);
    state.synchronized = false;
    const ill = await ask(port, "/healthz");
    assertEquals([ill.status, ill.text], [503, "not synchronised\n"]);
  });
  await serving({ read: () => ({}) }, async (port) => {
    assertEquals((await ask(port, "/healthz")).status, 503);
  });
});

test("StatusServer: status as JSON, with what its user adds", () =>
  serving({ status: () => ({ room: "12" }) }, async (port) => {
    const { text, headers } = await ask(port, "/status");
    const { clock, room, server } = JSON.parse(text);
    assertEquals([room, server.received, clock.synchronized], ["12", 0, true]);
    assertEquals(headers["content-type"], "application/json; charset=utf-8");
  }));

test("StatusServer: other paths, methods, names of this machine, and what fails", () =>
  serving({}, async (port) => {
    assertEquals((await ask(port, "/nowhere")).status, 404);
    for (const method of ["POST", "DELETE", "OPTIONS"]) {
      assertEquals((await ask(port, "/metrics", { method })).status, 405);
    }
    for (
      const [host, status] of [
        ["attacker.example", 403],
        [`attacker.example:${port}`, 403],
        [`localhost:${port}`, 200],
        ["127.0.0.1", 200],
        [`[::1]:${port}`, 200],
      ] as const
    ) assertEquals((await ask(port, "/healthz", { headers: { host } })).status, status);
    const { headers } = await ask(port, "/metrics");
    assertEquals(headers["content-security-policy"], "default-src 'none'");
    await assertRejects(
      () => new StatusServer({ read: () => ({}) }).listen({ port }),
      NTPError,
      "",
    );
  }));

test("StatusServer: a clock that fails is told, and ends nothing", async () => {
  let fails = true;
  const read = () => {
    if (fails) throw new Error("no fix");
    return {};
  };
  await serving({ read }, async (port) => {
    assertEquals((await ask(port, "/metrics")).status, 500);
    fails = false;
    assertEquals((await ask(port, "/metrics")).status, 200);
  });
  assertThrows(() => new StatusServer({ read: 1 as never }), TypeError, "read");
  assertThrows(() => new StatusServer({ read, status: 1 as never }), TypeError, "status");
});
