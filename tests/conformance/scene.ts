import { query } from "../../src/client/query.ts";
import type { QueryOptions } from "../../src/client/options.ts";
import { NTPError } from "../../src/packet/error.ts";
import { NTPPacket, type NTPPacketFields } from "../../src/packet/mod.ts";
import { NTPServer } from "../../src/server/ntp_server.ts";
import type { NTPServerOptions } from "../../src/server/ntp_server_options.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";
import type { UdpTransport } from "../../src/transport/udp_transport.ts";
import type { Stage } from "../client/stage.ts";

/** Where the server of a scene is. */
export const SERVER = "192.0.2.1";

/** Random numbers that are the same in every run. */
export function seeded(seed: number): (into: Uint8Array) => void {
  let state = seed;
  return (into) =>
    into.forEach((_, i) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      into[i] = state >>> 24;
    });
}

/** A server on the stage. */
export async function serve(
  stage: Stage,
  options: NTPServerOptions = {},
  hostname: string = SERVER,
): Promise<NTPServer> {
  const server = new NTPServer({ clock: stage.clock(), bind: stage.network.bind, ...options });
  await server.listen({ hostname });
  return server;
}

/** What becomes of a query: `"ok"`, or the code of its error. */
export async function outcomeOf(stage: Stage, options: QueryOptions = {}): Promise<string> {
  try {
    await stage.play(query(SERVER, { ...stage.world, ...options }));
    return "ok";
  } catch (error) {
    if (!(error instanceof NTPError)) throw error;
    return error.code;
  }
}

/** A socket of somebody who sends what he likes. */
export class Stranger {
  /** All that came back. */
  readonly received: Uint8Array[] = [];
  readonly #stage: Stage;
  #transport: UdpTransport | undefined;

  private constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** Somebody at an address. */
  static async at(stage: Stage, hostname: string, port = 40123): Promise<Stranger> {
    const stranger = new Stranger(stage);
    stranger.#transport = await stage.network.bind({
      hostname,
      port,
      clock: stage.time,
      onDatagram: (data) => void stranger.received.push(data.slice()),
    });
    return stranger;
  }

  /** Sends a datagram. */
  send(bytes: Uint8Array, hostname: string = SERVER, port = 123): void {
    this.#transport!.send(bytes, new Endpoint(hostname, port));
  }

  /** Sends a datagram to the server and waits a while for what comes back. */
  ask(bytes: Uint8Array): Uint8Array[] {
    const before = this.received.length;
    this.send(bytes);
    this.#stage.time.advance(50);
    return this.received.slice(before);
  }
}

/** A request whose transmit timestamp is a number. */
export function request(fields: Partial<NTPPacketFields> = {}): Uint8Array {
  return new NTPPacket({ transmitTimestamp: 0x1234_5678_9abc_def0n, ...fields }).encode();
}
