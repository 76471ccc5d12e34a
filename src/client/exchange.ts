import { abortedError } from "../transport/aborted_error.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import { type ExchangeOptions, ExchangeSocket, type ExchangeWorld } from "./exchange_socket.ts";
import type { Exchange } from "./measurement.ts";

/**
 * Sends one request and waits for the reply to it, as {@linkcode ExchangeSocket.exchange} does. Each
 * exchange has a socket of its own, with a random port (RFC 9109) unless told otherwise.
 *
 * @param server address and port to ask
 * @param world clock, timers, randomness and sockets
 * @param options version, timeout, key, signal; `sourcePort`: local port, 0 for a random one
 * @returns the reply, matched but not validated, with its times
 * @throws {NTPError} `timeout`, `refused`, `unreachable`, `aborted`, or what binding threw
 */
export async function exchange(
  server: Endpoint,
  world: ExchangeWorld,
  options: ExchangeOptions & { readonly sourcePort: number },
): Promise<Exchange> {
  if (options.signal?.aborted) throw abortedError(`asking ${server}`, options.signal);
  const socket = new ExchangeSocket(world, {
    hostname: anyAddress(server.family),
    port: options.sourcePort,
    remote: { hostname: server.hostname, port: server.port },
  });
  try {
    return await socket.exchange(server, options);
  } finally {
    await socket.close();
  }
}

/** The local address that stands for all of a family. */
export function anyAddress(family: number): string {
  return family === 6 ? "::" : "0.0.0.0";
}
