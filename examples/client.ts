// Asks a server for the time.
//
//   deno run -A --unstable-net examples/client.ts [HOST [PORT]]
//   bun run examples/client.ts [HOST [PORT]]
//   node examples/client.ts [HOST [PORT]]
//
// Your program imports from "@ntps/ntps".
import process from "node:process";
import { NTPClient, NTPError } from "../mod.ts";

const [host = "pool.ntp.org", port = "123"] = process.argv.slice(2);

const client = new NTPClient({
  endpoint: host,
  port: Number(port),
  samples: 3, // ask three times, 2 s apart: the answer with the least delay counts
  timeoutMs: 2000,
});

try {
  const { date, offset, rootDistance, hostname, packet } = await client.query();
  const direction = offset < 0 ? "ahead" : "behind";
  console.log(`${hostname}: stratum ${packet.stratum}, reference ${packet.referenceText}`);
  console.log(`It is ${date.toISOString()}.`);
  console.log(`The clock of this computer is ${milliseconds(Math.abs(offset))} ${direction},`);
  console.log(`give or take ${milliseconds(rootDistance)}.`);
} catch (error) {
  if (!(error instanceof NTPError)) throw error;
  console.error(error.message); // error.code tells programs what happened
  process.exitCode = 1;
}

function milliseconds(seconds: number): string {
  return `${(seconds * 1000).toFixed(3)} ms`;
}
