/** Bit of CAP_SYS_TIME in sets of capabilities (man 7 capabilities). */
const CAP_SYS_TIME = 25n;

/**
 * Whether a process may set the clock.
 *
 * @param status text of `/proc/self/status`
 * @returns `undefined` if it does not tell
 *
 * @example A process without
 * ```ts
 * import { maySetTime } from "@ntps/ntps/steering";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(maySetTime("CapEff:\t00000000a80425fb\n"), false);
 * ```
 */
export function maySetTime(status: string): boolean | undefined {
  const [, effective] = /^CapEff:\s*([0-9a-f]+)$/im.exec(status) ?? [];
  return effective === undefined
    ? undefined
    : (BigInt(`0x${effective}`) >> CAP_SYS_TIME & 1n) === 1n;
}
