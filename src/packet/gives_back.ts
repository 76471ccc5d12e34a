import {
  ORIGIN_TIMESTAMP_AT,
  readWord,
  RECEIVE_TIMESTAMP_AT,
  TRANSMIT_TIMESTAMP_AT,
} from "./header.ts";

/** Whether the origin timestamp of a reply is the timestamp at some place of the request. */
function isOrigin(request: Uint8Array, at: number, reply: Uint8Array): boolean {
  let difference = 0;
  for (let i = 0; i < 8; i++) difference |= reply[ORIGIN_TIMESTAMP_AT + i]! ^ request[at + i]!;
  return difference === 0;
}

/**
 * Whether a reply gives back what its request had it give back: the transmit timestamp in basic mode
 * (RFC 5905 §8), the receive timestamp in interleaved mode (RFC 9769 §2). Requests that have no
 * receive timestamp do not ask for interleaved mode.
 *
 * @param request 48 bytes or more
 * @param reply 48 bytes or more
 */
export function givesBack(request: Uint8Array, reply: Uint8Array): boolean {
  if (isOrigin(request, TRANSMIT_TIMESTAMP_AT, reply)) return true;
  const isInterleaved = (readWord(request, RECEIVE_TIMESTAMP_AT) |
    readWord(request, RECEIVE_TIMESTAMP_AT + 4)) !== 0;
  return isInterleaved && isOrigin(request, RECEIVE_TIMESTAMP_AT, reply);
}
