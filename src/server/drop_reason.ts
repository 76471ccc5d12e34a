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
/** A server in a multicast group has no time to offer. */
export const DROP_UNSYNCHRONIZED = -11;
/** Fields of NTS that are none of a request; or one refused, and enough were told so (RFC 8915 §5.7). */
export const DROP_NTS = -12;

/**
 * Why a datagram was not answered, as the statistics name it; in the order in which it is looked at:
 *
 * | reason | datagram |
 * |---|---|
 * | `"short"` | shorter than a header, which has 48 bytes |
 * | `"version"` | version 0 or above 4 |
 * | `"mode"` | no request: neither mode 3, nor mode 0 of version 1 from a port other than 123 |
 * | `"access"` | an access rule denies its address |
 * | `"rate"` | its address or prefix asks more often than the limit allows |
 * | `"malformed"` | behind the header are neither extension fields nor a MAC (RFC 7822 §3) |
 * | `"authentication"` | a rule demands a MAC and it has none; or the MAC asks for nothing: a crypto-NAK, or the empty one of MS-SNTP |
 * | `"nts"` | with NTS: its fields are none of a request (RFC 8915 §5.7), or it was refused, and enough others were told so lately |
 * | `"hook"` | the decision hook said so, or failed |
 * | `"clock"` | the server's own clock failed |
 * | `"unsynchronized"` | the server listens in a multicast group, and its clock is not synchronised |
 * | `"unsent"` | the reply could not be sent |
 *
 * Every other request is answered in its version: with 48 bytes; with a MAC of its own MAC's length
 * and key behind them, if that is right; with a crypto-NAK behind them, if it is not, or its key is
 * unknown or not for this address. Where the server has NTS, an authentic request is answered with
 * an authentic reply, and one that is not with the kiss code NTSN. No reply is longer than its request.
 */
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
  | "hook"
  | "unsynchronized"
  | "nts";

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
  "unsynchronized",
  "nts",
];
