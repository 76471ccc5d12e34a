/** How far times drift apart over an interval. */
export interface AllanPoint {
  /** The interval, in seconds. */
  readonly tau: number;
  /** Overlapping Allan deviation over it: seconds per second. */
  readonly deviation: number;
}

/**
 * Overlapping Allan deviation of phases (NIST SP 1065 §5.2.4), over intervals that are powers of two.
 *
 * @param phases offsets in seconds, equally spaced
 * @param spacing time between them, in seconds
 */
export function allanDeviation(phases: readonly number[], spacing: number): AllanPoint[] {
  const points: AllanPoint[] = [];
  for (let m = 1; 2 * m < phases.length; m *= 2) {
    const terms = phases.length - 2 * m;
    let sum = 0;
    for (let i = 0; i < terms; i++) {
      sum += (phases[i + 2 * m]! - 2 * phases[i + m]! + phases[i]!) ** 2;
    }
    const tau = m * spacing;
    points.push({ tau, deviation: Math.sqrt(sum / (2 * terms)) / tau });
  }
  return points;
}

/**
 * Offsets brought to equal spacing: between two that are neighbours by a straight line.
 *
 * @param times upwards
 * @param offsets one for each
 * @returns with the median of the distances as spacing; nothing for fewer than three
 */
export function evenlySpaced(
  times: readonly number[],
  offsets: readonly number[],
): { spacing: number; phases: number[] } | undefined {
  const distances = times.slice(1).map((time, i) => time - times[i]!).sort((a, b) => a - b);
  const spacing = distances[distances.length >> 1] ?? 0;
  if (times.length < 3 || !(spacing > 0)) return undefined;
  const phases: number[] = [];
  const first = times[0]!, last = times.at(-1)!;
  let i = 0;
  for (let k = 0; k < 1e6 && first + k * spacing <= last; k++) {
    const time = first + k * spacing;
    while (i + 2 < times.length && times[i + 1]! < time) i++;
    const share = (time - times[i]!) / (times[i + 1]! - times[i]! || 1);
    phases.push(offsets[i]! + (offsets[i + 1]! - offsets[i]!) * share);
  }
  return { spacing, phases };
}
