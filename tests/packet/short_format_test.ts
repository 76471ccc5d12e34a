import { test } from "node:test";
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { shortFromSeconds, shortToSeconds } from "../../src/packet/short_format.ts";

const runs = { numRuns: 2000 };
const LARGEST = 0xffffffff;

test("short format: every word comes back", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: LARGEST }), (word) => {
      const seconds = shortToSeconds(word);
      return seconds === (word >>> 16) + (word & 0xffff) / 65536 &&
        shortFromSeconds(seconds) === word;
    }),
    runs,
  );
});

test("short format: never less than the duration, and at most a unit more", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 65535, noNaN: true }), (seconds) => {
      const claimed = shortToSeconds(shortFromSeconds(seconds));
      return claimed >= seconds && claimed - seconds <= 1 / 65536;
    }),
    runs,
  );
  assertEquals(shortFromSeconds(Number.MIN_VALUE), 1);
});

test("short format: saturates", () => {
  assertEquals(shortFromSeconds(65536 - 1 / 65536), LARGEST);
  assertEquals(shortFromSeconds(65535.99999), LARGEST);
  assertEquals(shortFromSeconds(65536), LARGEST);
  assertEquals(shortFromSeconds(1e300), LARGEST);
  assertEquals(shortFromSeconds(Infinity), LARGEST);
  assertEquals(shortFromSeconds(-0), 0);
  assertEquals(shortFromSeconds(-1e-300), 0);
  assertEquals(shortFromSeconds(-65536), 0);
  assertEquals(shortFromSeconds(-Infinity), 0);
});

test("short format: what is not a number claims the worst", () => {
  assertEquals(shortFromSeconds(NaN), LARGEST);
});

test("short format: a word given as signed is read as unsigned", () => {
  assertEquals(shortToSeconds(-1), 65536 - 1 / 65536);
});
