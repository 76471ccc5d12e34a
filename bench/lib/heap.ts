// How memory is measured on the runtime that this file is loaded on; started as runCases() does it
// with `bigHeap`.

import process from "node:process";

/** The heap of this process. */
export interface Heap {
  /** Collects garbage. */
  collect(): void;
  /** Bytes in use, those of array buffers included; grows with all that is allocated. */
  taken(): number;
}

/** The heap of this process, whatever its runtime. */
export async function openHeap(): Promise<Heap> {
  if (process.versions["bun"] !== undefined) {
    // heapSize counts what survived the last collection; capacity, memory outside the heap
    // included, grows with what is allocated.
    const { heapStats } = await import("bun:jsc" as string) as {
      heapStats: () => { heapCapacity: number };
    };
    const { Bun } = globalThis as unknown as { Bun: { gc: (force: boolean) => void } };
    return { collect: () => Bun.gc(true), taken: () => heapStats().heapCapacity };
  }
  const { gc } = globalThis as { gc?: () => void };
  if (gc === undefined) throw new Error("start V8 with --expose-gc");
  const taken = () => {
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  return { collect: gc, taken };
}
