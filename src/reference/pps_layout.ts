/**
 * What the kernel tells of pulses (RFC 2783, as Linux has it): `struct pps_fdata`, and the request
 * that reads it.
 */
export const PPS_FETCH = 0xc00870a4n;
/** Length of the structure, and of all others here at most. */
export const PPS_SIZE = 64;
/** Requests that read and write `struct pps_kparams`, and that reads what a device can, an `int`. */
export const PPS_GETPARAMS = 0x800870a1n, PPS_SETPARAMS = 0x400870a2n, PPS_GETCAP = 0x800870a3n;
/** Where the mode stands in `struct pps_kparams`. */
export const PPS_MODE = 4;
/** Bits of modes: which edges are stamped (RFC 2783 §3.3). */
export const PPS_CAPTURE: Readonly<Record<"assert" | "clear", number>> = { assert: 1, clear: 2 };

const ASSERT_SEQUENCE = 0, CLEAR_SEQUENCE = 4, ASSERT = 8, CLEAR = 24;

/** A pulse. */
export interface Pulse {
  /** Counts up. */
  readonly sequence: number;
  /** What the system's clock showed, in Unix nanoseconds. */
  readonly time: bigint;
}

/**
 * Reads the latest pulse.
 *
 * @param view of the structure, as the kernel has filled it
 * @param edge which edge of the pulse is the second
 */
export function readPulse(view: DataView, edge: "assert" | "clear"): Pulse {
  const at = edge === "assert" ? ASSERT : CLEAR;
  const sequence = view.getUint32(edge === "assert" ? ASSERT_SEQUENCE : CLEAR_SEQUENCE, true);
  return {
    sequence,
    time: view.getBigInt64(at, true) * 1_000_000_000n + BigInt(view.getInt32(at + 8, true)),
  };
}

/**
 * The second that a pulse marks: the whole one that is nearest to it by a clock that is right within
 * less than half a second.
 *
 * @param time what that clock showed at the pulse, in Unix nanoseconds
 */
export function nearestSecond(time: bigint): bigint {
  return ((time + 500_000_000n) / 1_000_000_000n) * 1_000_000_000n;
}
