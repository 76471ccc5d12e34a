import type { Pointer } from "../ffi/ffi.ts";
import type { XdpSystemCalls } from "./xdp_system_calls.ts";

/** How long it is: no longer than a batch keeps the event loop from all else. */
const NANOSECONDS = 200_000;
const POLLIN = 1;
/** Bytes of a `struct pollfd`: descriptor, events, result; and of a `struct timespec`. */
const POLLFD_LENGTH = 8, TIMESPEC_LENGTH = 16;

/** A short wait in the kernel for any of some sockets. */
export class Moment {
  readonly #calls: XdpSystemCalls;
  readonly #count: bigint;
  readonly #pointer: Pointer;
  readonly #timePointer: Pointer;
  readonly #memory: ArrayBuffer;

  /**
   * @param calls the system
   * @param fds descriptors of the sockets
   */
  constructor(calls: XdpSystemCalls, fds: readonly number[]) {
    this.#calls = calls;
    this.#count = BigInt(fds.length);
    this.#memory = new ArrayBuffer(TIMESPEC_LENGTH + fds.length * POLLFD_LENGTH);
    const view = new DataView(this.#memory);
    view.setBigInt64(8, BigInt(NANOSECONDS), true);
    for (const [i, fd] of fds.entries()) {
      view.setInt32(TIMESPEC_LENGTH + i * POLLFD_LENGTH, fd, true);
      view.setInt16(TIMESPEC_LENGTH + i * POLLFD_LENGTH + 4, POLLIN, true);
    }
    this.#timePointer = calls.pointer(this.#memory);
    this.#pointer = calls.pointer(this.#memory, TIMESPEC_LENGTH);
  }

  /** Waits, at most 0.2 ms. Returns whether one may have something to read. */
  wait(): boolean {
    const { ppoll, nullPointer } = this.#calls;
    return ppoll(this.#pointer, this.#count, this.#timePointer, nullPointer) !== 0;
  }
}
