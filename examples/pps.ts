// A time server of stratum 1 on a GNSS receiver and its pulse per second: sentences on a serial line
// tell which second it is, the kernel stamps when it begins. To a microsecond instead of tens of
// milliseconds. Linux, with foreign functions: for pulses and for the speed of the line.
//
//   deno run -A --unstable-net examples/pps.ts [PORT [LINE [PULSES]]]
//   bun run examples/pps.ts [PORT [LINE [PULSES]]]
//   node examples/pps.ts [PORT [LINE [PULSES]]]          (Node 26)
//
// LINE is /dev/ttyS0 and PULSES /dev/pps0 if nothing else is said. A pulse on the line's DCD pin
// becomes /dev/pps0 by `ldattach pps /dev/ttyS0`, one on a GPIO pin by the overlay pps-gpio.
import process from "node:process";
import { NTPError, NTPServer, NTPSync } from "../mod.ts";
import { NmeaClock, PpsClock } from "../src/reference/mod.ts";

const [port = "12300", line = "/dev/ttyS0", pulses = "/dev/pps0"] = process.argv.slice(2);

const ending = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => ending.abort());

// Sentences end some tenths of a second after their second has begun. A pulse needs the second to within
// 0.4 s; what is left after this offset, the line below tells.
const sentences = new NmeaClock({ path: line, baudRate: 9600, offset: 0.1, maxError: 0.2 });
// Trusted, since sentences that come later than thought must not outvote the pulse.
const pulse = new PpsClock({ path: pulses, prefer: true, trust: true });

try {
  const sync = await NTPSync.start({
    inputs: [sentences, pulse],
    maxHoldover: 3600,
    timeoutMs: Infinity,
    signal: ending.signal,
    onChange(sync) {
      const states = sync.sources().map(({ name, state, offset, error }) =>
        `${name} ${state}, ${error?.message ?? `${(offset * 1e3).toFixed(3)} ms`}`
      );
      console.log(states.join("; "));
    },
  });
  const server = new NTPServer({ clock: sync.clock });
  const address = await server.listen({ port: Number(port), signal: ending.signal });
  console.log(`Serving at port ${address.port}. Ctrl+C ends it.`);
} catch (error) {
  if (ending.signal.aborted) process.exit(0);
  if (!(error instanceof NTPError || error instanceof RangeError)) throw error;
  console.error(error.message);
  process.exit(1);
}
