import {
  IP_PKTINFO,
  IPV6_PKTINFO,
  LAYOUT,
  SO_TIMESTAMPING,
  SO_TIMESTAMPNS,
  SOF_TX_SOFTWARE,
  SOL_IP,
  SOL_IPV6,
  SOL_SOCKET,
} from "./linux.ts";

const HEADER = LAYOUT.cmsgData;
const LEVEL = LAYOUT.cmsgLevel >> 2, TYPE = LAYOUT.cmsgType >> 2, DATA = LAYOUT.cmsgData >> 2;
/** Room of control messages, each padded to 8 bytes. */
export const RECEIVE_CONTROL: number = 2 * (HEADER + 3 * LAYOUT.timespec) + (HEADER + 24);
export const SEND_CONTROL: number = (HEADER + 24) + (HEADER + 8);
export const ERROR_CONTROL: number = (HEADER + 3 * LAYOUT.timespec) + 2 * (HEADER + 48);

/**
 * Finds a control message among those received with a datagram.
 *
 * @param words memory
 * @param at first word of the control messages
 * @param length of all of them, in bytes
 * @param level the one that is sought
 * @param type the one that is sought
 * @returns the first word of its data, or -1
 */
export function findControl(
  words: Int32Array,
  at: number,
  length: number,
  level: number,
  type: number,
): number {
  const end = at + (length >> 2);
  while (at + DATA <= end) {
    if (words[at + LEVEL] === level && words[at + TYPE] === type) return at + DATA;
    const size = words[at]!;
    if (size < HEADER) return -1;
    at += (size + 7) >> 3 << 1;
  }
  return -1;
}

/**
 * Finds the time at which a datagram was received or sent: seconds since 1970, then at two words'
 * distance nanoseconds. The kernel's own stamp is the first of the three of `SO_TIMESTAMPING`.
 *
 * @returns the first word, or -1
 */
export function findTimestamp(words: Int32Array, at: number, length: number): number {
  // It stands first.
  if (
    length >= HEADER + LAYOUT.timespec && words[at + LEVEL] === SOL_SOCKET &&
    (words[at + TYPE] === SO_TIMESTAMPING || words[at + TYPE] === SO_TIMESTAMPNS)
  ) return at + DATA;
  const found = findControl(words, at, length, SOL_SOCKET, SO_TIMESTAMPING);
  return found >= 0 ? found : findControl(words, at, length, SOL_SOCKET, SO_TIMESTAMPNS);
}

/**
 * Writes the control message that makes a reply leave from the address that was asked.
 *
 * @param words memory
 * @param at first word to write
 * @param from words that hold the request's control messages
 * @param fromAt first word of them
 * @param length of them, in bytes
 * @param family of the socket
 * @returns how many bytes were written: 0 when that address can be nobody's source
 */
export function writeReplySource(
  words: Int32Array,
  at: number,
  from: Int32Array,
  fromAt: number,
  length: number,
  family: 4 | 6,
): number {
  if (family === 4) {
    const info = findControl(from, fromAt, length, SOL_IP, IP_PKTINFO);
    if (info < 0) return 0;
    writeHeader(words, at, LAYOUT.pktinfo4, SOL_IP, IP_PKTINFO);
    // The route decides over the interface. The system has told an own address for broadcasts too.
    words[at + DATA] = 0;
    words[at + DATA + 1] = from[info + (LAYOUT.pktinfo4Source >> 2)]!;
    words[at + DATA + 2] = 0;
    words[at + DATA + 3] = 0;
    return HEADER + 16;
  }
  const info = findControl(from, fromAt, length, SOL_IPV6, IPV6_PKTINFO);
  if (info < 0 || isGroup(from, info)) return 0;
  writeHeader(words, at, LAYOUT.pktinfo6, SOL_IPV6, IPV6_PKTINFO);
  for (let i = 0; i < 4; i++) words[at + DATA + i] = from[info + i]!;
  const isLinkLocal = (from[info]! & 0xc0ff) === 0x80fe;
  words[at + DATA + 4] = isLinkLocal ? from[info + (LAYOUT.pktinfo6Interface >> 2)]! : 0;
  words[at + DATA + 5] = 0;
  return HEADER + 24;
}

/** Writes the control message that asks for a transmit stamp; returns how many bytes. */
export function writeStampRequest(words: Int32Array, at: number): number {
  writeHeader(words, at, 4, SOL_SOCKET, SO_TIMESTAMPING);
  words[at + DATA] = SOF_TX_SOFTWARE;
  words[at + DATA + 1] = 0;
  return HEADER + 8;
}

/** Whether an IPv6 address is multicast, or IPv4 multicast in its mapped form. */
function isGroup(words: Int32Array, at: number): boolean {
  if ((words[at]! & 0xff) === 0xff) return true;
  const isMapped = (words[at]! | words[at + 1]!) === 0 && words[at + 2] === (0xffff0000 | 0);
  return isMapped && (words[at + 3]! & 0xf0) === 0xe0;
}

function writeHeader(words: Int32Array, at: number, data: number, level: number, type: number) {
  words[at] = HEADER + data;
  words[at + 1] = 0;
  words[at + LEVEL] = level;
  words[at + TYPE] = type;
}
