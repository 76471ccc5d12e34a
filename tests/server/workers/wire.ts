// A client that sends bytes and waits for bytes.
import { SystemClock } from "../../../src/clock/system_clock.ts";
import { udpAdapter } from "../../../src/transport/bind_udp.ts";
import { Endpoint } from "../../../src/transport/endpoint.ts";
import type { UdpTransport } from "../../../src/transport/udp_transport.ts";

const LOOPBACK = "127.0.0.1";
const clock = new SystemClock();

/** One socket of a client. */
export class Wire {
  readonly #transport: UdpTransport;
  readonly #arrived: Uint8Array[];
  #onArrival: (() => void) | undefined;

  private constructor(transport: UdpTransport, arrived: Uint8Array[]) {
    this.#transport = transport;
    this.#arrived = arrived;
  }

  static async open(): Promise<Wire> {
    const arrived: Uint8Array[] = [];
    const wire: Wire = new Wire(
      await udpAdapter("node")({
        hostname: LOOPBACK,
        clock,
        onDatagram(data) {
          arrived.push(new Uint8Array(data)); // slice() of Node's does not copy
          wire.#onArrival?.();
        },
      }),
      arrived,
    );
    return wire;
  }

  get port(): number {
    return this.#transport.port;
  }

  /** Sends, and waits for one datagram; `undefined` when none comes. */
  async ask(port: number, data: Uint8Array, timeoutMs = 5000): Promise<Uint8Array | undefined> {
    this.#arrived.length = 0;
    this.#transport.send(data, new Endpoint(LOOPBACK, port));
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#onArrival = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    return this.#arrived[0];
  }

  close(): Promise<void> {
    return this.#transport.close();
  }
}

/** Waits until something is so, for a time that no machine needs. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!await isSo()) {
    if (performance.now() > deadline) throw new Error(`It never came to be: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
