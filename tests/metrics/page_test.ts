// The feed behind the page, and the events that it sends. What the page does with them is tested in a
// browser: `npm run test:page`.
import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { request } from "node:http";
import type { MetricsInput } from "../../src/metrics/metrics_text.ts";
import { PageFeed } from "../../src/metrics/page/page_feed.ts";
import { pageText } from "../../src/metrics/page/page.ts";
import { pagePoint } from "../../src/metrics/page/page_point.ts";
import { StatusServer } from "../../src/metrics/status_server.ts";
import { NTPServer } from "../../src/server/ntp_server.ts";
import { VirtualTime } from "../../src/testing/virtual_time.ts";

function input(): MetricsInput {
  const server = new NTPServer({ countPrefixes: true });
  return { server: server.statistics(), clock: server.clock.state() };
}

test("page: a point has what there is, and null for what is not known", () => {
  const point = pagePoint(input(), 1000);
  assertEquals(point.at, 1000);
  assertEquals([point.server?.received, point.server?.prefixes], [0, []]);
  assertEquals([point.clock?.synchronized, point.clock?.remaining], [true, null]);
  assertEquals(point.sources, []);
  assertEquals(pagePoint({}, 5), { at: 5, server: null, clock: null, sources: [] });
  assertEquals(JSON.parse(JSON.stringify(point)), point);
});

test("page: the feed keeps five minutes, and goes on when a clock fails", async () => {
  const time = new VirtualTime();
  let fails = false, seen = 0;
  const feed = new PageFeed({
    read: () => {
      if (fails) throw new Error("no fix");
      return input();
    },
    timers: time,
    now: () => time.elapsedMs,
  });
  const stop = feed.watch(() => seen++);
  assertEquals(feed.points.map(({ at }) => at), [0]);
  await time.run(400_000);
  assertEquals([feed.points.length, feed.points[0]!.at, seen], [300, 101_000, 400]);
  fails = true;
  await time.run(10_000);
  fails = false;
  stop();
  await time.run(5_000);
  assertEquals([feed.points.at(-1)!.at, seen, feed.watchers], [415_000, 400, 0]);
  feed.close();
  await time.run(5_000);
  assertEquals(feed.points.at(-1)!.at, 415_000);
});

test("page: one document, which asks nobody else for anything", () => {
  const text = pageText("n0nce");
  assertEquals(text.match(/(?:src|href)="(?!data:,")/g), null);
  assertEquals(text.match(/https?:\/\/(?!www\.w3\.org\/2000\/svg)/g), null);
  assertEquals(text.match(/<(script|style)(?! nonce="n0nce")/g), null);
  assertEquals(text.match(/\son\w+=|innerHTML|eval\(/g), null);
});

/** What arrives until there is enough. */
function take(port: number, path: string, until: (text: string) => boolean, host = "localhost") {
  return new Promise<{ status: number; headers: Record<string, unknown>; text: string }>(
    (resolve, reject) => {
      const asked = request({ host: "127.0.0.1", port, path, headers: { host } }, (response) => {
        let text = "";
        const done = () => {
          resolve({ status: response.statusCode!, headers: response.headers, text });
          asked.destroy();
        };
        response.on("data", (piece) => {
          text += piece;
          if (until(text)) done();
        });
        response.on("end", done);
        response.on("error", () => {});
      });
      asked.on("error", reject);
      asked.end();
    },
  );
}

test("StatusServer: the page, and its events, only where they are wanted", async () => {
  const time = new VirtualTime();
  const status = new StatusServer({ read: input, page: true, timers: time });
  const { port } = await status.listen({ port: 0 });
  const whole = () => false;
  const page = await take(port, "/", whole);
  assertEquals([page.status, page.headers["content-type"]], [200, "text/html; charset=utf-8"]);
  const nonce = /script-src 'nonce-([^']+)'/.exec(`${page.headers["content-security-policy"]}`)![1];
  assert(page.text.includes(`<script nonce="${nonce}">`));
  const other = await take(port, "/", whole);
  assert(!other.text.includes(nonce!), "a nonce is used once");

  const events = take(port, "/events", (text) => text.split("\n\n").length > 3);
  for (let i = 0; i < 100 && (await Promise.race([events, undefined])) === undefined; i++) {
    await time.run(1000);
    await new Promise((resolve) => setTimeout(resolve, 5)); // real sockets take real time
  }
  const { text, headers, status: code } = await events;
  assertEquals([code, headers["content-type"]], [200, "text/event-stream; charset=utf-8"]);
  assertMatch(text, /^event: history\ndata: \[\{"at":\d+,/);
  assertMatch(text, /\n\ndata: \{"at":\d+,"server":\{"received":0,/);

  assertEquals((await take(port, "/events", () => true, "attacker.example")).status, 403);
  assertEquals((await take(port, "/", whole, "attacker.example")).status, 403);
  await status.close();

  const plain = new StatusServer({ read: input });
  const { port: another } = await plain.listen({ port: 0 });
  assertEquals((await take(another, "/", whole)).status, 404);
  assertEquals((await take(another, "/events", whole)).status, 404);
  await plain.close();
  assertThrows(() => new StatusServer({ read: input, page: 1 as never }), TypeError, "page");
});

test("StatusServer: so many may watch, and no more; who goes makes room", async () => {
  const status = new StatusServer({ read: input, page: true });
  const { port } = await status.listen({ port: 0 });
  const open = await Promise.all(
    Array.from({ length: 16 }, () =>
      new Promise<{ destroy(): void }>((resolve) => {
        const asked = request({ host: "127.0.0.1", port, path: "/events" }, (response) => {
          response.on("error", () => {});
          response.once("data", () => resolve(asked));
        });
        asked.on("error", () => {});
        asked.end();
      })),
  );
  assertEquals((await take(port, "/events", () => true)).status, 503);
  open[0]!.destroy();
  let status2 = 503;
  for (let i = 0; i < 200 && status2 === 503; i++) {
    status2 = (await take(port, "/events", () => true)).status;
    await new Promise((resolve) => setTimeout(resolve, 10)); // until the other end has noticed
  }
  assertEquals(status2, 200);
  for (const one of open) one.destroy();
  await status.close();
});
