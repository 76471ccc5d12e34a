import { checkBindOptions } from "../bind_options.ts";
import { Endpoint } from "../endpoint.ts";
import { KernelClock } from "./kernel_clock.ts";
import { type NativeSystem, NativeUdpTransport } from "./native_udp_transport.ts";

const LENGTHS = [48, 1, 1000];
const TIMEOUT_MS = 500;
/** Farthest that arrivals may be from when they were sent, in seconds. */
const LONGEST_WAY = 1;

/**
 * Sends datagrams to itself, and looks at all that comes back: whether the event loop is told, the
 * bytes, source, stamps. What is wrong in the table of structures shows here instead of in a reply.
 *
 * @returns what is wrong, in words
 */
export async function selfTest(system: NativeSystem): Promise<string | undefined> {
  const clock = new KernelClock(system.calls);
  const sent = new Uint32Array(2);
  let received = 0;
  let fault: string | undefined;
  let finish = (): void => {};
  const finished = new Promise<void>((resolve) => finish = resolve);
  const settings = checkBindOptions({
    hostname: "127.0.0.1",
    clock,
    onDatagram(data, source, arrival) {
      const length = LENGTHS[received]!;
      const elapsed = (arrival[0]! - sent[0]!) + (arrival[1]! - sent[1]!) / 2 ** 32;
      if (data.length !== length || data.some((byte) => byte !== length % 256)) {
        fault = `${length} bytes were sent, and ${data.length} others received`;
      } else if (source.hostname !== "127.0.0.1" || source.port !== transport.port) {
        fault = `127.0.0.1:${transport.port} has sent, and ${source} was told`;
      } else if (!(elapsed >= 0 && elapsed < LONGEST_WAY)) {
        fault = `a datagram took ${elapsed} s to itself`;
      }
      if (++received === LENGTHS.length || fault !== undefined) finish();
    },
    onError(error) {
      fault = error.message;
      finish();
    },
  });
  const transport = new NativeUdpTransport(system, settings, "127.0.0.1");
  const timer = setTimeout(() => {
    fault = `of ${LENGTHS.length} datagrams to itself ${received} came`;
    finish();
  }, TIMEOUT_MS);
  clock.read(sent);
  const to = new Endpoint("127.0.0.1", transport.port);
  for (const length of LENGTHS) transport.send(new Uint8Array(length).fill(length), to);
  await finished;
  clearTimeout(timer);
  await transport.close();
  return fault;
}
