import { cString } from "../transport/native/ffi/ffi.ts";

/** Family of sockets in the file system. */
export const AF_UNIX = 1;
/** Kind of socket: datagrams. */
export const SOCK_DGRAM = 2;
/** For a call: not to wait. */
export const MSG_DONTWAIT = 0x40;
/** Longest path: `sun_path` has 108 bytes, the last one zero. */
const LONGEST_PATH = 107;

/**
 * Checks the path of a socket.
 *
 * @throws {TypeError} if it is not a string
 * @throws {RangeError} if it is empty or too long
 */
export function checkSockPath(path: string): void {
  if (typeof path !== "string") throw new TypeError(`path is a string, not ${String(path)}`);
  const { length } = new TextEncoder().encode(path);
  if (length === 0 || length > LONGEST_PATH || path.includes("\0")) {
    throw new RangeError(`path has 1 to ${LONGEST_PATH} bytes, not ${length}: "${path}"`);
  }
}

/** `struct sockaddr_un`. */
export function sockAddress(path: string): Uint8Array<ArrayBuffer> {
  const text = cString(path), bytes = new Uint8Array(new ArrayBuffer(2 + text.length));
  bytes[0] = AF_UNIX;
  bytes.set(text, 2);
  return bytes;
}
