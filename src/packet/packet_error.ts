import { NTPError } from "./error.ts";

/**
 * Bytes that are no NTP time packet; the only error that decoding throws.
 *
 * @example What is wrong, and where
 * ```ts
 * import { NTPPacket, NTPPacketError } from "@ntps/ntps/packet";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const bytes = new Uint8Array(12).fill(0x23, 0, 1); // version 4, mode 3, and it ends too early
 * const error = assertThrows(() => NTPPacket.decode(bytes), NTPPacketError);
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
