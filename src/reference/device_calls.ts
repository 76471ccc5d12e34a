import { NTPError } from "../packet/error.ts";
import type { Pointer } from "../transport/native/ffi/ffi.ts";
import { loadFfi } from "../transport/native/ffi/load_ffi.ts";
import { LIBC_NAMES } from "../transport/native/ffi/names.ts";

const SYMBOLS = {
  open: { parameters: ["pointer", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  ioctl: { parameters: ["i32", "u64", "pointer"], result: "i32" },
  clock_gettime: { parameters: ["i32", "pointer"], result: "i32" },
  shmget: { parameters: ["i32", "usize", "i32"], result: "i32" },
  shmat: { parameters: ["i32", "pointer", "i32"], result: "pointer" },
  shmdt: { parameters: ["pointer"], result: "i32" },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "pointer", "u32"], result: "i32" },
  connect: { parameters: ["i32", "pointer", "u32"], result: "i32" },
  recv: { parameters: ["i32", "pointer", "usize", "i32"], result: "i32" },
  sendto: { parameters: ["i32", "pointer", "usize", "i32", "pointer", "u32"], result: "i32" },
  unlink: { parameters: ["pointer"], result: "i32" },
  chmod: { parameters: ["pointer", "u32"], result: "i32" },
} as const;

/**
 * The system calls that reference clocks make, as `man 2` has them. All there are, so that a test can
 * stand in for devices.
 */
export interface DeviceCalls {
  /** Opens a file. */
  open(path: Pointer, flags: number): number;
  /** Closes a file or socket. */
  close(descriptor: number): number;
  /** Asks a device. */
  ioctl(descriptor: number, request: bigint, argument: Pointer): number;
  /** Reads a clock. */
  clock_gettime(clock: number, into: Pointer): number;
  /** Finds shared memory, or makes it. */
  shmget(key: number, size: bigint, flags: number): number;
  /** Attaches shared memory. */
  shmat(id: number, address: Pointer, flags: number): Pointer;
  /** Detaches shared memory. */
  shmdt(address: Pointer): number;
  /** Makes a socket. */
  socket(family: number, type: number, protocol: number): number;
  /** Gives a socket its address. */
  bind(descriptor: number, address: Pointer, length: number): number;
  /** Connects a socket. */
  connect(descriptor: number, address: Pointer, length: number): number;
  /** Receives. */
  recv(descriptor: number, into: Pointer, length: bigint, flags: number): number;
  /** Sends. */
  sendto(
    descriptor: number,
    data: Pointer,
    length: bigint,
    flags: number,
    address: Pointer,
    addressLength: number,
  ): number;
  /** Removes a file. */
  unlink(path: Pointer): number;
  /** Changes who may use a file. */
  chmod(path: Pointer, mode: number): number;
  /** Where nothing is. */
  readonly nullPointer: Pointer;
  /** The address of memory. */
  pointer(buffer: ArrayBufferLike, offset?: number): Pointer;
  /** A pointer from an address that C gave as a number. */
  pointerAt(address: bigint): Pointer;
  /** A pointer as a number. */
  addressOf(pointer: Pointer): bigint;
  /** Memory of C's as a buffer. */
  memory(pointer: Pointer, length: number): ArrayBuffer;
  /** `errno`, right after a call that has failed. */
  errno(): number;
}

/**
 * The system calls of this machine.
 *
 * @throws {NTPError} `unsupported`, with what is missing
 */
export async function openDeviceCalls(): Promise<DeviceCalls> {
  const { ffi, reason } = await loadFfi();
  if (ffi === undefined) {
    throw new NTPError("unsupported", `Devices are read by foreign functions: ${reason}`);
  }
  return {
    ...ffi.open(LIBC_NAMES, SYMBOLS).symbols,
    nullPointer: ffi.nullPointer,
    pointer: (buffer, offset) => ffi.pointer(buffer, offset),
    pointerAt: (address) => ffi.pointerAt(address),
    addressOf: (pointer) => ffi.addressOf(pointer),
    memory: (pointer, length) => ffi.memory(pointer, length),
    errno: () => ffi.errno(),
  };
}

/** What the system's commonest refusals mean. */
const REFUSALS: Readonly<Record<number, string>> = {
  1: "not permitted: run as root, or give the user a right to it",
  2: "there is none",
  6: "no such device",
  13: "permission denied: run as root, or give the user a right to it",
  16: "in use by somebody else",
  19: "no such device",
  22: "it cannot do that",
  25: "it is not a device of this kind",
  98: "in use by somebody else, or by a file: remove it",
  111: "nobody listens there",
};

/**
 * The error of a call that was refused.
 *
 * @param what was to be done with what
 * @param errno of the call
 */
export function deviceError(what: string, errno: number): NTPError {
  const code = errno === 1 || errno === 13
    ? "permission"
    : errno === 2 || errno === 6 || errno === 19
    ? "not-found"
    : "system";
  return new NTPError(code, `${what}: ${REFUSALS[errno] ?? `error ${errno}`}`);
}
