/**
 * Why a datagram was not answered. The responder gives a reason as a number, so that it allocates
 * nothing; statistics give it by name.
 */

/** Shorter than a header. */
export const DROP_SHORT = -1;
/** Version 0 or above 4. */
export const DROP_VERSION = -2;
/** No request: not mode 3 (nor mode 0 of version 1 from a client's port). */
export const DROP_MODE = -3;
/** What stands behind the header is neither extension fields nor a MAC (RFC 7822 §3). */
export const DROP_MALFORMED = -4;
/**
 * Not authenticated though a rule demands it; or with a MAC that asks for nothing: a crypto-NAK, or
 * the empty one of MS-SNTP, which only a domain controller can fill.
 */
export const DROP_AUTHENTICATION = -5;
/** The server's own clock failed. */
export const DROP_CLOCK = -6;
/** The reply could not be sent: the socket's queue was full, or the socket closed. */
export const DROP_UNSENT = -7;
/** An access rule denies it. */
export const DROP_ACCESS = -8;
/** Above the rate limit. */
export const DROP_RATE = -9;
/** The decision hook said so, or failed. */
export const DROP_HOOK = -10;

/** Name of a reason, as in the statistics. */
export type DropReason =
  | "short"
  | "version"
  | "mode"
  | "malformed"
  | "authentication"
  | "clock"
  | "unsent"
  | "access"
  | "rate"
  | "hook";

/** Names of the reasons: that of reason `r` stands at `-r - 1`. */
export const DROP_REASONS: readonly DropReason[] = [
  "short",
  "version",
  "mode",
  "malformed",
  "authentication",
  "clock",
  "unsent",
  "access",
  "rate",
  "hook",
];
