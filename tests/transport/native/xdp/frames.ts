// Ethernet frames with UDP in them, right or with one thing wrong.
import { parseIpAddress } from "../../../../src/packet/ip_address.ts";

export const OWN_MAC: Uint8Array = Uint8Array.of(2, 0, 0, 0, 0, 1);
export const PEER_MAC: Uint8Array = Uint8Array.of(2, 0, 0, 0, 0, 2);

/** What is in a frame; all has a default. */
export interface FrameOptions {
  from?: string;
  to?: string;
  fromPort?: number;
  toPort?: number;
  data?: Uint8Array;
  /** Types of VLAN tags, the outermost first; the n-th has the number n + 5. */
  tags?: readonly number[];
  fromMac?: Uint8Array;
  toMac?: Uint8Array;
  protocol?: number;
  /** Fragment flags and offset. Default: "do not fragment". */
  fragment?: number;
  /** Bytes of IPv4 options. */
  options?: number;
  checksum?: "right" | "wrong" | "none" | "partial";
  headerChecksum?: "right" | "wrong";
  /** Bytes behind the datagram: Ethernet pads to 60. */
  padding?: number;
  /** Added to the length that the UDP header says. */
  udpLengthError?: number;
  /** Added to the length that the IP header says. */
  ipLengthError?: number;
}

/** Bytes of an address: 4 or 16. */
export function addressBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(16);
  return parseIpAddress(text, bytes) === 4 ? bytes.slice(12) : bytes;
}

/** Sum of 16-bit words, big-endian, as ones' complement has it. */
export function onesSum(bytes: Uint8Array, start = 0): number {
  let sum = start;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return sum;
}

/** Sum of a pseudo-header (RFC 768, RFC 8200 §8.1). */
function pseudoSum(from: Uint8Array, to: Uint8Array, length: number, protocol: number): number {
  return onesSum(Uint8Array.of(...from, ...to, length >> 8, length & 255, 0, protocol));
}

/** Makes a frame. */
export function makeFrame(options: FrameOptions = {}): Uint8Array {
  const { from = "192.0.2.9", to = "192.0.2.1", fromPort = 50123, toPort = 123, tags = [] } =
    options;
  const { data = Uint8Array.from({ length: 48 }, (_, i) => 7 * i + 1), protocol = 17 } = options;
  const { checksum = "right", padding = 0, udpLengthError = 0, ipLengthError = 0 } = options;
  const source = addressBytes(from), target = addressBytes(to);
  const isIpv4 = source.length === 4;
  const udpLength = 8 + data.length;
  const udp = new Uint8Array(udpLength);
  const view = new DataView(udp.buffer);
  view.setUint16(0, fromPort);
  view.setUint16(2, toPort);
  view.setUint16(4, udpLength + udpLengthError);
  udp.set(data, 8);
  const pseudo = pseudoSum(source, target, udpLength, 17);
  const right = (~onesSum(udp, pseudo) & 0xffff) || 0xffff;
  const sums = { right, wrong: right ^ 0x0101, none: 0, partial: pseudo };
  view.setUint16(6, sums[checksum]);

  const extra = options.options ?? 0;
  const ip = new Uint8Array(isIpv4 ? 20 + extra : 40);
  const ipView = new DataView(ip.buffer);
  if (isIpv4) {
    ip[0] = 0x45 + extra / 4;
    ipView.setUint16(2, ip.length + udpLength + ipLengthError);
    ipView.setUint16(4, 0x1234);
    ipView.setUint16(6, options.fragment ?? 0x4000);
    ip[8] = 57;
    ip[9] = protocol;
    ip.set(source, 12);
    ip.set(target, 16);
    ipView.setUint16(10, ~onesSum(ip) ^ (options.headerChecksum === "wrong" ? 0x0101 : 0));
  } else {
    ipView.setUint32(0, 0x6bc12345); // a traffic class and a flow label
    ipView.setUint16(4, udpLength + ipLengthError);
    ip[6] = protocol;
    ip[7] = 57;
    ip.set(source, 8);
    ip.set(target, 24);
  }
  const tagBytes = tags.flatMap((type, i) => [type >> 8, type & 255, 0, i + 5]);
  return Uint8Array.of(
    ...(options.toMac ?? OWN_MAC),
    ...(options.fromMac ?? PEER_MAC),
    ...tagBytes,
    ...(isIpv4 ? [8, 0] : [0x86, 0xdd]),
    ...ip,
    ...udp,
    ...new Uint8Array(padding).fill(0xee),
  );
}
