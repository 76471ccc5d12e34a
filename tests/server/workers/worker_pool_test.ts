import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { NTPError } from "../../../src/packet/mod.ts";
import { WorkerPool } from "../../../src/server/workers/worker_pool.ts";
import { VirtualTime } from "../../../src/testing/mod.ts";
import { FakeThread, makePart, RULES } from "./fake_threads.ts";

/** A pool of workers that run nowhere. */
class Scene {
  readonly time = new VirtualTime();
  readonly threads: FakeThread[] = [];
  readonly errors: string[] = [];
  readonly routed: number[] = [];
  readonly parts = [makePart(7), makePart(8)];
  refusal: Error | undefined;
  readonly pool: WorkerPool = new WorkerPool({
    parts: this.parts,
    start: (events) => {
      if (this.refusal) throw this.refusal;
      const thread = new FakeThread(events);
      this.threads.push(thread);
      return thread;
    },
    timers: this.time,
    onError: ({ message }) => this.errors.push(message),
    onRouted: (worker) => this.routed.push(worker),
  });

  /** All threads that wait to be told so say that they serve. */
  async start(): Promise<void> {
    const started = this.pool.start();
    for (const thread of this.threads) thread.say({ type: "ready" });
    await started;
  }

  /** Lets time pass in which the workers show that they live. */
  live(seconds: number): void {
    for (let i = 0; i < seconds; i++) {
      for (const { control } of this.parts) control.beat();
      this.time.advance(1000);
    }
  }
}

test("workers: listening has begun when all serve", async () => {
  const { pool, threads } = new Scene();
  let isStarted = false;
  const started = pool.start().then(() => isStarted = true);
  assertEquals(threads.map(({ posted }) => posted.map(({ type }) => type)), [["setup"], ["setup"]]);
  threads[0]!.say({ type: "ready" });
  await Promise.resolve();
  assertEquals([isStarted, pool.serving], [false, 1]);
  threads[1]!.say({ type: "ready" });
  await started;
  assertEquals([pool.serving, pool.restarts], [2, 0]);
});

test("workers: one that cannot serve ends all, with the reason", async () => {
  const { pool, threads, time } = new Scene();
  const started = pool.start();
  started.catch(() => {}); // looked at below
  threads[0]!.say({ type: "ready" });
  threads[1]!.say({ type: "failed", code: "unsupported", message: "no such call" });
  await time.run(1);
  threads[0]!.say({ type: "ended" });
  const error = await assertRejects(() => started, NTPError, "Worker 2 of 2 did not start");
  assertStringIncludes(error.message, "no such call");
  assertEquals(error.code, "unsupported");
  assertEquals(threads.map(({ isTerminated }) => isTerminated), [true, true]);
});

test("workers: one that does not come up is not waited for without end", async () => {
  const { pool, threads, time } = new Scene();
  const started = pool.start();
  const rejected = assertRejects(() => started, NTPError, "did not start within 10000 ms");
  threads[1]!.say({ type: "ready" });
  time.advance(10_000);
  await Promise.resolve(); // the other one is being ended, and does not answer either
  await time.run(3000);
  assertEquals((await rejected).code, "timeout");
  assertEquals(threads.map(({ isTerminated }) => isTerminated), [true, true]);
});

test("workers: where there are no threads at all, that is said", async () => {
  const scene = new Scene();
  scene.refusal = new NTPError("unsupported", "no threads here");
  await assertRejects(() => scene.pool.start(), NTPError, "no threads here");
});

test("workers: one that dies is restarted at once, then later and later; each is told", async () => {
  const scene = new Scene();
  const { pool, threads, time, errors } = scene;
  await scene.start();
  threads[0]!.die(new Error("out of memory"));
  assertStringIncludes(errors[0]!, "Worker 1 of 2 died and is restarted now: out of memory");
  assertEquals(pool.serving, 1);
  time.advance(0);
  assertEquals([threads.length, pool.restarts], [3, 1]);
  threads[2]!.say({ type: "ready" });
  assertEquals(pool.serving, 2);

  const delays: number[] = [];
  for (let i = 0; i < 12; i++) {
    const before = threads.length;
    threads.at(-1)!.die();
    let waited = 0;
    while (threads.length === before) {
      scene.parts[1]!.control.beat();
      time.advance(100);
      waited += 100;
      assert(waited <= 30_000);
    }
    delays.push(waited);
    threads.at(-1)!.say({ type: "ready" });
  }
  assertEquals(delays.slice(0, 5), [100, 200, 400, 800, 1600]);
  assertEquals(delays.at(-1), 30_000);
  assertEquals(pool.restarts, 13);
});

