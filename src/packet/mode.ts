/** Association mode, three bits (RFC 5905 §7.3, figure 10). */
export type Mode = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7;

/** Reserved; in version 1, which had no modes, a request (RFC 1059). */
export const MODE_RESERVED = 0;
/** Symmetric active. */
export const MODE_SYMMETRIC_ACTIVE = 1;
/** Symmetric passive. */
export const MODE_SYMMETRIC_PASSIVE = 2;
/** A client's request. */
export const MODE_CLIENT = 3;
/** A server's reply. */
export const MODE_SERVER = 4;
/** Broadcast. */
export const MODE_BROADCAST = 5;
/** Control message (RFC 9327): another format, no time packet. */
export const MODE_CONTROL = 6;
/** Private use: another format, no time packet. */
export const MODE_PRIVATE = 7;

const NAMES = [
  "reserved",
  "symmetric active",
  "symmetric passive",
  "client",
  "server",
  "broadcast",
  "control message",
  "private",
] as const;

/**
 * Name of a mode, for people.
 *
 * @param mode 0 to 7
 *
 * @example The mode of a reply
 * ```ts
 * import { describeMode } from "@ntps/ntps/packet";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(describeMode(4), "server");
 * ```
 */
export function describeMode(mode: Mode): string {
  return NAMES[mode];
}
