import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { admissionOf, makeAdmissionTables } from "../../src/server/admission.ts";
import { DROP_ACCESS, DROP_RATE } from "../../src/server/drop_reason.ts";
import { KissBudget, makeKissTable } from "../../src/server/kiss_budget.ts";
import { makeRateLimitTable } from "../../src/server/rate_limit_table.ts";
import { RateLimiter } from "../../src/server/rate_limiter.ts";
import { makeCounts, ServerCounters } from "../../src/server/statistics.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";
import { startThread } from "../../src/transport/native/thread.ts";
import { ADDRESSES, countWithin, OPTIONS } from "./shared_tables.ts";

const now = new Uint32Array([3_900_000_000, 0]);

test("shared limiter: the same verdicts as one on memory of its own", () => {
  const limits = { ...OPTIONS, burst: 3, capacity: 1024, prefixBurst: 20, leak: 0.25 };
  const own = new RateLimiter(limits);
  const shared = new RateLimiter(limits, makeRateLimitTable(limits, true));
  assertEquals(shared.byteLength, own.byteLength);
  const at = new Uint32Array(now), address = new Uint8Array(16);
  let state = 1;
  const verdicts = new Set<string>();
  for (let i = 0; i < 50_000; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    address.set([(state >>> 20) & 7, (state >>> 16) & 15, state >>> 28], 13);
    at[1] = i * 80_000;
    const verdict = shared.check(address, at);
    verdicts.add(verdict);
    assertEquals(verdict, own.check(address, at));
  }
  assertEquals(verdicts.size, 4);
});

test("shared limiter: two on one table, or on a clone of it, are one", () => {
  const table = makeRateLimitTable(OPTIONS, true);
  const { bytes } = new Endpoint("192.0.2.1", 123);
  const limiters = [table, { ...table }, { key: table.key.slice(), entries: table.entries }]
    .map((one) => new RateLimiter(OPTIONS, one));
  let within = 0;
  for (let i = 0; i < 99; i++) if (limiters[i % 3]!.check(bytes, now) === "within") within++;
  assertEquals(within, 16);
});

test("shared limiter: threads at the same time answer no less than the burst, and hardly more", async () => {
  const table = makeRateLimitTable(OPTIONS, true);
  let begins = () => {};
  const begun = new Promise<void>((resolve) => begins = resolve);
  const counted = new Promise<number[]>((resolve, reject) => {
    const thread = startThread(new URL("./shared_tables_thread.ts", import.meta.url), {
      onMessage(message) {
        begins();
        if (!Array.isArray(message)) return;
        thread.terminate();
        resolve(message as number[]);
      },
      onEnd: (error) => reject(error ?? new Error("The thread ended")),
    });
    thread.post(table);
  });
  await begun;
  const own = countWithin(new RateLimiter(OPTIONS, table));
  const other = await counted;
  const sums = own.map((count, i) => count + other[i]!);
  const total = sums.reduce((sum, count) => sum + count, 0);
  assert(Math.min(...sums) >= 16, `${Math.min(...sums)}`);
  assert(Math.max(...sums) <= 32, `${Math.max(...sums)}`); // each thread at most its own burst
  assert(total < 1.5 * 16 * ADDRESSES, `${total}`);
});

test("shared kisses: two budgets on one table are one", () => {
  const table = makeKissTable(true);
  const budgets = [new KissBudget(undefined, table), new KissBudget(undefined, table)];
  const { bytes } = new Endpoint("192.0.2.1", 123);
  assertEquals(budgets[0]!.allows(bytes, now), true);
  assertEquals(budgets[1]!.allows(bytes, now), false);
  let kisses = 1;
  for (let i = 0; i < 100; i++) {
    if (budgets[i % 2]!.allows(new Endpoint(`10.${i}.0.1`, 123).bytes, now)) kisses++;
  }
  assertEquals(kisses, 32);
});

test("shared admission: whom one thread has limited is limited in all", () => {
  const access = [
    { prefix: "192.0.2.0/24", action: "limited" as const },
    { prefix: "198.51.100.0/24", action: "kod" as const },
  ];
  const limits = { burst: 2, leak: 0 };
  const tables = makeAdmissionTables(limits, true);
  const [one, other] = [admissionOf(access, limits, tables)!, admissionOf(access, limits, tables)!];
  const client = new Endpoint("192.0.2.1", 50000), unwanted = new Endpoint("198.51.100.1", 50000);
  assertEquals([one.judge(client, now), other.judge(client, now)], [0, 0]);
  assert(one.judge(client, now) > 0); // kissed
  assertEquals(other.judge(client, now), DROP_RATE);
  assert(other.judge(unwanted, now) > 0); // kissed
  assertEquals(one.judge(unwanted, now), DROP_ACCESS);
});

test("shared counters: the counts of all threads are one sum", () => {
  const [first, second] = [makeCounts(true), makeCounts(true)];
  const server = new ServerCounters();
  const threads = [new ServerCounters(first), new ServerCounters(second)];
  server.count(48, "answer");
  threads[0]!.count(48, "answer");
  threads[0]!.count(48, "kiss");
  threads[1]!.count(52, "crypto-NAK");
  threads[1]!.count(DROP_RATE, "answer");
  threads[1]!.countRouted();
  threads[1]!.countError();
  threads[0]!.countPacket(0x23);
  threads[1]!.countPacket(0xe3);
  threads[1]!.countDelay(5000);
  const { dropped, packets, replyDelays, ...counts } = server.snapshot([first, second]);
  assertEquals(counts, {
    received: 6,
    answered: 2,
    kissed: 1,
    ntsNaks: 0,
    nts: 0,
    cryptoNaks: 1,
    routed: 1,
    decisions: {},
    errors: 1,
  });
  assertEquals(packets, [{ version: 4, mode: 3, count: 2 }]);
  assertEquals([replyDelays.counts[1], replyDelays.sum], [1, 5000 / 2 ** 32]);
  assertEquals([dropped.rate, dropped.access], [1, 0]);
  assertEquals(server.snapshot().received, 1);
});
