import type { Random } from "../client/request.ts";
import { systemTimers, type Timers } from "../clock/timers.ts";

/** What associations need of the world besides the server they share a port with. */
export interface AssociationWorld {
  /** How to wait. Default: the runtime's timers. */
  timers?: Timers;
  /** Fills bytes with random ones. Default: `crypto.getRandomValues`. */
  random?: Random;
  /** Ends the association when it fires. */
  signal?: AbortSignal;
}

/**
 * Fills in the defaults.
 *
 * @throws {TypeError} if an option has the wrong type
 */
export function checkWorld(
  { timers, random, signal }: AssociationWorld,
): { timers: Timers; random: Random; signal: AbortSignal | undefined } {
  if (timers !== undefined && typeof timers?.after !== "function") {
    throw new TypeError(`timers is an object with after(), not ${String(timers)}`);
  }
  if (random !== undefined && typeof random !== "function") {
    throw new TypeError(`random is a function, not ${String(random)}`);
  }
  if (signal !== undefined && typeof signal?.addEventListener !== "function") {
    throw new TypeError(`signal is an AbortSignal, not ${String(signal)}`);
  }
  return {
    timers: timers ?? systemTimers,
    random: random ??
      ((into) => void crypto.getRandomValues(into as Uint8Array<ArrayBuffer>)),
    signal,
  };
}
