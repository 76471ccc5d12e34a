/**
 * Linux as system calls see it: numbers and structures of x86-64 and arm64, which are the same on
 * both, under glibc and musl. The self-test holds them to the system that runs.
 *
 * @module
 */

/** Architectures that the table is true of. */
export const ARCHITECTURES: readonly string[] = ["x64", "x86_64", "arm64", "aarch64"];

/** Sizes of structures, and where their fields stand, in bytes. */
export const LAYOUT = {
  /** `struct mmsghdr`: a `msghdr`, then how many bytes the message has. */
  mmsghdr: 64,
  mmsghdrLength: 56,
  /** `struct msghdr`. */
  name: 0,
  nameLength: 8,
  iov: 16,
  iovCount: 24,
  control: 32,
  controlLength: 40,
  flags: 48,
  /** `struct iovec`. */
  iovec: 16,
  iovecLength: 8,
  /** `struct cmsghdr`: length of itself and its data, level, type, data. Multiples of 8. */
  cmsgLevel: 8,
  cmsgType: 12,
  cmsgData: 16,
  /** `struct sockaddr_in` and `sockaddr_in6`. */
  sockaddrIn: 16,
  sockaddrIn6: 28,
  sockaddrPort: 2,
  sockaddrAddress4: 4,
  sockaddrAddress6: 8,
  sockaddrScope: 24,
  /** `struct timespec`: seconds, nanoseconds. */
  timespec: 16,
  /** `struct in_pktinfo`: interface, own address for a reply, destination. */
  pktinfo4: 12,
  pktinfo4Source: 4,
  /** `struct in6_pktinfo`: address, interface. */
  pktinfo6: 20,
  pktinfo6Interface: 16,
  /** `struct sock_extended_err`: origin, kind of stamp, identifier. */
  errorOrigin: 4,
  errorInfo: 8,
  errorData: 12,
} as const;

export const AF_INET = 2, AF_INET6 = 10;
export const SOCK_DGRAM = 2, SOCK_CLOEXEC = 0o2000000;
export const SOL_SOCKET = 1, SOL_IP = 0, SOL_IPV6 = 41;
export const SO_REUSEADDR = 2, SO_ERROR = 4, SO_BROADCAST = 6, SO_RCVBUF = 8, SO_REUSEPORT = 15;
export const SO_RCVTIMEO = 20, SO_TIMESTAMPNS = 35, SO_TIMESTAMPING = 37, SO_MEMINFO = 55;
/** What `SO_MEMINFO` gives: words, and the one that counts dropped datagrams. */
export const MEMINFO_WORDS = 9, MEMINFO_DROPS = 8;
/** What becomes of datagrams too long for a link: cut in pieces by what routers told, or refused. */
export const IP_MTU_DISCOVER = 10, IP_PMTUDISC_WANT = 1, IP_PMTUDISC_PROBE = 3;
export const IP_PKTINFO = 8, IP_RECVERR = 11, IP_MULTICAST_IF = 32, IP_MULTICAST_TTL = 33;
export const IP_MULTICAST_LOOP = 34, IP_ADD_MEMBERSHIP = 35, IP_DROP_MEMBERSHIP = 36;
export const IPV6_MULTICAST_IF = 17, IPV6_MULTICAST_HOPS = 18, IPV6_MULTICAST_LOOP = 19;
export const IPV6_JOIN_GROUP = 20, IPV6_LEAVE_GROUP = 21, IPV6_RECVERR = 25, IPV6_V6ONLY = 26;
export const IPV6_RECVPKTINFO = 49, IPV6_PKTINFO = 50;
export const MSG_DONTWAIT = 0x40, MSG_ERRQUEUE = 0x2000, MSG_NOSIGNAL = 0x4000;
export const MSG_WAITFORONE = 0x10000;
export const F_GETFL = 3, F_SETFL = 4, F_SETOWN = 8, F_SETSIG = 10, O_ASYNC = 0o20000;
export const SIGURG = 23;
export const CLOCK_REALTIME = 0;
/** Transmit stamps by software, told with an identifier and without the packet. */
export const SOF_TX_SOFTWARE = 0x2, SOF_RX_SOFTWARE = 0x8, SOF_SOFTWARE = 0x10;
export const SOF_OPT_ID = 0x80, SOF_OPT_TSONLY = 0x800;
export const SO_EE_ORIGIN_TIMESTAMPING = 4;

export const EINTR = 4, EAGAIN = 11, EINVAL = 22, EMSGSIZE = 90, ENOBUFS = 105, ECONNREFUSED = 111;

/** Names of errors that mean something to us (`errno` to code). */
const ERROR_NAMES: Readonly<Record<number, string>> = {
  1: "EPERM",
  2: "ENOENT",
  4: "EINTR",
  6: "ENXIO",
  9: "EBADF",
  11: "EAGAIN",
  12: "ENOMEM",
  13: "EACCES",
  16: "EBUSY",
  17: "EEXIST",
  19: "ENODEV",
  22: "EINVAL",
  23: "ENFILE",
  24: "EMFILE",
  38: "ENOSYS",
  64: "ENONET",
  71: "EPROTO",
  90: "EMSGSIZE",
  92: "ENOPROTOOPT",
  95: "EOPNOTSUPP",
  97: "EAFNOSUPPORT",
  98: "EADDRINUSE",
  99: "EADDRNOTAVAIL",
  100: "ENETDOWN",
  101: "ENETUNREACH",
  104: "ECONNRESET",
  105: "ENOBUFS",
  111: "ECONNREFUSED",
  112: "EHOSTDOWN",
  113: "EHOSTUNREACH",
};

/** An error of a system call, of the form that those of `node:dgram` have. */
export class SystemCallError extends Error {
  /** As `errno.h` calls it. */
  readonly code: string;

  /**
   * @param call which system call
   * @param errno its error
   */
  constructor(call: string, errno: number) {
    const code = ERROR_NAMES[errno] ?? `errno ${errno}`;
    super(`${call} ${code}`);
    this.code = code;
  }
}
