/**
 * UDP over the system calls of Linux: many datagrams by one call, stamped by the kernel.
 *
 * @module
 */
import { NTPError } from "../../packet/error.ts";
import { openUdp } from "../open_udp.ts";
import type { UdpBindOptions, UdpTransport } from "../udp_transport.ts";
import { loadNative } from "./load_native.ts";
import { NativeUdpTransport } from "./native_udp_transport.ts";

/**
 * Binds with the system calls of Linux, on x86-64 and arm64. Datagrams are taken and sent up to 64
 * at a time; arrivals are stamped by the kernel; a reply leaves from the address that was asked. It
 * needs foreign functions: on Deno `--allow-ffi`, on Node version 26, which prints a warning that
 * they are experimental.
 *
 * @param options as for every `BindUdp`; all are honoured
 * @throws {TypeError} if an option has the wrong type
 * @throws {RangeError} if an option is out of range
 * @throws {NTPError} `unsupported` with what is missing; `address-in-use`, `address-unavailable`,
 * `permission`, `not-found`, `unreachable`, `aborted` or `system`, with the remedy where there is one
 *
 * @example A server that insists on native sockets
 * ```ts
 * import { NTPServer } from "@ntps/ntps";
 * import { bindNativeUdp } from "@ntps/ntps/transport/native";
 *
 * const server = new NTPServer({ bind: bindNativeUdp });
 * ```
 */
export async function bindNativeUdp(options: UdpBindOptions): Promise<UdpTransport> {
  const { system, reason } = await loadNative();
  if (system === undefined) {
    throw new NTPError("unsupported", `The "native" transport ${reason}`);
  }
  return openUdp(
    options,
    (settings, hostname) => NativeUdpTransport.open(system, settings, hostname),
  );
}
