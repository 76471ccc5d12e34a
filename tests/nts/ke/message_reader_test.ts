import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { MessageReader } from "../../../src/nts/ke/message_reader.ts";
import { encodeMessage, type KeRecord, numbersRecord } from "../../../src/nts/ke/record.ts";

const RECORDS: readonly KeRecord[] = [
  numbersRecord(true, 1, [0]),
  numbersRecord(false, 4, [15, 30]),
  { critical: false, type: 0x4000, body: new Uint8Array(300).fill(7) },
  numbersRecord(true, 32767, []),
];
const MESSAGE = encodeMessage(RECORDS);

test("MessageReader: reads a message, however it is cut", () => {
  for (let first = 1; first < MESSAGE.length; first++) {
    const reader = new MessageReader(1000);
    assertEquals(reader.push(MESSAGE.subarray(0, first)), "incomplete");
    assertEquals(reader.push(MESSAGE.subarray(first)), "complete");
    assertEquals(reader.records, RECORDS);
  }
  const bytewise = new MessageReader(MESSAGE.length);
  for (const byte of MESSAGE.subarray(0, -1)) {
    assertEquals(bytewise.push(Uint8Array.of(byte)), "incomplete");
  }
  assertEquals(bytewise.push(MESSAGE.subarray(-1)), "complete");
  assertEquals(bytewise.records, RECORDS);
});

test("MessageReader: keeps nothing of the pieces that it was lent", () => {
  const reader = new MessageReader(1000);
  const piece = MESSAGE.slice();
  reader.push(piece.subarray(0, 30));
  piece.fill(255);
  reader.push(MESSAGE.subarray(30));
  assertEquals([reader.state, reader.records], ["complete", RECORDS]);
});

test("MessageReader: refuses what is too long, as soon as it says so", () => {
  const reader = new MessageReader(MESSAGE.length - 1);
  assertEquals(reader.push(MESSAGE.subarray(0, 20)), "incomplete");
  assertEquals(reader.push(MESSAGE.subarray(20)), "too-long");
  assertEquals(reader.push(MESSAGE), "too-long");
  const announced = new MessageReader(100);
  assertEquals(announced.push(Uint8Array.of(0, 5, 255, 255)), "too-long");
});

test("MessageReader: a message ends where its end is, and that has no content", () => {
  assertEquals(new MessageReader(9).push(Uint8Array.of(0x80, 0, 0, 0)), "complete");
  assertEquals(new MessageReader(9).push(Uint8Array.of(0, 0, 0, 0)), "complete");
  assertEquals(new MessageReader(9).push(Uint8Array.of(0x80, 0, 0, 0, 1)), "malformed");
  assertEquals(new MessageReader(9).push(Uint8Array.of(0x80, 0, 0, 1, 1)), "malformed");
  const reader = new MessageReader(9);
  assertEquals(reader.push(Uint8Array.of(0x80, 0, 0, 0)), "complete");
  assertEquals(reader.push(new Uint8Array(0)), "complete");
  assertEquals(reader.push(Uint8Array.of(0)), "malformed");
});
