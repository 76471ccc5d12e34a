import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { NTPError } from "../../../src/packet/error.ts";
import { cString, type Ffi } from "../../../src/transport/native/ffi/ffi.ts";
import { loadFfi } from "../../../src/transport/native/ffi/load_ffi.ts";
import { LIBC_NAMES } from "../../../src/transport/native/ffi/names.ts";

const { ffi: available, reason } = await loadFfi();
const skip = available === undefined ? reason : false;
const ffi = available as Ffi;
const EBADF = 9, PROT_READ_WRITE = 3, MAP_PRIVATE_ANONYMOUS = 0x22;

test("ffi: a pointer leads to memory and offset", { skip }, () => {
  for (const buffer of [new ArrayBuffer(4096), new SharedArrayBuffer(4096)]) {
    const bytes = new Uint8Array(buffer);
    bytes.set([1, 2, 3, 4], 100);
    const { memcpy } = ffi.open(LIBC_NAMES, {
      memcpy: { parameters: ["pointer", "pointer", "usize"], result: "pointer" },
    }).symbols;
    const target = ffi.pointer(buffer, 200);
    const result = memcpy(target, ffi.pointer(buffer, 100), 4n);
    assertEquals([...bytes.subarray(200, 205)], [1, 2, 3, 4, 0]);
    assertEquals(ffi.addressOf(result), ffi.address(buffer, 200));
    assertEquals(ffi.address(buffer, 200) - ffi.address(buffer), 200n);
    assertEquals(ffi.addressOf(ffi.pointerAt(ffi.address(buffer, 7))), ffi.address(buffer, 7));
  }
});

test("ffi: the null pointer", { skip }, () => {
  assertEquals(ffi.addressOf(ffi.nullPointer), 0n);
  assertEquals(ffi.addressOf(ffi.pointerAt(0n)), 0n);
  const { strchr } = ffi.open(LIBC_NAMES, {
    strchr: { parameters: ["buffer", "i32"], result: "pointer" },
  }).symbols;
  assertEquals(ffi.addressOf(strchr(cString("abc"), 0x7a)), 0n);
});

test("ffi: the bytes of a view, and texts", { skip }, () => {
  const { strlen, strchr } = ffi.open(LIBC_NAMES, {
    strlen: { parameters: ["buffer"], result: "usize" },
    strchr: { parameters: ["buffer", "i32"], result: "pointer" },
  }).symbols;
  const text = cString("grüße");
  assertEquals(strlen(text), 7n);
  assertEquals(ffi.text(strchr(text, 0x72)), "rüße");
});

test("ffi: errno says why a call failed", { skip }, () => {
  const { close } = ffi.open(LIBC_NAMES, { close: { parameters: ["i32"], result: "i32" } }).symbols;
  let other = 0;
  for (let i = 0; i < 1000; i++) {
    assertEquals(close(-1), -1);
    if (ffi.errno() !== EBADF) other++;
  }
  assert(other < 10, `errno was another ${other} times of 1000`);
});

test("ffi: memory of C's is shared, not copied", { skip }, () => {
  const { mmap, munmap } = ffi.open(LIBC_NAMES, {
    mmap: { parameters: ["pointer", "usize", "i32", "i32", "i32", "i64"], result: "pointer" },
    munmap: { parameters: ["pointer", "usize"], result: "i32" },
  }).symbols;
  const pointer = mmap(ffi.nullPointer, 8192n, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0n);
  const one = new Uint8Array(ffi.memory(pointer, 8192));
  one[4096] = 7;
  const second = ffi.pointerAt(ffi.addressOf(pointer) + 4096n);
  assertEquals(new Uint8Array(ffi.memory(second, 1))[0], 7);
  assertEquals(munmap(pointer, 8192n), 0);
});

test("ffi: C calls back", { skip }, () => {
  const { qsort } = ffi.open(LIBC_NAMES, {
    qsort: {
      parameters: ["pointer", "usize", "usize", "pointer"],
      result: "void",
      callsBack: true,
    },
  }).symbols;
  const numbers = new Int32Array(new ArrayBuffer(16));
  numbers.set([3, -1, 9, 2]);
  const at = (pointer: Parameters<Ffi["memory"]>[0]) => new Int32Array(ffi.memory(pointer, 4))[0]!;
  const compare = ffi.callback(["pointer", "pointer"], "i32", (a, b) => at(a) - at(b));
  qsort(ffi.pointer(numbers.buffer), 4n, 4n, compare.pointer);
  compare.close();
  assertEquals([...numbers], [-1, 2, 3, 9]);
});

test("ffi: a call on another thread, where there is such", { skip }, async () => {
  const symbols = { usleep: { parameters: ["u32"], result: "i32", nonblocking: true } } as const;
  if (!ffi.nonblocking) {
    assertThrows(() => ffi.open(LIBC_NAMES, symbols), TypeError, "usleep");
    return;
  }
  const { usleep } = ffi.open(LIBC_NAMES, symbols).symbols;
  assertEquals(await usleep(1), 0);
});

test("ffi: what cannot be opened is told by name", { skip }, () => {
  const error = assertThrows(() => ffi.open(["libnone.so.1", "libnone.so"], {}), NTPError);
  assertEquals(error.code, "unsupported");
  assert(error.message.includes("libnone.so.1 or libnone.so"), error.message);
  assertThrows(
    () => ffi.open(LIBC_NAMES, { no_such_function: { parameters: [], result: "i32" } }),
    NTPError,
    "no_such_function",
  );
});

test("ffi: without it there is a reason", () => {
  assertEquals(available === undefined, typeof reason === "string");
});
