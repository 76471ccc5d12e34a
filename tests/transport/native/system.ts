// What tests of native sockets have in common.
import { loadNative } from "../../../src/transport/native/load_native.ts";
import type { SystemCalls } from "../../../src/transport/native/system_calls.ts";

/** Why native sockets cannot be had here, or false. */
export const skip: string | false = (await loadNative()).reason ?? false;

/** The system's calls, some of them replaced: what is not replaced is the system's. */
export async function systemCalls(replaced: Partial<SystemCalls> = {}): Promise<SystemCalls> {
  const { system } = await loadNative();
  return { ...system!.calls, ...replaced };
}

/** Faults between sockets and system, each told by `errno`; they are used up. */
export class Faults {
  /** What the next calls give, by name: a negative number is `-errno`, others are the limit of a count. */
  readonly next: { sendmmsg: number[]; recvmmsg: number[] } = { sendmmsg: [], recvmmsg: [] };
  readonly calls: SystemCalls;
  #errno = 0;

  constructor(calls: SystemCalls) {
    this.calls = {
      ...calls,
      sendmmsg: (fd, messages, count, flags) =>
        this.#step("sendmmsg", (limit) => calls.sendmmsg(fd, messages, min(count, limit), flags)),
      recvmmsg: (fd, messages, count, flags, timeout) =>
        this.#step(
          "recvmmsg",
          (limit) => calls.recvmmsg(fd, messages, min(count, limit), flags, timeout),
        ),
      errno: () => {
        const errno = this.#errno || calls.errno();
        this.#errno = 0;
        return errno;
      },
    };
  }

  #step(name: "sendmmsg" | "recvmmsg", call: (limit: number) => number): number {
    const fault = this.next[name].shift() ?? Infinity;
    if (fault >= 0) return call(fault);
    this.#errno = -fault;
    return -1;
  }
}

function min(count: number, limit: number): number {
  return limit === Infinity ? count : Math.min(count, limit);
}
