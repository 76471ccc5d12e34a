/**
 * How to be called later. Passed in wherever something waits, so that tests and simulations run on
 * virtual time.
 *
 * @example Waiting on the timers of the runtime
 * ```ts
 * import { systemTimers } from "@ntps/ntps";
 *
 * const cancel = systemTimers.after(1000, () => console.log("a second later"));
 * cancel();
 * ```
 */
export interface Timers {
  /**
   * Calls `callback` once, `milliseconds` from now.
   *
   * @param milliseconds how long to wait, 0 or more
   * @param callback what to call
   * @returns a function that cancels the call; harmless afterwards and when called twice
   */
  after(milliseconds: number, callback: () => void): () => void;
}

/** The timers of the runtime. */
export const systemTimers: Timers = {
  after(milliseconds, callback) {
    const handle = setTimeout(callback, milliseconds);
    return () => clearTimeout(handle);
  },
};
