/**
 * Reference identifiers (RFC 5905 §7.3): what a server takes its time from. 32 bits that are text at
 * stratum 0 and 1, an IPv4 address or the first half-word of a hashed IPv6 address above.
 */

import { formatIpAddress, parseIpAddress } from "./ip_address.ts";
import { readWord, writeWord } from "./header.ts";
import { describeKissCode } from "./kiss_code.ts";
import { md5 } from "./md5.ts";

/** Reference clocks that have a name in RFC 5905 (figure 12) or in common servers. */
const CLOCKS: ReadonlyMap<string, string> = new Map([
  ["ACTS", "NIST telephone modem"],
  ["ATOM", "atomic clock"],
  ["BDS", "BeiDou navigation satellite system"],
  ["CDMA", "code-division multiple access network"],
  ["CHU", "HF radio CHU, Ottawa, Canada"],
  ["DCF", "LF radio DCF77, Mainflingen, Germany, 77.5 kHz"],
  ["DTS", "digital time service"],
  ["GAL", "Galileo positioning system"],
  ["GLO", "GLONASS navigation satellite system"],
  ["GNSS", "global navigation satellite systems"],
  ["GOES", "geosynchronous orbit environment satellite"],
  ["GPS", "Global Positioning System"],
  ["HBG", "LF radio HBG, Prangins, Switzerland, 75 kHz"],
  ["IRIG", "inter-range instrumentation group time code"],
  ["JJY", "LF radio JJY, Fukushima and Saga, Japan, 40 and 60 kHz"],
  ["LOCL", "uncalibrated local clock"],
  ["LORC", "MF radio LORAN-C, 100 kHz"],
  ["MSF", "LF radio MSF, Anthorn, United Kingdom, 60 kHz"],
  ["NICT", "NICT telephone modem, Japan"],
  ["NIST", "NIST, United States"],
  ["NMEA", "NMEA 0183 receiver"],
  ["PHC", "PTP hardware clock"],
  ["PPS", "pulse per second"],
  ["PTB", "PTB telephone modem, Germany"],
  ["PTP", "precision time protocol"],
  ["PZF", "LF radio DCF77, phase modulation"],
  ["SHM", "shared memory segment"],
  ["SOCK", "local socket"],
  ["TDF", "MF radio TDF, Allouis, France, 162 kHz"],
  ["USNO", "USNO telephone modem, United States"],
  ["WWV", "HF radio WWV, Fort Collins, United States"],
  ["WWVB", "LF radio WWVB, Fort Collins, United States, 60 kHz"],
  ["WWVH", "HF radio WWVH, Kauai, United States"],
]);

/** What the MSB of the identifier says when a server smears a leap second: 254.x.y.z. */
const SMEAR_OCTET = 254;

/**
 * The reference identifier of a text, for stratum 0 and 1.
 *
 * @param text one to four printable ASCII characters, such as `"GPS"`
 * @throws {TypeError} if `text` is not a string
 * @throws {RangeError} if it is empty, longer than four characters or not printable ASCII
 *
 * @example The identifier that GPS receivers announce
 * ```ts
 * import { referenceIdFromText } from "@ntps/ntps/packet";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(referenceIdFromText("GPS"), 0x47505300);
 * ```
 */
export function referenceIdFromText(text: string): number {
  if (typeof text !== "string") {
    throw new TypeError(`A reference identifier is a string, not ${typeof text}: ${text}`);
  }
  if (!/^[\x20-\x7e]{1,4}$/.test(text)) {
    throw new RangeError(
      `A reference identifier has one to four ASCII characters, such as "GPS", not ${
        JSON.stringify(text)
      }`,
    );
  }
  let id = 0;
  for (let i = 0; i < 4; i++) id = id * 256 + (i < text.length ? text.charCodeAt(i) : 0);
  return id;
}

/**
 * The text of a reference identifier: its characters up to the trailing zeros, or `undefined` when
 * they are not printable ASCII.
 *
 * @param referenceId 32 bits, unsigned
 *
 * @example Text, and an address that is none
 * ```ts
 * import { referenceIdToText } from "@ntps/ntps/packet";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(referenceIdToText(0x47505300), "GPS");
 * assertEquals(referenceIdToText(0xc0000201), undefined);
 * ```
 */
export function referenceIdToText(referenceId: number): string | undefined {
  let text = "";
  for (let shift = 24; shift >= 0; shift -= 8) {
    text += String.fromCharCode((referenceId >>> shift) & 255);
  }
  text = text.replace(/\0+$/, "");
  return /^[\x20-\x7e]+$/.test(text) ? text : undefined;
}

/**
 * The reference identifier that a server at stratum 2 and above announces for its source: an IPv4
 * address as it is, of an IPv6 address the first four bytes of its MD5 digest (RFC 5905 §7.3).
 *
 * @param address IP address as text
 * @throws {TypeError} if it is not an IP address
 *
 * @example Both families
 * ```ts
 * import { referenceIdFromAddress } from "@ntps/ntps/packet";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(referenceIdFromAddress("192.0.2.1"), 0xc0000201);
 * assertEquals(referenceIdFromAddress("2001:db8::1"), 0x39ab9b37);
 * ```
 */
export function referenceIdFromAddress(address: string): number {
  const bytes = new Uint8Array(16);
  const family = parseIpAddress(address, bytes);
  if (family === 0) throw new TypeError(`Not an IP address: ${JSON.stringify(address)}`);
  return family === 4 ? readWord(bytes, 12) : readWord(md5(bytes), 0);
}

/**
 * A reference identifier as it is usually written at its stratum: text at stratum 0 and 1 (in
 * hexadecimal where it is not text), dotted above.
 *
 * @param referenceId 32 bits, unsigned
 * @param stratum stratum of the packet, 0 to 255
 *
 * @example At stratum 1 and 2
 * ```ts
 * import { formatReferenceId } from "@ntps/ntps/packet";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(formatReferenceId(0x47505300, 1), "GPS");
 * assertEquals(formatReferenceId(0xc0000201, 2), "192.0.2.1");
 * ```
 */
export function formatReferenceId(referenceId: number, stratum: number): string {
  if (stratum <= 1) {
    const hexadecimal = `0x${(referenceId >>> 0).toString(16).padStart(8, "0")}`;
    return referenceIdToText(referenceId) ?? hexadecimal;
  }
  const bytes = new Uint8Array(16).fill(255, 10, 12);
  writeWord(bytes, 12, referenceId);
  return formatIpAddress(bytes);
}

/**
 * What a reference identifier means, for people.
 *
 * @param referenceId 32 bits, unsigned
 * @param stratum stratum of the packet, 0 to 255
 *
 * @example A kiss code, a reference clock and a server
 * ```ts
 * import { describeReferenceId } from "@ntps/ntps/packet";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(describeReferenceId(0x47505300, 1), "Global Positioning System");
 * assertEquals(describeReferenceId(0xc0000201, 2), "a server at 192.0.2.1, or an IPv6 address");
 * ```
 */
export function describeReferenceId(referenceId: number, stratum: number): string {
  const text = referenceIdToText(referenceId);
  if (stratum === 0) {
    return text && describeKissCode(text) || (referenceId === 0 ? "none" : "unknown kiss code");
  }
  if (stratum === 1) return text && CLOCKS.get(text) || "unregistered reference clock";
  if (referenceId >>> 24 === SMEAR_OCTET) return "a server that smears a leap second";
  return `a server at ${formatReferenceId(referenceId, stratum)}, or an IPv6 address`;
}
