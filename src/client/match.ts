import { givesBack } from "../packet/gives_back.ts";
import { HEADER_LENGTH, modeOf, versionOf } from "../packet/header.ts";
import { MODE_SERVER } from "../packet/mode.ts";
import { NTPPacket } from "../packet/packet.ts";

/**
 * Whether a datagram answers a request: a reply of version 1 to 4 that gives back the request's
 * transmit timestamp (RFC 5905 §8; the second test of figure 22), or in interleaved mode its receive
 * timestamp (RFC 9769 §2). Anything else is a stray: not
 * believed in anything, not even as an error.
 *
 * @param request the request
 * @param data what arrived
 */
export function answers(request: Uint8Array, data: Uint8Array): boolean {
  if (data.length < HEADER_LENGTH || modeOf(data[0]!) !== MODE_SERVER) return false;
  const version = versionOf(data[0]!);
  return version !== 0 && version <= 4 && givesBack(request, data);
}

/**
 * Reads a reply.
 *
 * @param request the request
 * @param data what arrived
 * @returns the reply, if that is what arrived
 */
export function decodeReply(request: Uint8Array, data: Uint8Array): NTPPacket | undefined {
  if (!answers(request, data)) return undefined;
  try {
    return NTPPacket.decode(data);
  } catch {
    return undefined; // a stray like any other: junk behind a header that could be guessed at
  }
}
