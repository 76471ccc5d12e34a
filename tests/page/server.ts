// What the browser looks at: a server with the page, whose clock follows two others, and some load. Says
// its address as a JSON line, and ends with its input.

import process from "node:process";
import { FunctionClock, NTPServer, systemTimers, timestampFromDate } from "../../mod.ts";
import { StatusServer } from "../../src/metrics/mod.ts";
import { NTPSync } from "../../src/sync/mod.ts";
import { addSeconds } from "../../src/packet/mod.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";
import { bindUdp } from "../../src/transport/bind_udp.ts";

const LOCAL = "127.0.0.1";
const upstream = await Promise.all([0, 0.0002].map(async (ahead) => {
  const server = new NTPServer({
    refid: "GPS",
    transport: "portable",
    clock: new FunctionClock(() => addSeconds(timestampFromDate(new Date()), ahead)),
  });
  const { port } = await server.listen({ hostname: LOCAL, port: 0 });
  return { server, port };
}));
const sync = await NTPSync.start({
  servers: upstream.map(({ port }) => ({ hostname: LOCAL, port, minPoll: 0, maxPoll: 0 })),
});
const server = new NTPServer({
  clock: sync.clock,
  countPrefixes: true,
  transport: "portable",
  rateLimit: {},
});
const { port } = await server.listen({ hostname: LOCAL, port: 0 });
const status = new StatusServer({
  page: true,
  read: () => ({ server: server.statistics(), clock: sync.clock.state(), sync }),
});
const { port: httpPort } = await status.listen({ port: 0 });
console.log(JSON.stringify({ url: `http://${LOCAL}:${httpPort}/` }));

// Good requests, and some that are dropped.
const load = await bindUdp({ hostname: LOCAL, port: 0, clock: sync.clock, onDatagram() {} });
const to = new Endpoint(LOCAL, port);
const good = new Uint8Array(48), bad = new Uint8Array(48).fill(0x26);
good[0] = 0x23;
let isOver = false;
(function send(): void {
  if (isOver) return;
  const count = 20 + 15 * Math.sin(performance.now() / 2000);
  for (let i = 0; i < count; i++) load.send(i % 10 === 0 ? bad : good, to);
  systemTimers.after(50, send);
})();

process.stdin.resume();
process.stdin.on("end", async () => {
  isOver = true;
  await Promise.all([load, status, server, sync, ...upstream.map(({ server }) => server)].map(
    (one) => one.close(),
  ));
});
