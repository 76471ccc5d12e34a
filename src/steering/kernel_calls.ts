import { NTPError } from "../packet/error.ts";
import type { Pointer } from "../transport/native/ffi/ffi.ts";
import { loadFfi } from "../transport/native/ffi/load_ffi.ts";
import { LIBC_NAMES } from "../transport/native/ffi/names.ts";

const SYMBOLS = {
  clock_gettime: { parameters: ["i32", "pointer"], result: "i32" },
  clock_adjtime: { parameters: ["i32", "pointer"], result: "i32" },
} as const;

/** The system calls of steering, as `man 2` has them: all there are, so that a test can stand in. */
export interface KernelCalls {
  /** Reads a clock. */
  clock_gettime(clock: number, into: Pointer): number;
  /** Reads how a clock is steered, and changes it. */
  clock_adjtime(clock: number, timex: Pointer): number;
  /** The address of memory. */
  pointer(buffer: ArrayBufferLike): Pointer;
  /** `errno`, right after a call that has failed. */
  errno(): number;
}

/**
 * The system calls of this machine.
 *
 * @throws {NTPError} `unsupported`, with what is missing
 */
export async function openKernelCalls(): Promise<KernelCalls> {
  const { ffi, reason } = await loadFfi();
  if (ffi === undefined) {
    throw new NTPError(
      "unsupported",
      `The system clock is steered by foreign functions: ${reason}`,
    );
  }
  return {
    ...ffi.open(LIBC_NAMES, SYMBOLS).symbols,
    pointer: (buffer) => ffi.pointer(buffer),
    errno: () => ffi.errno(),
  };
}
