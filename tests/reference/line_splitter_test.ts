import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { LineSplitter } from "../../src/reference/line_splitter.ts";

/** A splitter, and what came of it. */
function splitter(longest = 20) {
  const lines: [string, bigint][] = [], told = { dropped: 0 };
  const split = new LineSplitter(
    longest,
    (line, stamp) => lines.push([line, stamp]),
    () => told.dropped++,
  );
  const push = (text: string, stamp = 0n) => split.push(new TextEncoder().encode(text), stamp);
  return { split, push, lines, told };
}

test("lines: of whatever pieces", () => {
  const text = "one\r\ntwo\nthree\r\rfour\n\n\r\nfive";
  for (let size = 1; size <= text.length; size++) {
    const { push, lines } = splitter();
    for (let at = 0; at < text.length; at += size) push(text.slice(at, at + size));
    assertEquals(lines.map(([line]) => line), ["one", "two", "three", "four"], `${size}`);
    push("\n");
    assertEquals(lines.at(-1)![0], "five");
  }
});

test("lines: each has the stamp of its first byte", () => {
  const { push, lines } = splitter();
  push("a", 1n);
  push("b", 2n);
  push("\r", 3n);
  push("\nc", 4n);
  push("\nd", 5n);
  push("\n", 6n);
  push("", 7n);
  assertEquals(lines, [["ab", 1n], ["c", 4n], ["d", 5n]]);
});

test("lines: one that is too long is dropped as a whole, and told once", () => {
  const { push, lines, told } = splitter(5);
  push("12345\n123456\n");
  push("x".repeat(100_000));
  push("y".repeat(100_000));
  assertEquals(told.dropped, 2);
  push("tail\nafter\n", 9n);
  assertEquals([lines, told.dropped], [[["12345", 0n], ["after", 9n]], 2]);
});

test("lines: any bytes, each a character", () => {
  const { split, lines } = splitter();
  split.push(new Uint8Array([0, 255, 128, 0x24, 10]), 3n);
  assertEquals(lines, [["\x00\xff\x80$", 3n]]);
});

test("lines: told while it is being pushed, more is pushed", () => {
  const lines: string[] = [];
  const split: LineSplitter = new LineSplitter(9, (line) => {
    lines.push(line);
    if (line === "a") split.push(new Uint8Array([0x62, 10]), 0n);
  }, () => {});
  split.push(new Uint8Array([0x61, 10, 0x63, 10]), 0n);
  assertEquals(lines, ["a", "b", "c"]);
});
