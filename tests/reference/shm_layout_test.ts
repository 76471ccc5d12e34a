import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { SHM_SIZE, type ShmSample, ShmSegment } from "../../src/reference/shm_layout.ts";

/** Where C has the members of `struct shmTime`, with a `long` of 64 bits. */
const AT = {
  ...{ mode: 0, count: 4, clockSeconds: 8, clockMicroseconds: 16, receiveSeconds: 24 },
  ...{ receiveMicroseconds: 32, leap: 36, precision: 40, samples: 44, valid: 48 },
  ...{ clockNanoseconds: 52, receiveNanoseconds: 56 },
};
const SAMPLE: ShmSample = {
  clock: 1_800_000_000_123_456_789n,
  receive: 1_800_000_000_000_000_001n,
  leapIndicator: 1,
  precision: -20,
};

/** A segment as another program leaves it: mode 1, microseconds, and nanoseconds that agree. */
function written(more: Partial<Record<keyof typeof AT, number>> = {}) {
  const view = new DataView(new ArrayBuffer(SHM_SIZE));
  const fields = {
    ...{ mode: 1, count: 8, clockMicroseconds: 123456, receiveMicroseconds: 0, leap: 1 },
    ...{ precision: -20, valid: 1, clockNanoseconds: 123456789, receiveNanoseconds: 1, ...more },
  };
  view.setBigInt64(AT.clockSeconds, 1_800_000_000n, true);
  view.setBigInt64(AT.receiveSeconds, 1_800_000_000n, true);
  for (const [name, value] of Object.entries(fields)) {
    view.setInt32(AT[name as keyof typeof AT], value, true);
  }
  return { view, segment: new ShmSegment(view.buffer) };
}

/** Does something each time that the segment's words are read: what another processor may do. */
function whileReading(what: (read: number) => void, run: () => void): void {
  const { load } = Atomics;
  let reads = 0;
  const spy = (words: Int32Array, index: number): number => {
    const value = load(words, index);
    what(reads++);
    return value;
  };
  Object.assign(Atomics, { load: spy });
  try {
    run();
  } finally {
    Object.assign(Atomics, { load });
  }
}

test("SHM: a sample of mode 1 is taken once", () => {
  const { view, segment } = written();
  assertEquals(segment.take(), SAMPLE);
  assertEquals(view.getInt32(AT.valid, true), 0);
  assertEquals(view.getInt32(AT.count, true), 8); // the writer's
  assertEquals(segment.take(), "nothing new");
});

test("SHM: a sample of mode 0 is taken, and the writer told that it was", () => {
  const { view, segment } = written({ mode: 0, count: 0 });
  assertEquals(segment.take(), SAMPLE);
  assertEquals(view.getInt32(AT.valid, true), 0);
});

test("SHM: nothing that is not valid is taken", () => {
  assertEquals(written({ valid: 0 }).segment.take(), "nothing new");
  assertEquals(new ShmSegment(new ArrayBuffer(SHM_SIZE)).take(), "nothing new");
});

test("SHM: nanoseconds count if they agree with the microseconds", () => {
  const clockOf = (fields: Parameters<typeof written>[0]) => {
    const found = written(fields).segment.take();
    assert(typeof found === "object", `${found}`);
    return found.clock - 1_800_000_000_000_000_000n;
  };
  assertEquals(clockOf({ clockNanoseconds: 123_456_000 }), 123_456_000n);
  assertEquals(clockOf({ clockNanoseconds: 123_456_999 }), 123_456_999n);
  for (const stale of [0, 123_455_999, 123_457_000, -1, 2 ** 31 - 1]) {
    assertEquals(clockOf({ clockNanoseconds: stale }), 123_456_000n, `${stale}`);
  }
});

test("SHM: what no writer writes is malformed, and let go of", () => {
  const odd: Partial<Record<keyof typeof AT, number>>[] = [
    ...[{ mode: 2 }, { mode: -1 }, { leap: 4 }, { leap: -1 }],
    ...[{ clockMicroseconds: 1_000_000 }, { receiveMicroseconds: -1 }],
  ];
  for (const fields of odd) {
    const { segment } = written(fields);
    assertEquals(segment.take(), "malformed", JSON.stringify(fields));
    assertEquals(segment.take(), "nothing new");
  }
});

test("SHM: a writer that has begun while its sample is read is found out, whenever it begins", () => {
  // What it does in turn: valid off, count, the values, count, valid on.
  const steps: ((view: DataView) => void)[] = [
    (view) => view.setInt32(AT.valid, 0, true),
    (view) => view.setInt32(AT.count, 9, true),
    (view) => view.setBigInt64(AT.clockSeconds, 1_900_000_000n, true),
    (view) => view.setBigInt64(AT.receiveSeconds, 1_900_000_000n, true),
    (view) => view.setInt32(AT.count, 10, true),
    (view) => view.setInt32(AT.valid, 1, true),
  ];
  for (let begins = 0; begins < 4; begins++) {
    for (let done = 1; done <= steps.length; done++) {
      const { view, segment } = written();
      whileReading((read) => {
        if (read === begins) { for (const step of steps.slice(0, done)) step(view); }
      }, () => {
        const found = segment.take();
        // Either the one before, or the one after: never some of both.
        if (typeof found === "string") return assertEquals(found, "torn");
        const [clock, receive] = [found.clock, found.receive].map((time) => time / 1_000_000_000n);
        assertEquals(clock, receive, `step ${done} done after read ${begins}`);
      });
    }
  }
});

test("SHM: a torn sample does not cost the one that is being written", () => {
  const { view, segment } = written();
  whileReading((read) => {
    if (read === 1) view.setInt32(AT.count, 10, true);
  }, () => assertEquals(segment.take(), "torn"));
  assertEquals(segment.take(), SAMPLE);
});

test("SHM: what is put is where C looks for it", () => {
  const view = new DataView(new ArrayBuffer(SHM_SIZE)), segment = new ShmSegment(view.buffer);
  segment.put(SAMPLE);
  const at = (name: keyof typeof AT) => view.getInt32(AT[name], true);
  assertEquals([at("mode"), at("count"), at("valid")], [1, 2, 1]);
  assertEquals([at("leap"), at("precision")], [1, -20]);
  assertEquals(view.getBigInt64(AT.clockSeconds, true), 1_800_000_000n);
  assertEquals([at("clockMicroseconds"), at("clockNanoseconds")], [123_456, 123_456_789]);
  assertEquals(view.getBigInt64(AT.receiveSeconds, true), 1_800_000_000n);
  assertEquals([at("receiveMicroseconds"), at("receiveNanoseconds")], [0, 1]);
  segment.put(SAMPLE);
  assertEquals(at("count"), 4);
  assertEquals(segment.take(), SAMPLE);
});

test("SHM: times before 1970 and far ahead are put and taken as they are", () => {
  const segment = new ShmSegment(new ArrayBuffer(SHM_SIZE));
  for (const clock of [-1n, -1_000_000_001n, 0n, 999_999_999n, 2n ** 62n]) {
    segment.put({ ...SAMPLE, clock });
    assertEquals(segment.take(), { ...SAMPLE, clock });
  }
});
