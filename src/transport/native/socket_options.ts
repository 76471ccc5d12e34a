import { Endpoint } from "../endpoint.ts";
import { systemError } from "../system_error.ts";
import {
  AF_INET,
  AF_INET6,
  IP_MTU_DISCOVER,
  IP_PKTINFO,
  IP_PMTUDISC_PROBE,
  IP_PMTUDISC_WANT,
  IPV6_RECVPKTINFO,
  IPV6_V6ONLY,
  LAYOUT,
  SO_RCVBUF,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SO_TIMESTAMPING,
  SO_TIMESTAMPNS,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOF_OPT_ID,
  SOF_OPT_TSONLY,
  SOF_RX_SOFTWARE,
  SOF_SOFTWARE,
  SOL_IP,
  SOL_IPV6,
  SOL_SOCKET,
  SystemCallError,
} from "./linux.ts";
import type { Scratch } from "./scratch.ts";
import { writeSocketAddress } from "./socket_address.ts";
import type { SystemCalls } from "./system_calls.ts";

const STAMPING = SOF_RX_SOFTWARE | SOF_SOFTWARE | SOF_OPT_TSONLY;
/**
 * Bytes of receive buffer, of which the kernel makes the double: 256 requests wait about a
 * millisecond at full load, as with chronyd. With more, overload would lose nothing but make every
 * reply late, and a late reply is worse than none.
 */
const RECEIVE_BUFFER = 106_496;

/** How a socket is made. */
export interface NativeSocketOptions {
  /** Local IP address, which may have a scope. */
  readonly hostname: string;
  readonly port: number;
  readonly remote?: Endpoint | undefined;
  readonly reusePort?: boolean;
  readonly reuseAddress?: boolean;
  readonly ipv6Only?: boolean;
}

/** A socket of the system that is bound. */
export interface NativeSocket {
  readonly fd: number;
  readonly family: 4 | 6;
  readonly port: number;
  /** Whether it stamps: nothing, what is received, what is sent too. */
  readonly stamps: "none" | "receive" | "both";
  /** Whether it tells to which address a datagram was sent, since it has more than one. */
  readonly tellsDestination: boolean;
}

/** Sets an option that is a number; false, with `errno`, when the system refuses. */
export function setOption(
  calls: SystemCalls,
  scratch: Scratch,
  fd: number,
  level: number,
  option: number,
  value: number,
): boolean {
  scratch.view.setInt32(0, value, true);
  return calls.setsockopt(fd, level, option, scratch.pointer, 4) === 0;
}

/** Makes the kernel stamp what is received, and number what is sent and asks for a stamp, from 0. */
export function startStamping(calls: SystemCalls, scratch: Scratch, fd: number): boolean {
  // Off and on again, which is what sets the numbers back.
  setOption(calls, scratch, fd, SOL_SOCKET, SO_TIMESTAMPING, STAMPING);
  return setOption(calls, scratch, fd, SOL_SOCKET, SO_TIMESTAMPING, STAMPING | SOF_OPT_ID);
}

/**
 * Lets IPv4 datagrams be cut in pieces that are too long for the link. New sockets do without: no
 * forger can make the kernel cut a reply and put pieces of his own in, and a datagram that is never
 * cut needs no identification, a sixth of the whole cost of a reply to a new address.
 */
export function allowFragments(calls: SystemCalls, scratch: Scratch, fd: number): void {
  setOption(calls, scratch, fd, SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_WANT);
}

/**
 * Makes a socket, sets it up and binds it.
 *
 * @throws {SystemCallError} what the system says
 */
export function openNativeSocket(
  calls: SystemCalls,
  scratch: Scratch,
  options: NativeSocketOptions,
): NativeSocket {
  const { hostname, remote } = options;
  const local = new Endpoint(hostname, options.port);
  const family = local.family === 4 ? 4 : 6;
  const fd = calls.socket(family === 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw new SystemCallError("socket", calls.errno());
  try {
    const set = (level: number, option: number, value: number): boolean =>
      setOption(calls, scratch, fd, level, option, value);
    const need = (call: string, succeeded: boolean): void => {
      if (!succeeded) throw new SystemCallError(call, calls.errno());
    };
    if (family === 6) need("setsockopt", set(SOL_IPV6, IPV6_V6ONLY, options.ipv6Only ? 1 : 0));
    if (options.reusePort) need("setsockopt", set(SOL_SOCKET, SO_REUSEPORT, 1));
    if (options.reuseAddress) need("setsockopt", set(SOL_SOCKET, SO_REUSEADDR, 1));
    set(SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER);
    set(SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);

    const isAny = local.bytes.subarray(family === 4 ? 12 : 0).every((byte) => byte === 0);
    const tellsDestination = isAny && remote === undefined &&
      (family === 4 ? set(SOL_IP, IP_PKTINFO, 1) : set(SOL_IPV6, IPV6_RECVPKTINFO, 1));
    const stamps = startStamping(calls, scratch, fd)
      ? "both"
      : set(SOL_SOCKET, SO_TIMESTAMPNS, 1)
      ? "receive"
      : "none";

    let length = writeAddress(scratch, local, family);
    need("bind", calls.bind(fd, scratch.pointer, length) === 0);
    if (remote !== undefined) {
      length = writeAddress(scratch, remote, family);
      if (calls.connect(fd, scratch.pointer, length) !== 0) {
        const error = new SystemCallError("connect", calls.errno());
        throw systemError(error, { what: "connect", hostname: remote.hostname, port: remote.port });
      }
    }
    scratch.length = LAYOUT.sockaddrIn6;
    need("getsockname", calls.getsockname(fd, scratch.pointer, scratch.lengthPointer) === 0);
    const port = scratch.view.getUint16(LAYOUT.sockaddrPort);
    return { fd, family, port, stamps, tellsDestination };
  } catch (error) {
    calls.close(fd);
    throw error;
  }
}

function writeAddress(scratch: Scratch, endpoint: Endpoint, family: 4 | 6): number {
  // The index is asked for first, since the name goes through the same memory.
  let index = 0;
  const percent = endpoint.rawHostname.indexOf("%");
  if (percent >= 0 && endpoint.family === 6) {
    index = scratch.interfaceIndex(endpoint.rawHostname.slice(percent + 1));
    if (index === 0) throw new SystemCallError("if_nametoindex", 19);
  }
  return writeSocketAddress(endpoint, family, scratch.bytes, 0, () => index);
}
