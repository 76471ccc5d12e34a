const CHANGES = 256;
const BUDGET_MS = 5;

/**
 * Measures the precision of a clock: the larger of its resolution and the time it takes to read it,
 * log2 of seconds, rounded up (RFC 5905 §7.3). Reads it until it has changed 256 times, for 5 ms
 * at most, and takes nearly the least change.
 *
 * A clock that stands still for so long gets the time it was watched for (about -7), since no more
 * is known, or 0 when it has told only whole seconds.
 *
 * @param read writes the clock's seconds and fraction words
 * @param elapsedMs milliseconds on some steady scale. Default: the runtime's `performance.now`
 * @returns -32 to 0
 *
 * @example A clock of the runtime
 * ```ts
 * import { measurePrecision, SystemClock } from "@ntps/ntps";
 * import { assert } from "@std/assert";
 *
 * const clock = new SystemClock();
 * assert(measurePrecision((into) => clock.read(into)) < -10); // better than a millisecond
 * ```
 */
export function measurePrecision(
  read: (into: Uint32Array) => void,
  elapsedMs: () => number = () => performance.now(),
): number {
  const words = new Uint32Array(2);
  const changes: number[] = [];
  const started = elapsedMs();
  let watched = 0, fractions = 0;
  read(words);
  let seconds = words[0]!, fraction = words[1]!;
  while (changes.length < CHANGES && watched < BUDGET_MS) {
    // In runs, so that asking for the budget does not count as reading time in most changes.
    for (let i = 0; i < 16; i++) {
      fractions |= fraction;
      read(words);
      const change = ((words[0]! - seconds) | 0) + (words[1]! - fraction) / 2 ** 32;
      if (change > 0) changes.push(change); // a step backwards says nothing
      seconds = words[0]!;
      fraction = words[1]!;
    }
    watched = elapsedMs() - started;
  }
  if (changes.length === 0) return fractions === 0 ? 0 : roundUp(watched / 1000);
  // Not quite the least: that may be a correction of the clock, shorter than any reading takes.
  return roundUp(changes.sort((a, b) => a - b)[changes.length >> 4]!);
}

function roundUp(seconds: number): number {
  return Math.min(0, Math.max(-32, Math.ceil(Math.log2(seconds))));
}
