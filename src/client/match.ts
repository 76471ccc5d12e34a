import {
  HEADER_LENGTH,
  modeOf,
  ORIGIN_TIMESTAMP_AT,
  TRANSMIT_TIMESTAMP_AT,
  versionOf,
} from "../packet/header.ts";
import { MODE_SERVER } from "../packet/mode.ts";

/**
 * Whether a datagram answers a request: a reply of version 1 to 4 that gives back the request's
 * transmit timestamp (RFC 5905 §8; the second test of figure 22). Anything else is a stray: not
 * believed in anything, not even as an error.
 *
 * @param request the request
 * @param data what arrived
 */
export function answers(request: Uint8Array, data: Uint8Array): boolean {
  if (data.length < HEADER_LENGTH || modeOf(data[0]!) !== MODE_SERVER) return false;
  const version = versionOf(data[0]!);
  if (version === 0 || version > 4) return false;
  let difference = 0;
  for (let i = 0; i < 8; i++) {
    difference |= data[ORIGIN_TIMESTAMP_AT + i]! ^ request[TRANSMIT_TIMESTAMP_AT + i]!;
  }
  return difference === 0;
}
