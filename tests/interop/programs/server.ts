// Our server as a peer meets it. Argument: `{ hostname, port, stratum, refid }` as JSON. Says "ready",
// and when its input ends its statistics, as JSON lines.

import process from "node:process";
import { NTPServer } from "../../../mod.ts";

const { hostname, port, stratum, refid } = JSON.parse(process.argv[2] ?? "{}");
const server = new NTPServer({ stratum, refid, onError: (error) => console.error(error.message) });
const address = await server.listen({ hostname, port });
console.log(JSON.stringify({ ready: address }));

process.stdin.resume();
process.stdin.on("end", async () => {
  const statistics = server.statistics();
  await server.close();
  console.log(JSON.stringify({ statistics }));
});
