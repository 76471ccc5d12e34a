/** What can be compared: NTP timestamps. */
interface Readable {
  now(): bigint;
}

/** Clocks are compared again, at most so often, unless that took no longer than this. */
const COMPARISONS = 4, PROMPT = 2n ** 32n / 500_000n; // 2 µs

/**
 * How far a clock is ahead of another one, at one moment: it is read between two readings of the other,
 * again if that took long. After some idleness the first calls take tens of microseconds, which would be
 * an error on one side.
 *
 * @returns the difference of the timestamps, modulo 2^64
 */
export function clockDifference(clock: Readable, other: Readable): bigint {
  let shortest: bigint | undefined, difference = 0n;
  for (let i = 0; i < COMPARISONS && (shortest === undefined || shortest > PROMPT); i++) {
    const before = other.now(), time = clock.now(), after = other.now();
    // Nothing else can be said if the other one was set back meanwhile.
    const took = BigInt.asIntN(64, after - before);
    const width = took < 0n ? -took : took;
    if (shortest !== undefined && width >= shortest) continue;
    shortest = width;
    difference = BigInt.asUintN(64, time - before - took / 2n);
  }
  return difference;
}
