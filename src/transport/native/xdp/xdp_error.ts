import { NTPError, type NTPErrorCode } from "../../../packet/error.ts";
import { currentRuntime } from "../../runtime.ts";
import { SystemCallError } from "../linux.ts";

/**
 * Why AF_XDP cannot be had on an interface, with the remedy.
 *
 * @param error what was thrown
 * @param name of the interface
 */
export function xdpError(error: unknown, name: string): Error {
  if (!(error instanceof SystemCallError)) {
    return error instanceof Error ? error : new Error(String(error));
  }
  const { code, message } = error;
  const fail = (kind: NTPErrorCode, text: string) =>
    new NTPError(kind, `AF_XDP on ${name}: ${text} (${message})`, { cause: error });
  if (code === "EPERM" || code === "EACCES") return fail("permission", missingCapability(message));
  switch (code) {
    case "EBUSY":
      return fail(
        "address-in-use",
        message.startsWith("bind")
          ? "another program has a socket at this receive queue: stop that one"
          : "another program is attached to the interface, or runs it in another mode: stop that " +
            `one (ip link show ${name} names it), or detach it with ip link set ${name} xdp off`,
      );
    case "EEXIST":
      return fail(
        "address-in-use",
        `another program is attached to the interface: ip link set ${name} xdp off detaches it`,
      );
    case "ENODEV":
    case "ENXIO":
      return fail("address-unavailable", "the interface has gone: look for it with ip link");
    case "ENETDOWN":
      return fail(
        "address-unavailable",
        `the interface is down: ip link set ${name} up starts it`,
      );
    case "ENOBUFS":
    case "ENOMEM":
      return fail(
        "system",
        "the memory that a process may lock does not suffice: raise ulimit -l to 65536, or give it " +
          "CAP_IPC_LOCK",
      );
    case "EAFNOSUPPORT":
    case "ENOSYS":
      return fail(
        "unsupported",
        "this kernel has no AF_XDP or no bpf(2): it needs Linux 5.9 with CONFIG_XDP_SOCKETS and " +
          "CONFIG_BPF_SYSCALL, and a container that permits them",
      );
    case "EINVAL":
    case "EOPNOTSUPP":
      return fail(
        "unsupported",
        "kernel or driver cannot do this: it needs Linux 5.9, and an interface of Ethernet",
      );
  }
  return fail("system", "a system call failed");
}

/** What each call needs, so that who runs with less than root is told the one that is missing. */
function missingCapability(call: string): string {
  const runtime = currentRuntime() ?? "node";
  const needed = call.startsWith("socket")
    ? "CAP_NET_RAW"
    : call.startsWith("bpf BPF_MAP_CREATE")
    ? "CAP_BPF, or on Linux before 5.11 more lockable memory (ulimit -l)"
    : call.startsWith("bpf BPF_PROG_LOAD")
    ? "CAP_BPF and CAP_NET_ADMIN"
    : "CAP_NET_ADMIN";
  return `it needs ${needed}: run as root, or permit all of it with sudo setcap ` +
    `cap_net_raw,cap_net_admin,cap_bpf,cap_net_bind_service=+ep "$(readlink -f "$(which ${runtime})")"`;
}
