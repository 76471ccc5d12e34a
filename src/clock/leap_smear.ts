/** How a leap second is spread over hours instead of being inserted or deleted at once. */
export interface LeapSmear {
  /**
   * `"linear"`, at one rate, as most who smear do; `"cosine"`, beginning and ending gently, which
   * clients that follow the frequency find easier.
   */
  readonly shape: "linear" | "cosine";
  /** How long it takes, in seconds, above 0. Default 86400: 24 hours. */
  readonly duration?: number;
  /** When it begins, in seconds after the leap second, -`duration` to 86400. Default: half of it comes before. */
  readonly start?: number;
}

/**
 * Checks a smear.
 *
 * @param smear as a user gave it
 * @throws {TypeError} if a field has the wrong type
 * @throws {RangeError} if one is out of range
 */
export function checkLeapSmear(smear: LeapSmear): Required<LeapSmear> {
  const { shape, duration = 86400, start = -duration / 2 } = smear;
  if (shape !== "linear" && shape !== "cosine") {
    throw new TypeError(`shape of a smear is "linear" or "cosine", not ${String(shape)}`);
  }
  for (const [name, value] of Object.entries({ duration, start })) {
    if (typeof value !== "number") {
      throw new TypeError(`${name} of a smear is a number, not ${typeof value}: ${String(value)}`);
    }
  }
  if (!(duration > 0 && duration <= 7 * 86400)) {
    throw new RangeError(`duration of a smear is above 0 s and at most a week, not ${duration}`);
  }
  if (!(start >= -duration && start <= 86400)) {
    throw new RangeError(`start of a smear is from -duration to 86400 s, not ${start}`);
  }
  return { shape, duration, start };
}

/**
 * How much of the leap second has been smeared in.
 *
 * @param smear how
 * @param sinceLeap seconds since the leap second, negative before it
 * @returns 0 before the smear to 1 after it
 *
 * @example Noon to noon
 * ```ts
 * import { smearedPart } from "@ntps/ntps";
 * import { assertEquals } from "@std/assert";
 *
 * const smear = { shape: "linear", duration: 86400, start: -43200 } as const;
 * assertEquals(smearedPart(smear, -43200), 0);
 * assertEquals(smearedPart(smear, 0), 0.5);
 * ```
 */
export function smearedPart(smear: Required<LeapSmear>, sinceLeap: number): number {
  const part = Math.min(1, Math.max(0, (sinceLeap - smear.start) / smear.duration));
  return smear.shape === "linear" ? part : (1 - Math.cos(Math.PI * part)) / 2;
}
