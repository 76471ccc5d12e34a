import type { NTPError } from "../packet/error.ts";
import { formatIpAddress, parseIpAddress } from "../packet/ip_address.ts";
import { abortedError } from "./aborted_error.ts";
import { checkBindOptions, type UdpBindSettings } from "./bind_options.ts";
import { resolveHost } from "./resolve.ts";
import { isNoRoute, systemError } from "./system_error.ts";
import type { UdpBindOptions, UdpTransport } from "./udp_transport.ts";

/**
 * What binding has in common on all runtimes: checks the options, chooses the local address, tells
 * errors with their remedy, and heeds the signal.
 *
 * @param options as given to `bind`
 * @param open makes a socket at an IP address; throws what its runtime throws
 * @param resolve finds the addresses of a local name
 */
export async function openUdp(
  options: UdpBindOptions,
  open: (settings: UdpBindSettings, hostname: string) => UdpTransport | Promise<UdpTransport>,
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
      transport = await open(settings, hostname);
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
