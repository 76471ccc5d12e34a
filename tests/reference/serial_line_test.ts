import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { makeRaw, SERIAL_SPEEDS } from "../../src/reference/serial_line.ts";

/** Where `struct termios` of the kernel has its four words of flags, the line discipline and characters. */
const [INPUT, OUTPUT, CONTROL, LOCAL, DISCIPLINE, CHARACTERS] = [0, 4, 8, 12, 16, 17] as const;

test("serial lines: raw, eight bits, no parity, whatever they were", () => {
  const codes = SERIAL_SPEEDS.map((speed) => {
    const view = new DataView(new ArrayBuffer(64));
    for (const at of [INPUT, OUTPUT, CONTROL, LOCAL]) view.setUint32(at, 0xffffffff, true);
    for (let i = DISCIPLINE; i < 64; i++) view.setUint8(i, 0x55);
    makeRaw(view, speed);
    assertEquals([INPUT, OUTPUT, LOCAL].map((at) => view.getUint32(at, true)), [0, 0, 0]);
    // A read gives what there is, one byte at least; all else is left alone.
    assertEquals([view.getUint8(CHARACTERS + 5), view.getUint8(CHARACTERS + 6)], [0, 1]);
    for (const at of [DISCIPLINE, CHARACTERS, CHARACTERS + 4, CHARACTERS + 7, 63]) {
      assertEquals(view.getUint8(at), 0x55);
    }
    const control = view.getUint32(CONTROL, true);
    // CS8, CREAD and CLOCAL; neither CSTOPB, PARENB nor CRTSCTS.
    assertEquals([control & 0o60, control & 0o200, control & 0o4000], [0o60, 0o200, 0o4000]);
    assertEquals([control & 0o100, control & 0o400, (control & 0o20000000000) >>> 0], [0, 0, 0]);
    // HUPCL and the rest stay as they were.
    assertEquals(control & 0o2000, 0o2000);
    return (control & 0o10017).toString(8);
  });
  assertEquals(codes, ["14", "15", "16", "17", "10001", "10002", "10003"]);
});
