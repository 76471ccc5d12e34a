import type { SymmetricKey } from "../auth/symmetric_key.ts";
import type { Clock } from "../clock/clock.ts";
import type { Timers } from "../clock/timers.ts";
import { NTPError } from "../packet/error.ts";
import { NTPPacket, type Version } from "../packet/packet.ts";
import { timestampFromWords } from "../packet/timestamp.ts";
import { abortedError } from "../transport/aborted_error.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import type { BindUdp, UdpTransport } from "../transport/udp_transport.ts";
import { authenticationOf, isCryptoNak } from "./authentication.ts";
import { answers } from "./match.ts";
import type { Exchange } from "./measurement.ts";
import { makeRequest, type Random, signed } from "./request.ts";

/** What an exchange needs of the world. */
export interface ExchangeWorld {
  /** Stamps the request and the reply. */
  readonly clock: Clock;
  /** Waits. */
  readonly timers: Timers;
  /** Where random bytes come from. */
  readonly random: Random;
  /** How sockets are made. */
  readonly bind: BindUdp;
}

/** How to make one exchange. */
export interface ExchangeOptions {
  /** Protocol version. */
  readonly version: Version;
  /** How long to wait for the reply. */
  readonly timeoutMs: number;
  /** Local port, 0 for a random one. */
  readonly sourcePort: number;
  /** Key to sign the request with, and to expect the reply to be signed with. */
  readonly key?: SymmetricKey | undefined;
  /** Ends the exchange. */
  readonly signal?: AbortSignal | undefined;
}

/** A reply of the right server to the right request, if that is what arrived. */
function decodeReply(request: Uint8Array, data: Uint8Array): NTPPacket | undefined {
  if (!answers(request, data)) return undefined;
  try {
    return NTPPacket.decode(data);
  } catch {
    return undefined; // a stray like any other: junk behind a header that could be guessed at
  }
}

/**
 * Sends one request and waits for the reply to it. Each exchange has a socket of its own, with a
 * random port (RFC 9109) unless told otherwise, and takes one reply: what else arrives is ignored,
 * and the wait goes on. So it does when a key is given and the reply is not authenticated, since who
 * sees the request can forge one; if nothing better comes, that reply is returned in the end.
 *
 * @param server address and port to ask
 * @param world clock, timers, randomness and sockets
 * @param options version, timeout, port, signal
 * @returns the reply, matched but not validated, with its times
 * @throws {NTPError} `timeout`, `refused`, `unreachable`, `aborted`, or what binding threw
 */
export async function exchange(
  server: Endpoint,
  world: ExchangeWorld,
  options: ExchangeOptions,
): Promise<Exchange> {
  const { clock, timers } = world;
  const { key, signal, timeoutMs, version } = options;
  if (signal?.aborted) throw abortedError(`asking ${server}`, signal);

  let transport: UdpTransport | undefined;
  let cancelTimer = () => {};
  let onAbort = () => {};
  try {
    return await new Promise<Exchange>((resolve, reject) => {
      const plain = makeRequest(version, world.random);
      const request = key === undefined ? plain : signed(plain, key, version);
      const sent = new Uint32Array(2);
      let unauthenticated: Exchange | undefined;
      onAbort = () => reject(abortedError(`asking ${server}`, signal!));
      signal?.addEventListener("abort", onAbort);
      world.bind({
        hostname: server.family === 6 ? "::" : "0.0.0.0",
        port: options.sourcePort,
        remote: { hostname: server.hostname, port: server.port },
        clock,
        onDatagram(data, source, arrival) {
          if (!source.equals(server)) return;
          const packet = decodeReply(request, data);
          if (packet === undefined || (key === undefined && isCryptoNak(packet))) return;
          const result: Exchange = {
            packet,
            requestTimestamp: timestampFromWords(sent[0]!, sent[1]!),
            destinationTimestamp: timestampFromWords(arrival[0]!, arrival[1]!),
            authentication: authenticationOf(data, packet, key),
          };
          if (key === undefined || result.authentication === "key") resolve(result);
          else unauthenticated ??= result;
        },
        onError: reject,
      }).then((bound) => {
        if (signal?.aborted) return bound.close(); // nobody waits any more
        transport = bound;
        cancelTimer = timers.after(timeoutMs, () => {
          if (unauthenticated !== undefined) return resolve(unauthenticated);
          reject(new NTPError("timeout", `${server} did not answer within ${timeoutMs} ms`));
        });
        clock.read(sent); // the last thing before sending
        transport.send(request, server);
      }).catch(reject);
    });
  } finally {
    cancelTimer();
    signal?.removeEventListener("abort", onAbort);
    await transport?.close();
  }
}
