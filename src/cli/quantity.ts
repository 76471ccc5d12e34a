/** From seconds to the unit and its name, largest first. */
const UNITS = [[1, "s"], [1e-3, "ms"], [1e-6, "µs"], [1e-9, "ns"]] as const;

/**
 * A duration in the unit that suits it, with four significant digits: `954.0 µs`, `64 s`.
 *
 * @param seconds any finite number
 */
export function formatSeconds(seconds: number): string {
  if (seconds === 0) return "0 s";
  const size = Math.abs(seconds);
  const [factor, unit] = UNITS.find(([least]) => size >= least) ?? UNITS[3];
  const scaled = seconds / factor;
  if (size >= 1e6) return `${scaled.toExponential(3)} ${unit}`;
  if (Number.isInteger(scaled)) return `${scaled} ${unit}`;
  return `${size >= 1000 ? scaled.toFixed(3) : scaled.toPrecision(4)} ${unit}`;
}

/**
 * Durations that stand below each other: all in one unit, to the microsecond.
 *
 * @param seconds any finite numbers
 * @param options `signed`: with a sign, also a positive one
 */
export function formatColumn(
  seconds: readonly number[],
  { signed = false }: { signed?: boolean } = {},
): string[] {
  const inSeconds = seconds.some((value) => Math.abs(value) >= 1);
  return seconds.map((value) => {
    const text = inSeconds ? `${value.toFixed(6)} s` : `${(value * 1000).toFixed(3)} ms`;
    return signed && !text.startsWith("-") ? `+${text}` : text;
  });
}
