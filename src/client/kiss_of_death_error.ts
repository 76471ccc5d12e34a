import { NTPError } from "../packet/error.ts";
import { describeKissCode } from "../packet/kiss_code.ts";

/**
 * A server asked the client to go away or to slow down (RFC 5905 §7.4). With `DENY` and `RSTR` it
 * must not be asked again, with `RATE` only less often.
 *
 * @example The kiss code
 * ```ts
 * import { KissOfDeathError } from "@ntps/ntps";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(new KissOfDeathError("RATE", "192.0.2.1:123").kissCode, "RATE");
 * ```
 */
export class KissOfDeathError extends NTPError {
  /** The kiss code, such as `"DENY"`. */
  readonly kissCode: string;

  /**
   * Makes an error with code `"kiss-of-death"`.
   *
   * @param kissCode one to four characters
   * @param server who said it
   */
  constructor(kissCode: string, server: string) {
    const meaning = describeKissCode(kissCode) ?? "an unregistered code";
    super("kiss-of-death", `${server} sent a kiss-o'-death: ${kissCode} (${meaning})`);
    this.name = "KissOfDeathError";
    this.kissCode = kissCode;
  }
}
