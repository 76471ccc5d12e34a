import type { Timers } from "../clock/timers.ts";

const INTERVAL_MS = 1000;

/**
 * Calls back once a second.
 *
 * @param timers how to wait
 * @param callback what to call
 * @returns a function that ends it
 */
export function everySecond(timers: Timers, callback: () => void): () => void {
  let cancel = () => {};
  const wait = () => {
    cancel = timers.after(INTERVAL_MS, () => {
      wait();
      callback();
    });
  };
  wait();
  return () => cancel();
}