test("workers: after a minute of service a death counts as the first", async () => {
  const scene = new Scene();
  await scene.start();
  for (let i = 1; i <= 3; i++) {
    scene.live(61);
    scene.threads.at(-1)!.die();
    assertStringIncludes(scene.errors.at(-1)!, "restarted now");
    scene.time.advance(0);
    scene.threads.at(-1)!.say({ type: "ready" });
  }
});

test("workers: one that gives no sign of life is replaced, and not heard any more", async () => {
  const scene = new Scene();
  const { pool, threads, errors } = scene;
  await scene.start();
  scene.live(30);
  assertEquals(errors, []);
  for (let i = 0; i < 6; i++) {
    scene.parts[0]!.control.beat();
    scene.time.advance(1000);
  }
  assertEquals(errors.length, 1);
  assertStringIncludes(errors[0]!, "Worker 2 of 2 died");
  assertStringIncludes(errors[0]!, "no sign of life for 5000 ms");
  assertEquals([threads[1]!.isTerminated, threads.length, pool.restarts], [true, 3, 1]);
  threads[1]!.say({ type: "routed" });
  threads[1]!.die();
  assertEquals([scene.routed, errors.length], [[], 1]);
});

test("workers: a new one is told the rules of now, and the running ones when they change", async () => {
  const scene = new Scene();
  const { pool, threads, parts } = scene;
  await scene.start();
  const rules = { ...RULES, access: [{ prefix: "192.0.2.0/24", action: "allow" as const }] };
  pool.setRules(rules);
  assertEquals(threads.map(({ posted }) => posted.at(-1)), [
    { type: "rules", rules },
    { type: "rules", rules },
  ]);
  assertEquals(parts.map(({ control }) => control.posted), [1, 1]);
  threads[0]!.die();
  scene.time.advance(0);
  const [first] = threads[2]!.posted;
  assert(first?.type === "setup");
  assertEquals(first.setup.rules, rules);
  assertEquals([first.setup.posted, first.setup.socket.fd], [1, 7]);
});

test("workers: errors and datagrams of workers are passed on", async () => {
  const scene = new Scene();
  await scene.start();
  scene.threads[1]!.say({ type: "routed" });
  scene.threads[1]!.say({ type: "error", code: "system", message: "the socket says so" });
  assertEquals([scene.routed, scene.errors], [[1], ["the socket says so"]]);
  assertEquals(scene.pool.serving, 2);
});

test("workers: closing waits for those that end by themselves, and not long for others", async () => {
  const scene = new Scene();
  const { pool, threads, parts, time } = scene;
  await scene.start();
  let isClosed = false;
  const closed = pool.close().then(() => isClosed = true);
  assertEquals(parts.map(({ control }) => control.isEnding), [true, true]);
  threads[0]!.say({ type: "ended" });
  await time.run(1999);
  assertEquals(isClosed, false);
  await time.run(2);
  await closed;
  assertEquals(threads.map(({ isTerminated }) => isTerminated), [true, true]);
  assertEquals([pool.serving, time.pending], [0, 0]);
  threads[0]!.die();
  await time.run(100_000);
  assertEquals([threads.length, scene.errors], [2, []]);
});

test("workers: closing while they start tells who waits", async () => {
  const { pool, threads } = new Scene();
  const rejected = assertRejects(() => pool.start(), NTPError, "closed before it listened");
  const closed = pool.close();
  for (const thread of threads) thread.say({ type: "ended" });
  await closed;
  assertEquals((await rejected).code, "closed");
});

test("workers: one that waits for its restart when all is closed is not restarted", async () => {
  const scene = new Scene();
  await scene.start();
  scene.threads[0]!.die();
  const closed = scene.pool.close();
  scene.threads[1]!.say({ type: "ended" });
  await closed;
  await scene.time.run(60_000);
  assertEquals(scene.threads.length, 2);
});
