/** Most rotations that a cookie may stay good through. */
const MAX_KEEP = 64;

/**
 * Checks how keys of cookies are rotated.
 *
 * @throws {RangeError} if a number is out of range
 */
export function checkRotation(
  { rotateSeconds, keep }: { rotateSeconds: number; keep: number },
): void {
  if (!(rotateSeconds >= 1) || !Number.isFinite(rotateSeconds)) {
    throw new RangeError(`rotateSeconds is 1 or more, not ${String(rotateSeconds)}`);
  }
  if (!Number.isInteger(keep) || keep < 1 || keep > MAX_KEEP) {
    throw new RangeError(`keep is a whole number from 1 to ${MAX_KEEP}, not ${String(keep)}`);
  }
}
