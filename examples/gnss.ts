// A time server of stratum 1 on a GNSS receiver that gpsd reads, as `ntps serve --refclock gpsd` is.
//
//   deno run -A --unstable-net examples/gnss.ts [PORT [HOST]]
//   bun run examples/gnss.ts [PORT [HOST]]
//   node examples/gnss.ts [PORT [HOST]]
//
// HOST is where gpsd runs; pulses count only if that is this computer. Without antenna the server goes
// on for an hour, announces how wrong it may have become, and then says that it has no time.
// Your program imports from "@ntps/ntps" and "@ntps/ntps/reference".
import process from "node:process";
import { NTPError, NTPServer, NTPSync } from "../mod.ts";
import { GpsdClock } from "../src/reference/mod.ts";

const [port = "12300", hostname = "localhost"] = process.argv.slice(2);

const ending = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => ending.abort());

const receiver = new GpsdClock({ hostname });
const tell = (): void => {
  const { locked, reason } = receiver.status();
  console.log(locked ? "Receiver locked." : `No time from the receiver: ${reason}`);
};

try {
  const sync = await NTPSync.start({
    inputs: [receiver],
    maxHoldover: 3600,
    timeoutMs: Infinity, // the first fix may take minutes
    signal: ending.signal,
    onChange: tell,
  });
  const server = new NTPServer({ clock: sync.clock });
  const address = await server.listen({ port: Number(port), signal: ending.signal });
  console.log(`Serving at port ${address.port}. Ctrl+C ends it.`);
  ending.signal.addEventListener("abort", () => {
    const { answered } = server.statistics();
    console.log(`Answered ${answered}, wrong by ${sync.clock.maxError.toFixed(6)} s at most.`);
  });
} catch (error) {
  if (ending.signal.aborted) process.exit(0);
  if (!(error instanceof NTPError || error instanceof RangeError)) throw error;
  console.error(error.message);
  process.exit(1);
}
