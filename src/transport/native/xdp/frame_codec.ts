import type { Endpoint } from "../../endpoint.ts";

/** Why a frame is not delivered. The kernel drops the same, but for the last, which nobody sends. */
export const BAD_LENGTH = -1, BAD_CHECKSUM = -2, BAD_SOURCE = -3, BAD_KIND = -4;

/** Longest payload: what a frame of 2,048 bytes holds, and more than Ethernet's MTU. */
export const MAX_PAYLOAD_LENGTH = 2048;

const ETHERNET_LENGTH = 14, IPV4_LENGTH = 20, IPV6_LENGTH = 40, UDP_LENGTH = 8, UDP = 17;
const ETHERTYPE_IPV4 = 0x0800, ETHERTYPE_IPV6 = 0x86dd;
const ETHERTYPE_VLAN = 0x8100, ETHERTYPE_SERVICE_VLAN = 0x88a8;
const MAX_TAGS = 2;
/** What replies leave with (the default of Linux, RFC 1700). */
const HOP_LIMIT = 64;
/** Protocol and length of UDP in a pseudo-header, as a little-endian machine adds them. */
const UDP_SWAPPED = 0x1100;

/**
 * Reads a UDP datagram out of an Ethernet frame, and writes the reply into the same frame. Works in
 * place, on memory that the kernel writes to; what is delivered is a copy, made on the way of the
 * checksum, so nobody above can be told two things by one frame. Allocates and throws nothing.
 *
 * What is not right is not delivered, as in the kernel: lengths that do not fit, wrong checksums
 * (RFC 791, RFC 768, RFC 8200 §8.1), a source that cannot be answered (multicast, loopback,
 * unspecified, or a hardware address of a group). A datagram that a machine sends to itself over a
 * virtual link may have only the sum of the pseudo-header in place of the checksum, left for
 * hardware to complete that is not there; it never was on a wire, and is taken.
 */
export class FrameCodec {
  /** The payload of the last frame; its first bytes. */
  readonly payload: Uint8Array = new Uint8Array(new ArrayBuffer(MAX_PAYLOAD_LENGTH));
  readonly #payload16: Uint16Array;
  readonly #bytes: Uint8Array;
  readonly #words: Uint16Array;
  readonly #interfaceIndex: number;
  readonly #scopeName: (index: number) => string;
  /** Of the last frame: where it and its parts begin. */
  #frame = 0;
  #network = 0;
  #udp = 0;
  #isIpv6 = false;

  /**
   * @param memory where frames are; little-endian machines only
   * @param interfaceIndex where they come from, for link-local sources
   * @param interfaceName what it is called
   */
  constructor(memory: ArrayBufferLike, interfaceIndex: number, interfaceName: string) {
    this.#bytes = new Uint8Array(memory);
    this.#words = new Uint16Array(memory);
    this.#payload16 = new Uint16Array(this.payload.buffer);
    this.#interfaceIndex = interfaceIndex;
    this.#scopeName = () => interfaceName;
  }

  /**
   * Reads a frame: its payload, and its source.
   *
   * @param frame where it begins, in bytes; even
   * @param length of the frame
   * @param source written
   * @returns length of the payload, or a negative reason
   */
  read(frame: number, length: number, source: Endpoint): number {
    const bytes = this.#bytes;
    if (length < ETHERNET_LENGTH + IPV4_LENGTH + UDP_LENGTH || (frame & 1) !== 0) return BAD_LENGTH;
    if ((bytes[frame + 6]! & 1) !== 0) return BAD_SOURCE; // a group sends nothing
    let network = frame + ETHERNET_LENGTH, type = this.#read16(network - 2);
    for (let tags = 0; tags < MAX_TAGS; tags++) {
      if (type !== ETHERTYPE_VLAN && type !== ETHERTYPE_SERVICE_VLAN) break;
      network += 4;
      type = this.#read16(network - 2);
    }
    this.#frame = frame;
    this.#network = network;
    const left = frame + length - network;
    if (type === ETHERTYPE_IPV4) return this.#readIpv4(left, source);
    return type === ETHERTYPE_IPV6 ? this.#readIpv6(left, source) : BAD_KIND;
  }

