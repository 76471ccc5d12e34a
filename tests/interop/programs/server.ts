// Our server as a peer meets it. Argument: `{ hostname, port, stratum, refid, keys, interleaved, ntpv5 }`
// as JSON, `hostname` one or several, `keys` the text of a key file, or none; with `ntpv5`, it counts the
// versions asked in as decisions. Says "ready", and when its input ends its statistics, as JSON lines.

import process from "node:process";
import { NTPServer, parseKeyFile, type RequestView } from "../../../mod.ts";
import { NTPv5Responder } from "../../../src/experimental/mod.ts";

const { hostname, port, stratum, refid, keys, interleaved, ntpv5 } = JSON.parse(
  process.argv[2] ?? "{}",
);
const server = new NTPServer({
  stratum,
  refid,
  ...(keys && { keys: parseKeyFile(keys) }),
  ...(interleaved !== undefined && { interleaved }),
  ...(ntpv5 && {
    ntpv5: new NTPv5Responder(),
    decide: ({ version }: RequestView) => ({ action: "serve", reason: `version ${version}` }),
  }),
  onError: (error) => console.error(error.message),
});
for (const one of [hostname].flat()) await server.listen({ hostname: one, port });
console.log(JSON.stringify({ ready: server.addresses }));

process.stdin.resume();
process.stdin.on("end", async () => {
  const statistics = server.statistics();
  await server.close();
  console.log(JSON.stringify({ statistics }));
});
