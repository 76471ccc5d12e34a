import { NTPError, type NTPErrorCode } from "../packet/error.ts";
import { isMulticast, parseIpAddress } from "../packet/ip_address.ts";
import { Endpoint } from "./endpoint.ts";
import { routeRemedy } from "./multicast_group.ts";
import { currentRuntime } from "./runtime.ts";

/** What was being done when the system reported an error. */
export interface FailedAction {
  readonly what: "bind" | "connect" | "send" | "receive" | "close";
  /** IP address of the socket, or for `"connect"` and `"send"` of the other side. */
  readonly hostname: string;
  readonly port: number;
}

/**
 * Names that differ from runtime to runtime, for the errors we tell apart. Deno has classes, with
 * the code of the operating system in most of them; Bun and Node have codes.
 */
const CODES: Record<string, string> = {
  AddrInUse: "EADDRINUSE",
  AddrNotAvailable: "EADDRNOTAVAIL",
  PermissionDenied: "EACCES",
  EPERM: "EACCES",
  ConnectionRefused: "ECONNREFUSED",
  ConnectionReset: "ECONNREFUSED", // what Windows makes of it
  ECONNRESET: "ECONNREFUSED",
  NetworkUnreachable: "ENETUNREACH",
  HostUnreachable: "EHOSTUNREACH",
};

const NO_ROUTE = new Set(["EHOSTDOWN", "EHOSTUNREACH", "ENETDOWN", "ENETUNREACH", "ENONET"]);

/**
 * Of the address of a socket these say something else. Deno's node:dgram says UNKNOWN of all that
 * keeps it from sending, of which this is the most likely.
 */
const NO_WAY = new Set([...NO_ROUTE, "EADDRNOTAVAIL", "EAFNOSUPPORT", "ENODEV", "UNKNOWN"]);

/**
 * What an ICMP message makes of a later call on the same socket (`icmp_err_convert` of Linux). Where
 * IP_RECVERR is set, as Bun does, such an error belongs to an earlier datagram, to anybody.
 */
const FROM_ICMP = new Set([
  "EACCES",
  "ECONNREFUSED",
  "EHOSTDOWN",
  "EHOSTUNREACH",
  "EMSGSIZE",
  "ENETUNREACH",
  "ENONET",
  "ENOPROTOOPT",
  "EOPNOTSUPP",
  "EPROTO",
]);

/**
 * How often a datagram is handed to the runtime before an error is taken to be its own. Where errors
 * come as callbacks, every second of those that are tried again in one go fails once more; 16 rounds
 * are enough for more than can be under way.
 */
export const MAX_SEND_TRIES = 16;

/** Whether an error may be the answer of the network to an earlier datagram. */
export function mayComeFromIcmp(error: unknown): boolean {
  return FROM_ICMP.has(codeOf(error));
}

/** Whether an error of a call that binds and connects must be the second's. */
export function isNoRoute(error: unknown): boolean {
  return NO_ROUTE.has(codeOf(error));
}

/**
 * The error of a runtime as an {@linkcode NTPError} that names the address and the remedy. An
 * `NTPError` is returned as it is.
 */
export function systemError(error: unknown, action: FailedAction): NTPError {
  if (error instanceof NTPError) return error;
  const { what, hostname, port } = action;
  const where = `${new Endpoint(hostname, port)}`;
  const fail = (code: NTPErrorCode, message: string) =>
    new NTPError(code, message, { cause: error });
  const code = codeOf(error);
  switch (code) {
    case "NotCapable":
      return fail(
        "permission",
        `Deno may not use the network at ${where}: run it with --allow-net or --allow-net=${where}`,
      );
    case "EADDRINUSE":
      return fail(
        "address-in-use",
        `${where} is in use by another socket: stop that one (ss -ulpn shows its process), or ` +
          `choose another port, such as ${port === 12300 ? 12301 : 12300}`,
      );
    case "EACCES":
      return fail("permission", what === "bind" ? bindDenied(where, port) : sendDenied(where));
    case "ECONNREFUSED":
      return fail("refused", `${where} refused: no process listens on that port`);
    case "EMSGSIZE":
      return fail("system", `A datagram was too long for the way to ${where}: send fewer bytes`);
    case "EMFILE":
    case "ENFILE":
      return fail("system", `Too many open sockets and files at ${where}: raise ulimit -n`);
  }
  if (what === "bind") {
    if (code === "EAFNOSUPPORT") {
      return fail("address-unavailable", `This machine has no IPv6 for ${where}: use "0.0.0.0"`);
    }
    if (code === "EADDRNOTAVAIL" || hasScope(hostname)) {
      return fail(
        "address-unavailable",
        `This machine has no address ${hostname}: use one of its own (ip address lists them), or ` +
          `"::" or "0.0.0.0" for all`,
      );
    }
  } else if (what === "connect" || NO_WAY.has(code)) {
    // On UDP nothing else keeps connect() from its result, and Bun's node:dgram has no code for it.
    return fail("unreachable", `There is no way to ${where} (${code}): ${wayOut(hostname)}`);
  }
  const text = error instanceof Error ? error.message : String(error);
  return fail("system", `Could not ${what} ${what === "send" ? "to" : "at"} ${where}: ${text}`);
}

/** What kind of error it is, in the words of the operating system where the runtime has them. */
export function codeOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return "";
  const { name, code } = error as { name?: unknown; code?: unknown };
  const key = name === "NotCapable" || typeof code !== "string" ? String(name) : code;
  return CODES[key] ?? key;
}

/** A wrong scope is EINVAL, ENOENT or no code at all, as the runtime likes. */
function hasScope(hostname: string): boolean {
  return hostname.includes("%") && parseIpAddress(hostname, new Uint8Array(16)) === 6;
}

function wayOut(hostname: string): string {
  const bytes = new Uint8Array(16);
  const family = parseIpAddress(hostname, bytes);
  return family !== 0 && isMulticast(bytes) ? routeRemedy(family) : "check address and network";
}

function bindDenied(where: string, port: number): string {
  if (port === 0 || port >= 1024) {
    return `Binding ${where} is not permitted: ask who administers this machine`;
  }
  const runtime = currentRuntime() ?? "node";
  return `Binding ${where} is not permitted: ports below 1024 need root or the capability ` +
    `CAP_NET_BIND_SERVICE (sudo setcap cap_net_bind_service=+ep "$(readlink -f "$(which ` +
    `${runtime})")"); or choose another port, such as 12300`;
}

function sendDenied(where: string): string {
  return `Sending to ${where} is not permitted: it is a broadcast address, for which ` +
    "allowBroadcast() must have been called, or a firewall forbids it";
}