  /**
   * Makes the frame that was read last a reply to it.
   *
   * @param data the payload; not longer than that of the request
   * @returns length of the frame
   */
  reply(data: Uint8Array): number {
    const words = this.#words, { length } = data;
    const frame = this.#frame >> 1, udp = this.#udp >> 1, udpLength = UDP_LENGTH + length;
    for (let i = 0; i < 3; i++) {
      const target = words[frame + i]!;
      words[frame + i] = words[frame + 3 + i]!;
      words[frame + 3 + i] = target;
    }
    const port = words[udp]!;
    words[udp] = words[udp + 1]!;
    words[udp + 1] = port;
    words[udp + 2] = swap16(udpLength);
    words[udp + 3] = 0;
    const header = this.#isIpv6 ? this.#replyIpv6(udpLength) : this.#replyIpv4(udpLength);
    let sum = header + words[udp]! + words[udp + 1]! + words[udp + 2]!;
    let at = udp + UDP_LENGTH / 2, i = 0;
    for (; i + 1 < length; i += 2) {
      const word = data[i]! | (data[i + 1]! << 8);
      words[at++] = word;
      sum += word;
    }
    if (i < length) {
      this.#bytes[2 * at] = data[i]!;
      sum += data[i]!;
    }
    // A checksum of 0 would say that there is none (RFC 768): it is sent as its other form.
    words[udp + 3] = (~fold(sum) & 0xffff) || 0xffff;
    return this.#udp + udpLength - this.#frame;
  }

