import { NTPError } from "../packet/error.ts";
import { currentRuntime, type RuntimeName } from "./runtime.ts";
import type { BindUdp } from "./udp_transport.ts";

/**
 * Adapters by name: `"auto"` is the runtime's own, but on Deno `"node"` for `multicast`; `"node"` is
 * `node:dgram` on all three.
 */
export type UdpAdapterName = "auto" | RuntimeName;

const ADAPTERS: Readonly<Record<RuntimeName, () => Promise<BindUdp>>> = {
  deno: async () => (await import("./deno.ts")).bindDenoUdp,
  bun: async () => (await import("./bun.ts")).bindBunUdp,
  node: async () => (await import("./node.ts")).bindNodeUdp,
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
  if (name !== "auto" && !Object.hasOwn(ADAPTERS, name)) {
    const names = ["auto", ...Object.keys(ADAPTERS)].map((one) => `"${one}"`).join(", ");
    throw new RangeError(`There is no UDP adapter ${JSON.stringify(name)}, only ${names}`);
  }
  return async (options) => {
    const adapter = name === "auto" ? ownAdapter(options?.multicast === true) : name;
    return await (await ADAPTERS[adapter]())(options);
  };
}

/**
 * Binds a UDP socket with the adapter of the runtime: `Deno.listenDatagram`, `Bun.udpSocket` or
 * `node:dgram`. On Deno sockets with `multicast` are of `node:dgram` too; `kind` tells which it is.
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
export const bindUdp: BindUdp = udpAdapter("auto");

function ownAdapter(multicast: boolean): RuntimeName {
  const runtime = currentRuntime();
  if (runtime === "deno" && multicast) return "node";
  if (runtime !== undefined) return runtime;
  throw new NTPError(
    "unsupported",
    "There is no UDP here: run on Deno, Bun or Node, or pass a transport of your own",
  );
}
