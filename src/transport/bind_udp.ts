import { NTPError } from "../packet/error.ts";
import { currentRuntime, type RuntimeName } from "./runtime.ts";
import type { BindUdp, UdpBindOptions, UdpTransport } from "./udp_transport.ts";

/**
 * Kinds of sockets. `"portable"` is the runtime's own, but on Deno `"node"` for `multicast`;
 * `"native"` is the system calls of Linux; `"xdp"` is AF_XDP, which takes datagrams from a network
 * interface before the kernel's stack sees them. `"auto"` is native where that is permitted and
 * passes a test of itself, else portable; on Node, whose foreign functions are experimental, it is
 * portable.
 */
export type TransportName = "auto" | "portable" | "native" | "xdp";

/** Adapters by name: a {@linkcode TransportName}, or one runtime's; `"node"` is everywhere. */
export type UdpAdapterName = TransportName | RuntimeName;

const ADAPTERS: Readonly<Record<UdpAdapterName, BindUdp>> = {
  auto: bindAuto,
  portable: async (options) => await ADAPTERS[ownAdapter(options?.multicast === true)](options),
  native: async (options) => await (await import("./native/bind_native.ts")).bindNativeUdp(options),
  xdp: async (options) => await (await import("./native/xdp/bind_xdp.ts")).bindXdp(options),
  deno: async (options) => await (await import("./deno.ts")).bindDenoUdp(options),
  bun: async (options) => await (await import("./bun.ts")).bindBunUdp(options),
  node: async (options) => await (await import("./node.ts")).bindNodeUdp(options),
};

/**
 * An adapter by its name, loaded when it first binds.
 *
 * @param name which; a function of the same kind is returned as it is, so that an option can be both
 * @returns what binds; it throws an {@linkcode NTPError} `unsupported` where the adapter cannot run
 * @throws {RangeError} if there is no adapter of that name
 *
 * @example A server on node:dgram, whatever it runs on
 * ```ts
 * import { NTPServer, udpAdapter } from "@ntps/ntps";
 *
 * const server = new NTPServer({ bind: udpAdapter("node") });
 * await server.listen({ hostname: "127.0.0.1", port: 0 });
 * await server.close();
 * ```
 */
export function udpAdapter(name: UdpAdapterName | BindUdp): BindUdp {
  if (typeof name === "function") return name;
  if (!Object.hasOwn(ADAPTERS, name)) {
    const names = Object.keys(ADAPTERS).map((one) => `"${one}"`).join(", ");
    throw new RangeError(`There is no UDP adapter ${JSON.stringify(name)}, only ${names}`);
  }
  return ADAPTERS[name];
}

/**
 * Binds a UDP socket, of the kind that the option `transport` says: by default a native one where that
 * can be, else with the adapter of the runtime: `Deno.listenDatagram`, `Bun.udpSocket` or
 * `node:dgram`. On Deno sockets with `multicast` are of `node:dgram` too. `kind` tells which it is,
 * and `choice` why.
 *
 * @param options where, and what to do with datagrams
 * @throws {TypeError} if an option has the wrong type
 * @throws {RangeError} if an option is out of range
 * @throws {NTPError} `address-in-use`, `address-unavailable`, `permission`, `unsupported`,
 * `not-found`, `unreachable`, `aborted` or `system`, with the remedy where there is one
 *
 * @example A datagram to oneself
 * ```ts
 * import { bindUdp, Endpoint, SystemClock } from "@ntps/ntps";
 * import { assertEquals } from "@std/assert";
 *
 * const transport = await bindUdp({
 *   hostname: "127.0.0.1",
 *   clock: new SystemClock(),
 *   onDatagram(data, source) {
 *     assertEquals(data.length, 48);
 *     assertEquals(source.port, transport.port);
 *     transport.close();
 *   },
 * });
 * transport.send(new Uint8Array(48), new Endpoint("127.0.0.1", transport.port));
 * ```
 */
export const bindUdp: BindUdp = async (options: UdpBindOptions): Promise<UdpTransport> =>
  await udpAdapter(options?.transport ?? "auto")(options);

async function bindAuto(options: UdpBindOptions): Promise<UdpTransport> {
  const obstacle = await nativeObstacle(options?.hostname, options?.port);
  const transport = await ADAPTERS[obstacle === undefined ? "native" : "portable"](options);
  return Object.assign(transport, { choice: obstacle ?? "auto" });
}

/**
 * Why `"auto"` is not native here.
 *
 * @param hostname local address of the socket. Default: any
 * @param port local port. Default: any
 * @returns undefined if it is
 */
export async function nativeObstacle(
  hostname?: string,
  port?: number,
): Promise<string | undefined> {
  const runtime = currentRuntime();
  if (runtime === undefined) return "needs Deno, Bun or Node";
  if (runtime === "node") return "is experimental on Node: ask for it";
  // Who may call the system's functions may do all; what the user did not permit is not done even so.
  if (runtime === "deno" && !mayUseNetwork(hostname, port)) return "needs --allow-net";
  return (await (await import("./native/load_native.ts")).loadNative()).reason;
}

function mayUseNetwork(hostname: string | undefined, port: number | undefined): boolean {
  const { Deno: deno } = globalThis as unknown as { Deno: DenoPermissions };
  const allowed = (descriptor: { name: "net"; host?: string }) =>
    deno.permissions.querySync(descriptor).state === "granted";
  if (allowed({ name: "net" })) return true;
  if (hostname === undefined) return false;
  const host = hostname.includes(":") ? `[${hostname.replace(/%.*/, "")}]` : hostname;
  try {
    return allowed({ name: "net", host: `${host}:${port ?? 0}` });
  } catch {
    return false; // no host at all, which the portable adapter tells
  }
}

interface DenoPermissions {
  permissions: { querySync(descriptor: { name: "net"; host?: string }): { state: string } };
}

function ownAdapter(multicast: boolean): RuntimeName {
  const runtime = currentRuntime();
  if (runtime === "deno" && multicast) return "node";
  if (runtime !== undefined) return runtime;
  throw new NTPError(
    "unsupported",
    "There is no UDP here: run on Deno, Bun or Node, or pass a transport of your own",
  );
}
