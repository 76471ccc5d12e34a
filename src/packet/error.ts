/**
 * What the world did that kept an operation from its result; see {@linkcode NTPError}.
 *
 * | code | what happened |
 * |---|---|
 * | `"timeout"` | no valid answer in time |
 * | `"refused"` | the host answered that nobody listens on that port |
 * | `"kiss-of-death"` | the server asked us to go away or to slow down (RFC 5905 §7.4) |
 * | `"unsynchronized"` | the server says that it does not know the time |
 * | `"bogus"` | an answer that matches the request but makes no sense |
 * | `"authentication"` | an answer that is not authenticated as it must be |
 * | `"key-exchange"` | the server of a key exchange (NTS) refused, or did not keep to the protocol |
 * | `"not-found"` | the name has no address |
 * | `"unreachable"` | no route, or the network is down |
 * | `"aborted"` | the caller's `AbortSignal` fired |
 * | `"malformed"` | bytes that are not what they should be |
 * | `"address-in-use"` | another socket has that address and port |
 * | `"address-unavailable"` | this machine has no such address |
 * | `"permission"` | the operating system or the runtime does not allow it |
 * | `"unsupported"` | this runtime cannot do it |
 * | `"closed"` | the object was closed |
 * | `"system"` | any other error of the operating system, given as `cause` |
 */
export type NTPErrorCode =
  | "timeout"
  | "refused"
  | "kiss-of-death"
  | "unsynchronized"
  | "bogus"
  | "authentication"
  | "key-exchange"
  | "not-found"
  | "unreachable"
  | "aborted"
  | "malformed"
  | "address-in-use"
  | "address-unavailable"
  | "permission"
  | "unsupported"
  | "closed"
  | "system";

/**
 * The one error family of this library for what the world does. Wrong arguments are `TypeError` and
 * `RangeError` instead.
 *
 * `code` is meant for programs, `message` for people: it names the thing and the value, and the
 * remedy where there is one. An aborted operation has the `name` `"AbortError"`, as everywhere on
 * the platform.
 *
 * @example Telling errors apart
 * ```ts
 * import { NTPError } from "@ntps/ntps/packet";
 * import { assertEquals } from "@std/assert";
 *
 * const error: unknown = new NTPError("timeout", "192.0.2.1:123 did not answer within 5000 ms");
 * assertEquals(error instanceof NTPError && error.code, "timeout");
 * ```
 */
export class NTPError extends Error {
  /** What happened, for programs. */
  readonly code: NTPErrorCode;

  /**
   * Makes an error.
   *
   * @param code what happened
   * @param message one sentence that names the thing and the value, and the remedy
   * @param options `cause`: the error underneath, if there is one
   */
  constructor(code: NTPErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = code === "aborted" ? "AbortError" : "NTPError";
    this.code = code;
  }
}
