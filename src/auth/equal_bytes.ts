/**
 * Whether two arrays hold the same bytes. All are looked at, wherever the first difference is, so
 * that the time it takes tells a forger nothing (CVE-2016-1550).
 *
 * @param a some bytes
 * @param b others
 */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}
