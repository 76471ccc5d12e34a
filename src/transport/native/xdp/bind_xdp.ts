/**
 * UDP over AF_XDP, on Linux: frames come from a network interface before the kernel's stack sees them.
 *
 * @module
 */
import { NTPError } from "../../../packet/error.ts";
import { checkBindOptions } from "../../bind_options.ts";
import type { BindUdp, UdpBindOptions, UdpTransport } from "../../udp_transport.ts";
import { bindNativeUdp } from "../bind_native.ts";
import { loadFfi } from "../ffi/load_ffi.ts";
import { loadNative } from "../load_native.ts";
import { Scratch } from "../scratch.ts";
import type { XdpMode } from "./bpf.ts";
import { XdpAttachment } from "./xdp_attachment.ts";
import { xdpError } from "./xdp_error.ts";
import { chooseInterface, redirectRule, type XdpInterfaces } from "./xdp_interface.ts";
import { openXdpSystemCalls } from "./xdp_system_calls.ts";
import { XdpUdpTransport } from "./xdp_udp_transport.ts";

/** Options of {@linkcode xdpAdapter}. */
export interface XdpOptions {
  /**
   * The network interface that frames are taken from: its name (`"eth0"`) or an address it has.
   * Default: the one that has the local address that is bound; or, for `"::"` and `"0.0.0.0"`, the
   * only one besides loopback.
   */
  networkInterface?: string;
  /**
   * Where the program runs that takes the frames: `"driver"`, or `"generic"`, in front of the
   * kernel's stack, which every interface can and which is slower. Default: in the driver if it can.
   */
  mode?: "driver" | "generic";
  /**
   * Whether the driver may write frames right into the memory of this process, if it can. Default
   * false: they are copied once.
   */
  zeroCopy?: boolean;
}

/**
 * Binds with AF_XDP, as {@linkcode xdpAdapter} without options does.
 *
 * @param options as for every `BindUdp`, but `remote`, which it refuses
 * @throws {TypeError} if an option has the wrong type
 * @throws {RangeError} if an option is out of range
 * @throws {NTPError} `permission` with the capability that is missing; `unsupported` with what is;
 * `address-in-use` also if another program is attached to the interface; `address-unavailable`,
 * `not-found`, `aborted` or `system`, with the remedy where there is one
 *
 * @example A server on the only network card of a machine
 * ```ts
 * import { NTPServer } from "@ntps/ntps";
 * import { bindXdp } from "@ntps/ntps/transport/xdp";
 *
 * const server = new NTPServer({ bind: bindXdp });
 * ```
 */
export function bindXdp(options: UdpBindOptions): Promise<UdpTransport> {
  return bind(options, {});
}

/**
 * What binds with AF_XDP: datagrams to the port that is bound, at the address that is bound or any of
 * the interface's, are taken from the interface before the kernel's stack sees them, and answered in
 * place. Everything else goes its usual way: other ports, protocols and addresses, fragments, IPv4 with
 * options, IPv6 with extension headers, and other interfaces. An ordinary native socket at the same
 * port answers what comes that way, and sends all that is no reply.
 *
 * It needs Linux 5.9, x86-64 or arm64, foreign functions (see `bindNativeUdp`), and root, or the
 * capabilities CAP_NET_RAW, CAP_BPF and CAP_NET_ADMIN. Arrivals are stamped by the program in the
 * kernel. Firewall rules do not apply to what it takes. When the process ends, however it does, the
 * program is gone.
 *
 * Tags of VLANs are kept, up to two; where the network card strips them (`ethtool -k`,
 * `rx-vlan-offload`), bind an address of the VLAN's own interface instead.
 *
 * @param xdp where, and how
 * @returns what binds; it refuses `remote`, and every other option is honoured
 * @throws {TypeError} if an option has the wrong type
 * @throws {RangeError} if an option is out of range
 *
 * @example A server on one of several network cards
 * ```ts
 * import { NTPServer } from "@ntps/ntps";
 * import { xdpAdapter } from "@ntps/ntps/transport/xdp";
 *
 * const server = new NTPServer({ bind: xdpAdapter({ networkInterface: "eth1" }) });
 * ```
 */
export function xdpAdapter(xdp: XdpOptions = {}): BindUdp {
  if (typeof xdp !== "object" || xdp === null) {
    throw new TypeError(`The options of AF_XDP are an object, not ${String(xdp)}`);
  }
  const { networkInterface, mode, zeroCopy } = xdp;
  if (networkInterface !== undefined && typeof networkInterface !== "string") {
    throw new TypeError(`networkInterface is a string, not ${String(networkInterface)}`);
  }
  if (mode !== undefined && mode !== "driver" && mode !== "generic") {
    throw new RangeError(`mode is "driver" or "generic", not ${JSON.stringify(mode)}`);
  }
  if (zeroCopy !== undefined && typeof zeroCopy !== "boolean") {
    throw new TypeError(`zeroCopy is a boolean, not ${String(zeroCopy)}`);
  }
  return (options) => bind(options, xdp);
}

async function bind(options: UdpBindOptions, xdp: XdpOptions): Promise<UdpTransport> {
  const settings = checkBindOptions(options);
  if (settings.remote !== undefined) {
    throw new NTPError("unsupported", 'The "xdp" transport is for servers: it takes no remote');
  }
  const [{ ffi, reason: noFfi }, { system, reason }] = await Promise.all([loadFfi(), loadNative()]);
  if (ffi === undefined || system === undefined) {
    throw new NTPError("unsupported", `The "xdp" transport ${noFfi ?? reason}`);
  }
  const interfaces = await listInterfaces();
  let transport: XdpUdpTransport | undefined;
  const companion = await bindNativeUdp({
    ...options,
    onDatagram: (...datagram) => transport?.deliverOrdinary(...datagram),
    onError: (error) => transport?.failOrdinary(error),
  });
  let name = "";
  try {
    const { hostname, port } = companion;
    name = chooseInterface(hostname, xdp.networkInterface, interfaces());
    const families = hostname.includes(":") && !settings.ipv6Only ? [4, 6] as const : [6] as const;
    const rule = () => {
      const own = interfaces()[name] ?? [];
      return redirectRule(hostname, port, own, hostname.includes(":") ? families : [4]);
    };
    const calls = openXdpSystemCalls(ffi);
    const interfaceIndex = new Scratch(system.calls).interfaceIndex(name);
    const attachment = new XdpAttachment(calls, {
      interfaceIndex,
      rule: rule(),
      zeroCopy: xdp.zeroCopy ?? false,
      mode: xdp.mode as XdpMode | undefined,
      architecture: architecture(),
    });
    const { watch } = system;
    const parts = {
      calls,
      watch,
      attachment,
      interfaceName: name,
      interfaceIndex,
      rule,
      companion,
    };
    try {
      return transport = new XdpUdpTransport(settings, parts);
    } catch (error) {
      attachment.close();
      throw error;
    }
  } catch (error) {
    await companion.close();
    throw xdpError(error, name);
  }
}

/** The interfaces of this machine, looked up anew each time. */
async function listInterfaces(): Promise<() => XdpInterfaces> {
  const { networkInterfaces } = await import("node:os");
  return () => {
    try {
      return networkInterfaces();
    } catch (error) {
      throw new NTPError(
        "permission",
        "Deno may not look for network interfaces: run it with --allow-sys=networkInterfaces",
        { cause: error },
      );
    }
  };
}

function architecture(): string {
  const { process } = globalThis as unknown as { process: { arch: string } };
  return process.arch;
}
