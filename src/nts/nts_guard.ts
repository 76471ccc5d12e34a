/** {@linkcode NtsGuard.open}: the request carries no fields of NTS. */
export const NTS_ABSENT = 0;
/** {@linkcode NtsGuard.open}: the request is authentic. */
export const NTS_AUTHENTIC = 1;
/** {@linkcode NtsGuard.open}: its cookie or its authenticator is not good. */
export const NTS_REFUSED = 2;
/** {@linkcode NtsGuard.open}: its fields are none of a request (RFC 8915 §5.7). */
export const NTS_MALFORMED = 3;

/** Longest reply of a {@linkcode NtsGuard}, in bytes: eight cookies, and a long unique identifier. */
export const MAX_NTS_REPLY_LENGTH = 2048;

/**
 * What a server has of NTS: it knows requests that carry it, and completes the replies to them. An
 * `NtsResponder` is one. A server calls `open()` with a request, and then, before the next request,
 * one of the others with its reply; none of them throws.
 */
export interface NtsGuard {
  /**
   * Looks at a request.
   *
   * @param request holds a request of more than 48 bytes at its beginning
   * @param length its length
   * @returns {@linkcode NTS_ABSENT}, {@linkcode NTS_AUTHENTIC}, {@linkcode NTS_REFUSED} or
   * {@linkcode NTS_MALFORMED}
   */
  open(request: Uint8Array, length: number): number;
  /**
   * Puts the fields behind a reply to an authentic request.
   *
   * @param reply holds a reply of 48 bytes, and has room for the length of the request, or for
   * {@linkcode MAX_NTS_REPLY_LENGTH}
   * @returns the reply's length now, never more than the request's; 0 where it cannot be made
   */
  seal(reply: Uint8Array): number;
  /**
   * Puts the unique identifier behind a kiss-o'-death to a request that was refused.
   *
   * @param reply holds a reply of 48 bytes, and has room as for {@linkcode NtsGuard.seal}
   * @returns the reply's length now, never more than the request's
   */
  identify(reply: Uint8Array): number;
}
