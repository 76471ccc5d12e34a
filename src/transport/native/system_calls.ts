import type { Ffi, Library, Pointer } from "./ffi/ffi.ts";
import { LIBC_NAMES } from "./ffi/names.ts";

const SYMBOLS = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "pointer", "u32"], result: "i32" },
  connect: { parameters: ["i32", "pointer", "u32"], result: "i32" },
  getsockname: { parameters: ["i32", "pointer", "pointer"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "pointer", "u32"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "pointer", "pointer"], result: "i32" },
  recvmmsg: { parameters: ["i32", "pointer", "u32", "i32", "pointer"], result: "i32" },
  sendmmsg: { parameters: ["i32", "pointer", "u32", "i32"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  getpid: { parameters: [], result: "i32" },
  clock_gettime: { parameters: ["i32", "pointer"], result: "i32" },
  if_nametoindex: { parameters: ["pointer"], result: "u32" },
  if_indextoname: { parameters: ["u32", "pointer"], result: "pointer" },
} as const;

/**
 * The system calls that the native transport makes. All there are, so that a test can put faults
 * between it and the system.
 */
export type SystemCalls =
  & Library<typeof SYMBOLS>["symbols"]
  & Pick<Ffi, "pointer" | "address" | "addressOf" | "nullPointer" | "errno">;

/**
 * The system calls of this machine.
 *
 * @throws {NTPError} `unsupported` if the C library lacks one
 */
export function openSystemCalls(ffi: Ffi): SystemCalls {
  const { symbols } = ffi.open(LIBC_NAMES, SYMBOLS);
  return {
    ...symbols,
    nullPointer: ffi.nullPointer,
    pointer: (buffer, offset) => ffi.pointer(buffer, offset),
    address: (buffer, offset) => ffi.address(buffer, offset),
    addressOf: (pointer: Pointer) => ffi.addressOf(pointer),
    errno: () => ffi.errno(),
  };
}
