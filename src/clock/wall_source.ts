/**
 * A clock of the runtime that follows the system clock, steps and all, and may be coarse: what
 * {@linkcode SystemClock} is held to.
 */
export interface WallSource {
  /**
   * Step of the readings in milliseconds: the time lies between a reading and a reading plus this.
   * 0 for readings that are exact.
   */
  readonly resolutionMs: number;
  /**
   * The time now, in milliseconds since a whole Unix second. Relative to a second nearby, so that a
   * float64 holds nanoseconds.
   *
   * @param unixSeconds whole seconds since 1970, of any era
   */
  millisecondsSince(unixSeconds: number): number;
}

/** The only part of `Temporal` in use here. */
interface InstantSource {
  readonly Temporal?: { readonly Now: { instant(): { readonly epochNanoseconds: bigint } } };
}

/**
 * Farthest from the moment meant that a reading is put by conversions through float64: milliseconds
 * since 1970 come in steps of 0.244 µs until 2039, then 0.488 µs, so they are off by half of that.
 */
export const WALL_ROUNDING_MS = 0.00025;

/** `Date.now()`: whole milliseconds, on every runtime. */
const dateSource: WallSource = {
  resolutionMs: 1,
  millisecondsSince: (unixSeconds) => Date.now() - unixSeconds * 1000,
};

/**
 * The best wall clock of this runtime: `Temporal.Now.instant()` where it is the runtime's own
 * (microseconds on Deno and Node 26, nanoseconds on Bun), else `Date.now()`.
 */
export function systemWallSource(): WallSource {
  const now = (globalThis as InstantSource).Temporal?.Now;
  // Polyfills make up the digits below the millisecond.
  if (now === undefined || !/\[native code\]/.test(`${now.instant}`)) return dateSource;
  return nanosecondSource(() => now.instant().epochNanoseconds);
}

/**
 * A wall clock that gives Unix nanoseconds, its resolution found by looking at some readings.
 *
 * @param epochNanoseconds tells the time
 */
export function nanosecondSource(epochNanoseconds: () => bigint): WallSource {
  let base = 0, baseNanoseconds = 0n;
  return {
    resolutionMs: findResolutionMs(epochNanoseconds),
    millisecondsSince(unixSeconds) {
      if (unixSeconds !== base) {
        base = unixSeconds;
        baseNanoseconds = BigInt(unixSeconds) * 1_000_000_000n;
      }
      return Number(epochNanoseconds() - baseNanoseconds) / 1e6;
    },
  };
}

/** The coarsest decimal step that all of 32 readings are multiples of, but for rounding. */
function findResolutionMs(epochNanoseconds: () => bigint): number {
  const rounding = WALL_ROUNDING_MS * 1e6;
  const readings = Array.from({ length: 32 }, () => Number(epochNanoseconds() % 1_000_000n));
  for (let step = 1_000_000; step >= 1000; step /= 10) {
    const isMultiple = (reading: number): boolean => (reading + rounding) % step <= 2 * rounding;
    if (readings.every(isMultiple)) return step / 1e6;
  }
  return 0;
}
