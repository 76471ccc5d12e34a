import { NTPError } from "./error.ts";

/**
 * Bytes that are no NTP time packet; the only error that decoding throws.
 *
 * @example What is wrong, and where
 * ```ts
 * import { NTPPacket, NTPPacketError } from "@ntps/ntps/packet";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const error = assertThrows(() => NTPPacket.decode(new Uint8Array(12)), NTPPacketError);
 * assertEquals(error.byteOffset, 12);
 * ```
 */
export class NTPPacketError extends NTPError {
  /** Where the fault is, in bytes from the start of the packet. */
  readonly byteOffset: number;

  /**
   * Makes an error with code `"malformed"`.
   *
   * @param message what is wrong
   * @param byteOffset where, in bytes from the start of the packet
   */
  constructor(message: string, byteOffset: number) {
    super("malformed", `${message} (at byte ${byteOffset})`);
    this.name = "NTPPacketError";
    this.byteOffset = byteOffset;
  }
}
