// A time server that follows others: stratum 2, and it says how wrong it may be.
//
//   deno run -A --unstable-net examples/stratum2.ts PORT SERVER[:PORT]…
//   bun run examples/stratum2.ts PORT SERVER[:PORT]…
//   node examples/stratum2.ts PORT SERVER[:PORT]…
//
// The clock of this computer is not touched. Your program imports from "@ntps/ntps".
import process from "node:process";
import { NTPError, NTPServer, NTPSync } from "../mod.ts";

const [port = "12300", ...names] = process.argv.slice(2);
const servers = names.map((name) => {
  const [hostname = "", digits = "123"] = name.split(":");
  return { hostname, port: Number(digits) };
});

const ending = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => ending.abort());

try {
  const sync = await NTPSync.start({
    ...(servers.length > 0 ? { servers } : { pools: ["pool.ntp.org"] }),
    signal: ending.signal,
    onChange(sync) {
      const states = sync.sources().map(({ name, state }) => `${name} ${state}`);
      console.log(`Sources: ${states.join(", ")}`);
    },
  });
  const server = new NTPServer({ clock: sync.clock });
  const address = await server.listen({ port: Number(port), signal: ending.signal });
  const { stratum } = sync.clock.state();
  console.log(`Serving at port ${address.port}, stratum ${stratum}. Ctrl+C ends it.`);
  ending.signal.addEventListener("abort", () => {
    console.log(`Wrong by ${(sync.clock.maxError * 1000).toFixed(3)} ms at most.`);
  });
} catch (error) {
  if (!(error instanceof NTPError || error instanceof RangeError)) throw error;
  console.error(error.message);
  process.exit(1);
}
