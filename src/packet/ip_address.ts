/**
 * IP addresses between text and 16 bytes. IPv4 is kept in its IPv4-mapped form (RFC 4291 §2.5.5.2),
 * so that one table, one rule and one comparison serve both families.
 */

/** Family of an address: 4 or 6, or 0 for text that is no address. */
export type IpFamily = 0 | 4 | 6;

const DOT = 46, COLON = 58, ZERO = 48, NINE = 57;

/** Value of a hexadecimal digit, or -1. */
function hexDigit(code: number): number {
  if (code >= ZERO && code <= NINE) return code - ZERO;
  const lower = code | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

/** Reads `a.b.c.d` in `text[start, end)` to `into[at, at + 4)`. */
function parseDotted(text: string, start: number, end: number, into: Uint8Array, at: number) {
  let octets = 0, value = -1;
  for (let i = start; i <= end; i++) {
    const code = i < end ? text.charCodeAt(i) : DOT;
    if (code === DOT) {
      if (value < 0 || octets === 4) return false;
      into[at + octets++] = value;
      value = -1;
    } else {
      if (code < ZERO || code > NINE || value === 0) return false; // no octal, no leading zero
      value = (value < 0 ? 0 : value * 10) + code - ZERO;
      if (value > 255) return false;
    }
  }
  return octets === 4;
}

/**
 * Whether 16 bytes hold an IPv4 address, in its IPv4-mapped form. Allocates nothing.
 *
 * @param bytes 16 bytes
 */
export function isIpv4Mapped(bytes: Uint8Array): boolean {
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return false;
  return bytes[10] === 0xff && bytes[11] === 0xff;
}

/**
 * Reads an IP address. Allocates nothing. A scope (`%eth0`) is allowed behind an IPv6 address and
 * not kept; an IPv4-mapped IPv6 address counts as IPv4.
 *
 * @param text dotted IPv4, or IPv6 as in RFC 4291 §2.2
 * @param into 16 bytes, written: IPv6, or IPv4-mapped IPv6; undefined content when the result is 0
 * @returns the family, 0 when `text` is no address
 *
 * @example Reading an IPv4 address
 * ```ts
 * import { parseIpAddress } from "@ntps/ntps/packet";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = new Uint8Array(16);
 * assertEquals(parseIpAddress("192.0.2.1", bytes), 4);
 * assertEquals(bytes.subarray(10), new Uint8Array([255, 255, 192, 0, 2, 1]));
 * assertEquals(parseIpAddress("192.0.2", bytes), 0);
 * ```
 */
export function parseIpAddress(text: string, into: Uint8Array): IpFamily {
  into.fill(0, 0, 16);
  // IPv4 with nothing behind it, plain or as sockets of both families tell it, has a way of its own:
  // almost every source of a server is of these forms.
  const start = text.charCodeAt(0) === COLON && text.startsWith("::ffff:") ? 7 : 0;
  if (parseDotted(text, start, text.length, into, 12)) {
    into[10] = into[11] = 0xff;
    return 4;
  }
  if (text.indexOf(":") < 0) return 0;
  const percent = text.indexOf("%");
  const end = percent < 0 ? text.length : percent;
  if (percent === text.length - 1) return 0;
  let at = 0, gap = -1, i = 0;
  if (text.charCodeAt(0) === COLON) {
    if (text.charCodeAt(1) !== COLON) return 0;
    i = 1;
  }
  while (i < end) {
    if (text.charCodeAt(i) === COLON) {
      if (gap >= 0) return 0;
      gap = at;
      i++;
      if (i === end) break;
      continue;
    }
    let value = 0, digits = 0;
    const start = i;
    for (; i < end; i++) {
      const digit = hexDigit(text.charCodeAt(i));
      if (digit < 0) break;
      value = value * 16 + digit;
      if (++digits > 4) break;
    }
    const code = i < end ? text.charCodeAt(i) : COLON;
    if (code === DOT) {
      if (at > 12 || !parseDotted(text, start, end, into, at)) return 0;
      at += 4;
      i = end;
      break;
    }
    if (digits === 0 || digits > 4 || code !== COLON || at === 16) return 0;
    into[at++] = value >>> 8;
    into[at++] = value & 255;
    if (i < end && ++i === end) return 0; // a single colon at the end
  }
  if (gap < 0) {
    if (at !== 16) return 0;
  } else {
    if (at > 14) return 0;
    into.copyWithin(16 - (at - gap), gap, at);
    into.fill(0, gap, 16 - (at - gap));
  }
  return isIpv4Mapped(into) ? 4 : 6;
}

/**
 * Writes an IP address: dotted IPv4 for an IPv4-mapped one, else IPv6 as in RFC 5952.
 *
 * @param bytes 16 bytes
 *
 * @example The shortest form
 * ```ts
 * import { formatIpAddress, parseIpAddress } from "@ntps/ntps/packet";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = new Uint8Array(16);
 * parseIpAddress("2001:0DB8:0:0:0:0:0:1", bytes);
 * assertEquals(formatIpAddress(bytes), "2001:db8::1");
 * ```
 */
export function formatIpAddress(bytes: Uint8Array): string {
  if (isIpv4Mapped(bytes)) return `${bytes[12]}.${bytes[13]}.${bytes[14]}.${bytes[15]}`;
  let gapAt = -1, gapLength = 1, runAt = -1; // RFC 5952 §4.2.2: a lone zero is not shortened
  for (let i = 0; i <= 8; i++) {
    const zero = i < 8 && bytes[2 * i] === 0 && bytes[2 * i + 1] === 0;
    if (zero && runAt < 0) runAt = i;
    if (!zero && runAt >= 0) {
      if (i - runAt > gapLength) {
        gapAt = runAt;
        gapLength = i - runAt;
      }
      runAt = -1;
    }
  }
  let text = "";
  for (let i = 0; i < 8; i++) {
    if (i === gapAt) {
      text += "::";
      i += gapLength - 1;
      continue;
    }
    if (text !== "" && !text.endsWith(":")) text += ":";
    text += ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16);
  }
  return text;
}

/**
 * Whether 16 bytes hold a multicast address: 224.0.0.0/4 or ff00::/8 (RFC 5771, RFC 4291 §2.7).
 * Allocates nothing.
 *
 * @param bytes 16 bytes, IPv4 in its IPv4-mapped form
 */
export function isMulticast(bytes: Uint8Array): boolean {
  return isIpv4Mapped(bytes) ? bytes[12]! >>> 4 === 0xe : bytes[0] === 0xff;
}

/**
 * Whether 16 bytes hold an IPv6 address of one link: fe80::/10 (RFC 4291 §2.5.6). It stands for a
 * host only together with a network interface. Allocates nothing.
 *
 * @param bytes 16 bytes, IPv4 in its IPv4-mapped form
 */
export function isLinkLocal(bytes: Uint8Array): boolean {
  return bytes[0] === 0xfe && (bytes[1]! & 0xc0) === 0x80;
}
