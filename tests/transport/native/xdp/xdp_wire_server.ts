// An echo server over AF_XDP, in the namespace of xdp_wire_test.ts. Each line of standard input is a
// command; each line of output is JSON.
import process from "node:process";
import { createInterface } from "node:readline";
import { readFileSync } from "node:fs";
import { SystemClock } from "../../../../src/clock/system_clock.ts";
import { Endpoint } from "../../../../src/transport/endpoint.ts";
import { xdpAdapter } from "../../../../src/transport/native/xdp/bind_xdp.ts";
import type { UdpTransport } from "../../../../src/transport/udp_transport.ts";

const [hostname, port, mode] = process.argv.slice(2) as [string, string, "driver" | "generic"];
const clock = new SystemClock(), now = new Uint32Array(2);
const tell = (what: unknown) => console.log(JSON.stringify(what));
let oldest = -Infinity, youngest = Infinity;

/** Datagrams that the kernel's own stack has given to sockets. */
function byStack(): number {
  const numbers = (file: string, pattern: RegExp) =>
    Number(pattern.exec(readFileSync(`/proc/net/${file}`, "utf8"))?.[1]);
  return numbers("snmp", /^Udp: (\d+)/m) + numbers("snmp6", /^Udp6InDatagrams\s+(\d+)/m);
}

try {
  const transport: UdpTransport = await xdpAdapter({ mode })({
    hostname,
    port: Number(port),
    clock,
    onDatagram(data, source, arrival) {
      clock.read(now);
      const age = (now[0]! - arrival[0]!) + (now[1]! - arrival[1]!) / 2 ** 32;
      oldest = Math.max(oldest, age);
      youngest = Math.min(youngest, age);
      // "L" asks for a reply that is longer than the request.
      transport.send(data[0] === 0x4c ? new Uint8Array(100).fill(0x4c) : data, source);
    },
    onError: (error) => tell({ error: error.message }),
  });
  tell({ kind: transport.kind, port: transport.port });
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === "count") {
      const { received, sent, errors } = transport.counters;
      tell({ received, sent, errors, byStack: byStack(), oldest, youngest });
    } else if (line === "close") {
      await transport.close();
      tell({ closed: transport.send(new Uint8Array(1), new Endpoint("10.77.1.2", 9)) });
      process.exit(0);
    }
  }
} catch (error) {
  const { code, message } = error as { code?: string; message: string };
  tell({ code, message });
  process.exit(1);
}
