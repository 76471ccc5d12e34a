// A time server on a reference clock: here a GNSS receiver, simulated.
//
//   deno run -A --unstable-net examples/server.ts [PORT]
//   bun run examples/server.ts [PORT]
//   node examples/server.ts [PORT]
//
// Ask it with examples/client.ts. Your program imports from "@ntps/ntps".
import process from "node:process";
import { type ClockState, NTPError, NTPServer, timestampFromUnixNanoseconds } from "../mod.ts";

/** Yours would read a serial line, or ask gpsd. */
const receiver = {
  hasFix: true,
  accuracySeconds: 0.000_1,
  unixNanoseconds(): bigint {
    const microseconds = Math.round((performance.timeOrigin + performance.now()) * 1000);
    return BigInt(microseconds) * 1000n;
  },
};

class GNSSServer extends NTPServer {
  override refid = "GNSS";
  override stratum = 1;

  override getTime(): bigint {
    return timestampFromUnixNanoseconds(receiver.unixNanoseconds());
  }

  // Asked about once a second. Without a fix, every reply says that the time is not known.
  override getState(): Partial<ClockState> {
    return { synchronized: receiver.hasFix, rootDispersion: receiver.accuracySeconds };
  }
}

const server = new GNSSServer();
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, async () => {
    await server.close();
    console.log(`Answered ${server.statistics().answered} requests.`);
  });
}

try {
  const { hostname, port } = await server.listen({ port: Number(process.argv[2] ?? 123) });
  console.log(`Serving GNSS time at ${hostname}, port ${port}. Ctrl+C ends it.`);
} catch (error) {
  if (!(error instanceof NTPError || error instanceof RangeError)) throw error;
  console.error(`${error.message}\n\nOn port 12300:\n  ${command()} 12300`);
  process.exit(1);
}

/** How this program was started. */
function command(): string {
  const { deno, bun } = process.versions;
  const runtime = deno ? "deno run -A --unstable-net" : bun ? "bun run" : "node";
  return `${runtime} ${process.argv[1]}`;
}
