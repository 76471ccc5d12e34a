// A clock of ours that follows peers, and a server on it. Argument: the options of `NTPSync.start()`
// besides the world, and `serve`, a port, as JSON. Says "ready" when it serves; when its input ends, how
// far it was off the clock of this machine, which the peers serve, and what it thinks of its sources.

import process from "node:process";
import { NTPServer, NTPSync, SystemClock, timestampDifference } from "../../../mod.ts";

const { serve, settle, ...options } = JSON.parse(process.argv[2] ?? "{}");
const host = new SystemClock();
const sync = await NTPSync.start(options);
const server = new NTPServer({ clock: sync.clock });
await server.listen({ port: serve });
console.log(JSON.stringify({ ready: server.addresses }));

let looks = 0, squares = 0, max = 0, outside = 0, before = sync.clock.now(), backwards = 0;
const started = performance.now();
setInterval(() => {
  const now = sync.clock.now();
  if (timestampDifference(now, before) < 0) backwards++;
  before = now;
  if (performance.now() - started < settle * 1000) return;
  const error = timestampDifference(sync.clock.now(), host.now());
  const { earliest, latest } = sync.clock.bounds(), truth = host.now();
  looks++;
  squares += error ** 2;
  max = Math.max(max, Math.abs(error));
  // The peers take a microsecond to read the same clock, and so do we.
  const isEarly = timestampDifference(earliest, truth) > 1e-5;
  if (isEarly || timestampDifference(latest, truth) < -1e-5) outside++;
}, 50);

process.stdin.resume();
process.stdin.on("end", async () => {
  const sources = sync.sources().map(({ hostname, state, samples, offset }) => ({
    ...{ hostname, state, samples, offset },
  }));
  const { stratum } = sync.clock.state(), { maxError } = sync.clock;
  await server.close();
  await sync.close();
  const rms = Math.sqrt(squares / looks);
  console.log(JSON.stringify({
    result: { rms, max, looks, outside, backwards, maxError, stratum, sources },
  }));
  process.exit(0);
});
