// A clock of ours that follows servers and a pool, believing nothing but NTS. Argument: `{ servers, pool,
// ca, seconds }` as JSON: names of servers of key exchange, `{ hostname, addresses }` and certificates.
// Says what it knows of its sources, as a JSON line for each.

import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { NTPSync } from "../../../mod.ts";
import { NtsClient } from "../../../src/nts/mod.ts";
import { resolveHost } from "../../../src/transport/resolve.ts";

interface Wanted {
  servers: string[];
  pool: { hostname: string; addresses: string[] };
  ca: string;
  seconds: number;
}

const { servers, pool, ca, seconds }: Wanted = JSON.parse(process.argv[2] ?? "{}");
const polls = { minPoll: 1, maxPoll: 2 };
const sync = await NTPSync.start({
  nts: new NtsClient({ ca }),
  servers: servers.map((hostname) => ({ hostname, nts: true, ...polls })),
  pools: [{ hostname: pool.hostname, nts: true, maxSources: pool.addresses.length, ...polls }],
  resolve: (hostname, options) =>
    hostname === pool.hostname ? Promise.resolve(pool.addresses) : resolveHost(hostname, options),
});
await setTimeout(seconds * 1000);
for (const source of sync.sources()) {
  const { authentication, error, hostname, kind, name, offset, reach, state } = source;
  const about = { kind, name, hostname, authentication, offset, reach, state };
  console.log(JSON.stringify({ ...about, error: error?.message }));
}
for (const { name, error } of sync.problems) {
  console.log(JSON.stringify({ name, error: `${error}` }));
}
await sync.close();
process.exit(0);
