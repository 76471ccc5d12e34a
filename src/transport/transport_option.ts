import { bindUdp, type TransportName } from "./bind_udp.ts";
import type { BindUdp } from "./udp_transport.ts";

const NAMES: readonly unknown[] = ["auto", "portable", "native", "xdp"];

/** How who needs sockets is told which: by the name of a kind, or by a function. */
export interface SocketOptions {
  readonly transport?: TransportName;
  readonly bind?: BindUdp;
}

/**
 * Checks the option `transport`, whose default is `"auto"`.
 *
 * @throws {RangeError} if there is no such kind of sockets
 * @throws {TypeError} if it is given together with `bind`
 */
export function checkTransport({ transport = "auto", bind }: SocketOptions): TransportName {
  if (!NAMES.includes(transport)) {
    const names = NAMES.map((name) => `"${name}"`).join(", ");
    throw new RangeError(`transport is one of ${names}, not ${JSON.stringify(transport)}`);
  }
  if (bind === undefined || transport === "auto") return transport;
  throw new TypeError(`transport "${transport}" does not go with bind, which makes the sockets`);
}

/**
 * What makes the sockets that options ask for.
 *
 * @throws {RangeError} if there is no such kind of sockets
 * @throws {TypeError} if both options are given
 */
export function binderOf(options: SocketOptions): BindUdp {
  const transport = checkTransport(options);
  if (options.bind !== undefined) return options.bind;
  return (bindOptions) => bindUdp({ ...bindOptions, transport });
}
