import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { runModel } from "../../bench/lib/exchange_model.ts";
import { plain } from "../../bench/lib/sync_plain.ts";
import { type Row, ROWS } from "../../bench/lib/sync_rows.ts";
import { judge, tableOf } from "../../bench/lib/sync_table.mjs";
import { runRow } from "../../bench/lib/sync_world.ts";

function rowOf(id: string): Row {
  return ROWS.find((row) => row.id === id)!;
}

/** Figures that meet all bars of S1 and S11. */
const GOOD = {
  rmsTime: 2e-5,
  maxTime: 1e-4,
  rmsFrequency: 1e-7,
  converged: 5,
  requestInterval: 64,
  boundsHeld: 100,
  boundsWidth: 2,
};

test("bench:sync: the bars are chronyd's and ntpd's figures, and those of bounds", () => {
  assertEquals(judge(rowOf("S1"), GOOD), []);
  // chronyd has 2.38e-5, ntpd 2.33e-5.
  assertMatch(
    judge(rowOf("S1"), { ...GOOD, rmsTime: 2.35e-5 }).join(),
    /^RMS time .* 0\.0000233 s$/,
  );
  assertMatch(judge(rowOf("S1"), { ...GOOD, rmsFrequency: 1.3e-7 }).join(), /^RMS freq/);
  assertEquals(judge(rowOf("S1"), { ...GOOD, converged: 500 }), []);
  assertMatch(judge(rowOf("S11"), { ...GOOD, converged: 7 }).join(), /^converged after 7 s/);
  for (const id of ["S1", "X1"]) {
    assertMatch(judge(rowOf(id), { ...GOOD, boundsHeld: 99.9 }).join(), /^bounds held/);
    assertMatch(judge(rowOf(id), { ...GOOD, boundsWidth: 3.1 }).join(), /^bounds width/);
  }
  assertEquals(judge(rowOf("X1"), { ...GOOD, rmsTime: 1, rmsFrequency: 1 }), []);
  assertEquals(judge(rowOf("S1"), { ...GOOD, rmsTime: NaN }).length, 1);
});

test("bench:sync: the table has a line for each row, and says what was missed", () => {
  const lines = [
    { row: rowOf("S1"), ours: GOOD, misses: [] },
    { row: rowOf("X1"), ours: { ...GOOD, converged: Infinity }, misses: ["bounds held 99 %"] },
  ];
  const [, heads, first, second] = tableOf(lines).split("\n");
  assertMatch(heads!, /ours +chronyd +ntpd/);
  assertMatch(first!, /^S1 LAN +20 +23\.8 +23\.3 +0\.84 +0\.86 .* met$/);
  assertMatch(second!, /never .* missed$/);
});

test("bench:sync: rows have names of their own, and sensible conditions", () => {
  assertEquals(new Set(ROWS.map(({ id }) => id)).size, ROWS.length);
  for (const row of ROWS) {
    assertEquals(row.baseline !== undefined, row.id.startsWith("S"), row.id);
    assert(row.from < row.seconds && row.minPoll <= row.maxPoll && row.servers.length > 0, row.id);
  }
});

test("bench:sync: in a world, a run is the same each time, and a loop keeps a clock right", async () => {
  const row = { ...rowOf("S1"), seconds: 5000, from: 2000 };
  const [one, same, other] = [
    await runRow(row, 1, plain),
    await runRow(row, 1, plain),
    await runRow(row, 2, plain),
  ];
  assertEquals(one.rmsTime, same.rmsTime);
  assert(one.rmsTime !== other.rmsTime);
  assert(one.rmsTime < 2e-4, `${one.rmsTime}`);
  assertEquals(one.count, 3001);
  assert(Math.abs(one.requestInterval - 64) < 1, `${one.requestInterval}`);
  assert(Number.isNaN(one.boundsHeld)); // it tells none
});

test("bench:sync: bounds that do not hold are counted, and the machine's clock before there is another", async () => {
  const row = { ...rowOf("S11"), seconds: 100 };
  const result = await runRow(row, 1, async ({ clock, timers }) => {
    await new Promise<void>((resolve) => timers.after(50_500, resolve));
    const now = () => clock.now();
    return {
      clock: { read: (into) => into.set([0, 0]) },
      rate: () => 1,
      bounds: () => ({ earliest: now(), latest: now() + 5n }), // it is 0.1 s ahead
      rootDistance: () => 1,
    };
  });
  assertEquals([result.boundsHeld, result.count], [0, 100]);
  assert(result.medianTime > 1e6); // of 100 instants 50 are of the clock that stands still
  assert(result.requestInterval === Infinity);
});

test("bench:sync: the model without packets is the same model", () => {
  const row = { ...rowOf("S1"), seconds: 20_000, from: 1000 };
  // A client that only steps to each offset: the error after it is that of one exchange, half the
  // difference of two exponential delays of 1e-4 s, and what the clock drifts in 64 s.
  const statistics = runModel(row, 1, () => {
    let offset = 0, next = 0;
    return {
      time: (raw) => raw + offset,
      rate: () => 1,
      nextRequest: (_server, raw) => next = next === 0 ? raw + 1e-9 : next + 64,
      onExchange(_server, t1, t2, t3, t4) {
        offset = ((t2 - t1) + (t3 - t4)) / 2;
      },
    };
  });
  const exchange = 1e-4 / Math.SQRT2;
  // Frequency walks to 1e-9·√T, and the error grows by it for 64 s: 64/√3 of its RMS.
  const drift = 1e-9 * Math.sqrt(10_000) * 64 / Math.sqrt(3);
  const expected = Math.sqrt(exchange ** 2 + drift ** 2);
  assert(Math.abs(statistics.rmsTime / expected - 1) < 0.15, `${statistics.rmsTime / expected}`);
});