  #readIpv4(left: number, source: Endpoint): number {
    const at = this.#network, bytes = this.#bytes, words = this.#words, w = at >> 1;
    if (left < IPV4_LENGTH + UDP_LENGTH) return BAD_LENGTH;
    if (bytes[at] !== 0x45 || bytes[at + 9] !== UDP || (this.#read16(at + 6) & 0x3fff) !== 0) {
      return BAD_KIND;
    }
    const total = this.#read16(at + 2);
    if (total < IPV4_LENGTH + UDP_LENGTH || total > left) return BAD_LENGTH;
    let sum = 0;
    for (let i = 0; i < IPV4_LENGTH / 2; i++) sum += words[w + i]!;
    if (fold(sum) !== 0xffff) return BAD_CHECKSUM;
    // 0/8 and 127/8 are nobody on a wire; above 224 are groups and what is reserved (RFC 6890).
    const first = bytes[at + 12]!;
    if (first === 0 || first === 127 || first >= 224) return BAD_SOURCE;
    const addresses = words[w + 6]! + words[w + 7]! + words[w + 8]! + words[w + 9]!;
    this.#isIpv6 = false;
    const length = this.#readUdp(at + IPV4_LENGTH, total - IPV4_LENGTH, addresses);
    if (length >= 0) source.assignBytes(4, bytes, at + 12, this.#read16(at + IPV4_LENGTH));
    return length;
  }

  #readIpv6(left: number, source: Endpoint): number {
    const at = this.#network, bytes = this.#bytes, words = this.#words, w = at >> 1;
    if (left < IPV6_LENGTH + UDP_LENGTH) return BAD_LENGTH;
    if (bytes[at]! >> 4 !== 6 || bytes[at + 6] !== UDP) return BAD_KIND;
    const inside = this.#read16(at + 4);
    if (inside > left - IPV6_LENGTH) return BAD_LENGTH;
    if (bytes[at + 8] === 0xff || this.#isNobody(w + 4)) return BAD_SOURCE;
    let addresses = 0;
    for (let i = 4; i < IPV6_LENGTH / 2; i++) addresses += words[w + i]!;
    this.#isIpv6 = true;
    const length = this.#readUdp(at + IPV6_LENGTH, inside, addresses);
    if (length >= 0) {
      const isLinkLocal = bytes[at + 8] === 0xfe && (bytes[at + 9]! & 0xc0) === 0x80;
      const scope = isLinkLocal ? this.#interfaceIndex : 0;
      source.assignBytes(6, bytes, at + 8, this.#read16(at + IPV6_LENGTH), scope, this.#scopeName);
    }
    return length;
  }

  /** Whether an IPv6 address is ::/96, with "unspecified" and loopback, or IPv4-mapped. */
  #isNobody(at: number): boolean {
    const words = this.#words;
    for (let i = 0; i < 5; i++) if (words[at + i] !== 0) return false;
    return words[at + 5] === 0 || words[at + 5] === 0xffff;
  }

  /** Checks and copies what is behind the IP header; `addresses` is the sum of both addresses. */
  #readUdp(at: number, left: number, addresses: number): number {
    const words = this.#words, payload = this.#payload16, w = at >> 1;
    const udpLength = this.#read16(at + 4);
    const length = udpLength - UDP_LENGTH;
    if (length < 0 || udpLength > left || length > MAX_PAYLOAD_LENGTH) return BAD_LENGTH;
    const pseudo = addresses + UDP_SWAPPED + words[w + 2]!, checksum = words[w + 3]!;
    let sum = pseudo + words[w]! + words[w + 1]! + words[w + 2]! + checksum;
    const whole = length >> 1, from = w + UDP_LENGTH / 2;
    for (let i = 0; i < whole; i++) {
      const word = words[from + i]!;
      payload[i] = word;
      sum += word;
    }
    if ((length & 1) !== 0) {
      const last = this.#bytes[at + udpLength - 1]!;
      this.payload[length - 1] = last;
      sum += last;
    }
    if (checksum === 0) {
      if (this.#isIpv6) return BAD_CHECKSUM; // RFC 8200 §8.1; RFC 6936 is for tunnels
    } else if (fold(sum) !== 0xffff && checksum !== fold(pseudo)) return BAD_CHECKSUM;
    this.#udp = at;
    return length;
  }

  /** Turns the IPv4 header round; returns the sum of its pseudo-header. */
  #replyIpv4(udpLength: number): number {
    const words = this.#words, bytes = this.#bytes, at = this.#network, w = at >> 1;
    words[w + 1] = swap16(IPV4_LENGTH + udpLength);
    words[w + 2] = 0; // never fragmented, so the identification says nothing (RFC 6864 §4.1)
    words[w + 3] = 0x0040; // do not fragment
    bytes[at + 8] = HOP_LIMIT;
    words[w + 5] = 0;
    let addresses = 0;
    for (let i = 6; i < 8; i++) {
      const source = words[w + i]!, own = words[w + i + 2]!;
      words[w + i] = own;
      words[w + i + 2] = source;
      addresses += source + own;
    }
    bytes[at + 1] = 0; // as the sockets send: type of service 0
    let sum = addresses;
    for (let i = 0; i < 5; i++) sum += words[w + i]!;
    words[w + 5] = ~fold(sum);
    return addresses + UDP_SWAPPED + swap16(udpLength);
  }

  /** Turns the IPv6 header round; returns the sum of its pseudo-header. */
  #replyIpv6(udpLength: number): number {
    const words = this.#words, at = this.#network, w = at >> 1;
    words[w] = 0x0060; // version 6; neither traffic class nor flow label, as the sockets send
    words[w + 1] = 0;
    words[w + 2] = swap16(udpLength);
    this.#bytes[at + 7] = HOP_LIMIT;
    let addresses = 0;
    for (let i = 4; i < 12; i++) {
      const source = words[w + i]!, own = words[w + i + 8]!;
      words[w + i] = own;
      words[w + i + 8] = source;
      addresses += source + own;
    }
    return addresses + UDP_SWAPPED + swap16(udpLength);
  }

  #read16(at: number): number {
    return (this.#bytes[at]! << 8) | this.#bytes[at + 1]!;
  }
}

/** A sum of 16-bit words with its carries added, as ones' complement has it (RFC 1071). */
function fold(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}

function swap16(value: number): number {
  return ((value & 0xff) << 8) | (value >>> 8);
}
