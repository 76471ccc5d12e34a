// The server under load: `subject.mjs HOSTNAME PORT TRANSPORT WORKERS`, with rate limiter, statistics
// and a key; with NTS if there follow `CERT KEY PORT`, files and the port of the key exchange. Says
// `ready TRANSPORT`, or why it cannot run and ends with status 3.

import { readFileSync } from "node:fs";
import process from "node:process";

/** From here NTPServer comes: what npm installs, on Node. */
const { NTPServer, SymmetricKey } = await import(process.env.NTPS_MODULE ?? "../mod.ts");

const [hostname, port, transport, workers, cert, key, kePort] = process.argv.slice(2);
const CANNOT = 3;

/** Limits that nobody reaches: their work is done, and no one is refused. */
const rateLimit = {
  interval: 1 / 4096,
  burst: 255,
  prefixInterval: 1 / 4096,
  prefixBurst: 65535,
  ipv4Prefix: 28,
  leak: 1,
};

/** Serves key exchanges. @returns what opens the requests of those who made one */
async function startNts() {
  const { NtsKeyExchangeServer, NtsResponder, RotatingCookieKeys } = await import(
    process.env.NTPS_NTS_MODULE ?? "../src/nts/mod.ts"
  );
  const cookieKeys = new RotatingCookieKeys();
  const server = new NtsKeyExchangeServer({
    cert: readFileSync(cert, "utf8"),
    key: readFileSync(key, "utf8"),
    cookieKeys,
    ntpPort: Number(port),
  });
  await server.listen({ hostname, port: Number(kePort) });
  return new NtsResponder({ cookieKeys });
}

const secret = Uint8Array.from({ length: 16 }, (_, i) => i);

try {
  const server = new NTPServer({
    refid: "GPS",
    stratum: 1,
    rateLimit,
    keys: [new SymmetricKey({ id: 1, type: "AES128", secret })],
    transport,
    ...(cert !== undefined && { nts: await startNts() }),
  });
  const address = await server.listen({
    hostname,
    port: Number(port),
    ...(workers !== "0" && { workers: Number(workers) }),
  });
  // A version that does not know an option ignores it.
  if (transport !== "portable" && !address.transport.includes(transport)) {
    throw new Error(`asked for ${transport}, it listens by ${address.transport}`);
  }
  console.log(`ready ${address.transport}`);
} catch (error) {
  console.error(`cannot run: ${error instanceof Error ? error.message : error}`);
  process.exit(CANNOT);
}
