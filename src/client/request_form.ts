import type { NTPPacket } from "../packet/packet.ts";
import type { Random } from "./request.ts";

/** How a request looks, and its reply, where both are others than usual. */
export interface RequestForm {
  /**
   * Where the number stands that the request is known by, in bytes; its reply has that where the origin
   * timestamp stands.
   */
  readonly idAt: number;
  /**
   * Makes a request.
   *
   * @param random where random bytes come from
   * @returns bytes, with a random number other than 0 at `idAt`
   */
  make(random: Random): Uint8Array;
  /**
   * Reads what may be the reply.
   *
   * @param request the request
   * @param data what arrived, 48 bytes at least
   * @returns the reply; `undefined` if it is none
   */
  decode(request: Uint8Array, data: Uint8Array): NTPPacket | undefined;
}
