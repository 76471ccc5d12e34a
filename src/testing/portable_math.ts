// Functions that ECMAScript leaves to the engine (their last bits differ between V8 and
// JavaScriptCore), made of those that IEEE 754 rounds correctly: + − × ÷ and √. So a simulation
// gives the same numbers to the last bit on every runtime.

/** Terms of the series of ln: for |s| ≤ 0.1716 what is left out is below 1e-19. */
const LN_TERMS: readonly number[] = Array.from({ length: 12 }, (_, i) => 2 / (2 * i + 1));
/** Terms of the Taylor series of sin: for |y| ≤ π/2 what is left out is below 1e-18. */
const SINE_TERMS: readonly number[] = Array.from({ length: 11 }, (_, i) => {
  let term = i % 2 === 0 ? 1 : -1;
  for (let n = 2; n <= 2 * i + 1; n++) term /= n;
  return term;
});

/**
 * The natural logarithm, the same on every engine; within 2 units in the last place.
 *
 * @param x above 0, finite
 */
export function ln(x: number): number {
  let exponent = 0;
  for (; x < Math.SQRT1_2; x *= 2) exponent--;
  for (; x > Math.SQRT2; x /= 2) exponent++;
  const s = (x - 1) / (x + 1), square = s * s;
  let sum = 0;
  for (let i = LN_TERMS.length - 1; i >= 0; i--) sum = sum * square + LN_TERMS[i]!;
  return exponent * Math.LN2 + s * sum;
}

/**
 * The sine of an angle in turns, the same on every engine.
 *
 * @param turns the angle divided by 2π, finite
 */
export function sineOfTurns(turns: number): number {
  let part = turns - Math.round(turns); // exact
  if (part > 0.25) part = 0.5 - part;
  else if (part < -0.25) part = -0.5 - part;
  const y = part * (2 * Math.PI), square = y * y;
  let sum = 0;
  for (let i = SINE_TERMS.length - 1; i >= 0; i--) sum = sum * square + SINE_TERMS[i]!;
  return y * sum;
}
