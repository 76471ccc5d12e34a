/**
 * `struct timex` of Linux (man 2 clock_adjtime), the same on x86-64 and arm64: where its fields stand,
 * in bytes, and what its bits mean.
 *
 * @module
 */

/** Size of the structure, and where the fields stand. */
export const TIMEX = {
  size: 208,
  modes: 0,
  frequency: 16,
  maxError: 24,
  estimatedError: 32,
  status: 40,
  seconds: 72,
  nanoseconds: 80,
  tick: 88,
} as const;

/** What a call changes; nothing, if no bit is set. */
export const ADJ_FREQUENCY = 0x2, ADJ_MAXERROR = 0x4, ADJ_ESTERROR = 0x8, ADJ_STATUS = 0x10;
export const ADJ_SETOFFSET = 0x100, ADJ_NANO = 0x2000;
/** A leap second will be inserted, or deleted; nobody keeps the clock right. */
export const STA_PLL = 0x1, STA_INS = 0x10, STA_DEL = 0x20, STA_UNSYNC = 0x40;

/** Units of the frequency: 2^-16 parts per million. */
export const FREQUENCY_UNIT: number = 1e-6 / 65536;
/** The most that the kernel takes. */
export const MAX_FREQUENCY = 500e-6;
/** Microseconds of a tick that runs as the hardware does. */
export const NOMINAL_TICK = 10_000n;
