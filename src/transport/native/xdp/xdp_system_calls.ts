import type { Ffi, Library } from "../ffi/ffi.ts";
import { LIBC_NAMES } from "../ffi/names.ts";

/**
 * Functions of the C library. `sendto` and `recvfrom` are called without data, only to wake the
 * kernel up: so their length may be declared a pointer, the null pointer, and no bigint is made.
 */
const SYMBOLS = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "pointer", "u32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "pointer", "u32"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "pointer", "pointer"], result: "i32" },
  sendto: { parameters: ["i32", "pointer", "pointer", "i32", "pointer", "u32"], result: "i32" },
  recvfrom: {
    parameters: ["i32", "pointer", "pointer", "i32", "pointer", "pointer"],
    result: "i32",
  },
  ppoll: { parameters: ["pointer", "usize", "pointer", "pointer"], result: "i32" },
  mmap: { parameters: ["pointer", "usize", "i32", "i32", "i32", "i64"], result: "pointer" },
  munmap: { parameters: ["pointer", "usize"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  clock_gettime: { parameters: ["i32", "pointer"], result: "i32" },
  if_nametoindex: { parameters: ["pointer"], result: "u32" },
  syscall: { parameters: ["i64", "i64", "pointer", "i64"], result: "i32" },
} as const;

/** What AF_XDP needs of the system, in one place, so that a test can put another there. */
export type XdpSystemCalls =
  & Library<typeof SYMBOLS>["symbols"]
  & Pick<Ffi, "pointer" | "address" | "addressOf" | "memory" | "nullPointer" | "errno">;

/**
 * The system calls of this machine.
 *
 * @throws {NTPError} `unsupported` if the C library lacks one
 */
export function openXdpSystemCalls(ffi: Ffi): XdpSystemCalls {
  const { symbols } = ffi.open(LIBC_NAMES, SYMBOLS);
  return {
    ...symbols,
    nullPointer: ffi.nullPointer,
    pointer: (buffer, offset) => ffi.pointer(buffer, offset),
    address: (buffer, offset) => ffi.address(buffer, offset),
    addressOf: (pointer) => ffi.addressOf(pointer),
    memory: (pointer, length) => ffi.memory(pointer, length),
    errno: () => ffi.errno(),
  };
}
