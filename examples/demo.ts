// A time server and a client in one process, on a free port of this computer.
//
//   deno run -A --unstable-net examples/demo.ts
//   bun run examples/demo.ts
//   node examples/demo.ts
//
// Your program imports from "@ntps/ntps".
import { NTPServer, query } from "../mod.ts";

const server = new NTPServer({ refid: "GPS", stratum: 1 });
const { hostname, port } = await server.listen({ hostname: "127.0.0.1", port: 0 });
console.log(`The server listens at ${hostname}, port ${port}.`);

// Asks four times; the answer with the least delay counts.
const { date, offset, delay, rootDistance, packet } = await query(hostname, {
  port,
  samples: 4,
  intervalMs: 50,
});
console.log(`It says that it is ${date.toISOString()},`);
console.log(`at stratum ${packet.stratum}, by the reference ${packet.referenceText}.`);
console.log(`The way there and back took ${milliseconds(delay)}.`);
console.log(`Its clock and ours, which are the same, differ by ${milliseconds(offset)};`);
console.log(`the measurement may be wrong by up to ${milliseconds(rootDistance)}.`);

await server.close();
const { received, answered } = server.statistics();
console.log(`The server received ${received} requests, answered ${answered}, and is closed.`);

function milliseconds(seconds: number): string {
  return `${(seconds * 1000).toFixed(3)} ms`;
}
