/**
 * Whether some bytes begin with others. All of those are looked at, wherever the first difference is,
 * so that the time it takes tells a forger nothing (CVE-2016-1550).
 *
 * @param bytes the bytes, as they are right
 * @param start what they are to begin with, no longer than they are
 */
export function beginsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  let difference = 0;
  for (let i = 0; i < start.length; i++) difference |= bytes[i]! ^ start[i]!;
  return difference === 0;
}
