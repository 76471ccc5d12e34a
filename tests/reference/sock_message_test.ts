import { test } from "node:test";
import { assertEquals } from "@std/assert";
import {
  decodeSockSample,
  encodeSockSample,
  SOCK_LENGTH,
  type SockSample,
} from "../../src/reference/sock_message.ts";

const SAMPLE: SockSample = {
  time: 1_800_000_000_123_456_000n,
  offset: -0.125,
  pulse: false,
  leapIndicator: 2,
};

/** `struct sock_sample` as C lays it out: a timeval, a double, four ints. */
function written(more: Partial<Record<"microseconds" | "offset" | "leap" | "magic", number>> = {}) {
  const { microseconds = 123_456, offset = -0.125, leap = 2, magic = 0x534f434b } = more;
  const view = new DataView(new ArrayBuffer(40));
  view.setBigInt64(0, 1_800_000_000n, true);
  view.setBigInt64(8, BigInt(microseconds), true);
  view.setFloat64(16, offset, true);
  view.setInt32(28, leap, true);
  view.setInt32(32, 99, true); // padding: whatever was there
  view.setInt32(36, magic, true);
  return new Uint8Array(view.buffer);
}

test("SOCK: a sample is read where C has written it", () => {
  assertEquals(decodeSockSample(written()), SAMPLE);
  const pulse = written();
  pulse[24] = 1;
  assertEquals(decodeSockSample(pulse), { ...SAMPLE, pulse: true });
});

test("SOCK: a sample is written where C looks for it", () => {
  const bytes = new Uint8Array(SOCK_LENGTH).fill(0xff);
  encodeSockSample({ ...SAMPLE, time: SAMPLE.time + 999n }, bytes); // microseconds are kept
  const expected = written();
  expected.fill(0, 32, 36);
  assertEquals([...bytes], [...expected]);
  for (const pulse of [false, true]) {
    for (const leapIndicator of [0, 1, 2, 3] as const) {
      encodeSockSample({ ...SAMPLE, pulse, leapIndicator }, bytes);
      assertEquals(decodeSockSample(bytes), { ...SAMPLE, pulse, leapIndicator });
    }
  }
});

test("SOCK: what is no sample", () => {
  assertEquals(decodeSockSample(written({ magic: 0x534f434c })), undefined);
  assertEquals(decodeSockSample(new Uint8Array(40)), undefined);
  for (const leap of [-1, 4]) assertEquals(decodeSockSample(written({ leap })), undefined);
  for (const microseconds of [-1, 1_000_000]) {
    assertEquals(decodeSockSample(written({ microseconds })), undefined);
  }
});

test("SOCK: an offset that is no time, or of ages", () => {
  for (const offset of [NaN, Infinity, -Infinity, 1e300, -1e300, 1e10]) {
    assertEquals(decodeSockSample(written({ offset })), undefined, `${offset}`);
  }
  assertEquals(decodeSockSample(written({ offset: 1e9 }))?.offset, 1e9);
});

test("SOCK: a datagram of another length, such as of a `long` of 32 bits, is none", () => {
  const long = new Uint8Array(48);
  long.set(written());
  for (const length of [0, 1, 32, 39, 41, 48]) {
    assertEquals(decodeSockSample(long.subarray(0, length)), undefined, `${length}`);
  }
  assertEquals(decodeSockSample(long.subarray(0, 40)), SAMPLE);
});

test("SOCK: a sample in the middle of a buffer", () => {
  const buffer = new Uint8Array(100);
  buffer.set(written(), 7);
  assertEquals(decodeSockSample(buffer.subarray(7, 47)), SAMPLE);
});
