// A server of ours on a reference clock. Argument as JSON: `clock`, one of "gpsd", "shm", "sock", with
// its `options`; `port` to serve at; `maxHoldover`. Writes a line whenever its state changes.

import process from "node:process";
import { NTPServer, NTPSync } from "../../../mod.ts";
import { GpsdClock, ShmClock, SockClock } from "../../../src/reference/mod.ts";

const { clock, options, port, maxHoldover } = JSON.parse(process.argv[2] ?? "{}");
const kinds = { gpsd: GpsdClock, shm: ShmClock, sock: SockClock };
const input = new kinds[clock as keyof typeof kinds](options);
const sync = await NTPSync.start({ inputs: [input], maxHoldover, timeoutMs: 40_000 });
const server = new NTPServer({ clock: sync.clock });
await server.listen({ hostname: "127.0.0.1", port });

let told = "";
const look = (): void => {
  const { synchronized } = sync.clock.state(), { locked, reason } = input.status();
  const state = synchronized ? locked ? "locked" : "holdover" : "unsynchronised";
  if (state !== told) {
    const { rootDispersion } = sync.clock.state();
    console.log(JSON.stringify({ state, rootDispersion, reason }));
  }
  told = state;
};
look();
const watch = setInterval(look, 200);
console.log(JSON.stringify({ ready: port }));

process.stdin.resume();
process.stdin.on("end", async () => {
  clearInterval(watch);
  await server.close();
  await sync.close();
  console.log(JSON.stringify({ status: input.status() }));
});
