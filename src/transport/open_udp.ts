import type { NTPError } from "../packet/error.ts";
import { formatIpAddress, parseIpAddress } from "../packet/ip_address.ts";
import { abortedError } from "./aborted_error.ts";
import { checkBindOptions, type UdpBindSettings } from "./bind_options.ts";
import { PairedUdpTransport } from "./paired_udp_transport.ts";
import { resolveHost } from "./resolve.ts";
import { isNoRoute, systemError } from "./system_error.ts";
import type { UdpBindOptions, UdpTransport } from "./udp_transport.ts";

/** Makes a socket at an IP address; throws what its runtime throws. */
export type OpenUdp = (
  settings: UdpBindSettings,
  hostname: string,
) => UdpTransport | Promise<UdpTransport>;

/** How often a port is tried that is free for one family and then not for the other. */
const MAX_PAIR_TRIES = 16;

/**
 * What binding has in common on all runtimes: checks the options, chooses the local address, tells
 * errors with their remedy, and heeds the signal.
 *
 * @param options as given to `bind`
 * @param open makes a socket
 * @param resolve finds the addresses of a local name
 */
export async function openUdp(
  options: UdpBindOptions,
  open: OpenUdp,
  resolve: typeof resolveHost = resolveHost,
): Promise<UdpTransport> {
  const settings = checkBindOptions(options);
  const { port, remote, signal } = settings;
  if (signal?.aborted) throw abortedError("binding", signal);
  const hostnames = settings.hostname === undefined
    ? defaultHostnames(settings)
    : [await localAddress(settings.hostname, resolve, signal)];
  for (let i = 0;; i++) {
    const hostname = hostnames[i]!;
    let transport: UdpTransport;
    try {
      transport = await openAt(settings, hostname, open);
    } catch (thrown) {
      const error = remote !== undefined && isNoRoute(thrown)
        ? systemError(thrown, { what: "connect", hostname: remote.hostname, port: remote.port })
        : systemError(thrown, { what: "bind", hostname, port });
      if (i + 1 < hostnames.length && lacksFamily(error)) continue;
      throw error;
    }
    if (signal?.aborted) {
      await transport.close();
      throw abortedError("binding", signal);
    }
    return transport;
  }
}

async function openAt(
  settings: UdpBindSettings,
  hostname: string,
  open: OpenUdp,
): Promise<UdpTransport> {
  if (!settings.multicast || settings.ipv6Only || !isAnyIpv6(hostname)) {
    return await open(settings, hostname);
  }
  // The hop limit of IPv4 groups can be set on IPv4 sockets only, and Deno joins IPv4 groups on no
  // other.
  for (let tries = 1;; tries++) {
    const ipv6 = await open({ ...settings, ipv6Only: true }, hostname);
    const { port } = ipv6;
    try {
      return new PairedUdpTransport(ipv6, await open({ ...settings, port }, "0.0.0.0"));
    } catch (thrown) {
      await ipv6.close();
      const error = systemError(thrown, { what: "bind", hostname: "0.0.0.0", port });
      const isFree = settings.port === 0 && error.code === "address-in-use";
      if (!isFree || tries === MAX_PAIR_TRIES) throw error;
    }
  }
}

function isAnyIpv6(hostname: string): boolean {
  const bytes = new Uint8Array(16);
  return parseIpAddress(hostname, bytes) === 6 && bytes.every((byte) => byte === 0);
}

function defaultHostnames({ remote, ipv6Only }: UdpBindSettings): string[] {
  if (remote?.family === 4) return ["0.0.0.0"];
  return remote !== undefined || ipv6Only ? ["::"] : ["::", "0.0.0.0"];
}

/** Deno's node:dgram has no code for what the others call EAFNOSUPPORT. */
function lacksFamily({ code }: NTPError): boolean {
  return code === "address-unavailable" || code === "system";
}

async function localAddress(
  hostname: string,
  resolve: typeof resolveHost,
  signal: AbortSignal | undefined,
): Promise<string> {
  const [address] = await resolve(hostname, signal === undefined ? {} : { signal });
  const bytes = new Uint8Array(16);
  return parseIpAddress(address!, bytes) === 4 ? formatIpAddress(bytes) : address!;
}
