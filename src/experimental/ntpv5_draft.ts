/**
 * The revision of the Internet-Draft that {@linkcode NTPv5Packet}, {@linkcode NTPv5Responder} and
 * {@linkcode queryNTPv5} speak, as each message tells it in its draft identification. Revisions do not
 * understand each other.
 *
 * @example Which one it is
 * ```ts
 * import { NTPV5_DRAFT } from "@ntps/ntps/experimental";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(NTPV5_DRAFT, "draft-ietf-ntp-ntpv5-08");
 * ```
 */
export const NTPV5_DRAFT = "draft-ietf-ntp-ntpv5-08";

/** {@linkcode NTPV5_DRAFT} as it stands in packets. */
export const DRAFT_BYTES: Uint8Array = Uint8Array.from(NTPV5_DRAFT, (char) => char.charCodeAt(0));
