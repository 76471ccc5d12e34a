// Our server with NTS as a peer meets it, and its key exchange. Argument: `{ hostname, stratum, refid,
// cert, key, keyFile, aeads, ntpHostname }` as JSON: `keyFile` keeps the keys of cookies, or they are lost
// with the process. Says "ready". Takes commands as lines: `rotate`, `lose N` (no answer to the next N
// requests), `statistics`, which it answers with a JSON line. Ends when its input ends.

import process from "node:process";
import { createInterface } from "node:readline";
import { NTPServer } from "../../../mod.ts";
import {
  NtsKeyExchangeServer,
  NtsResponder,
  openCookieKeyFile,
  RotatingCookieKeys,
} from "../../../src/nts/mod.ts";
import { NTS_MALFORMED, type NtsGuard } from "../../../src/nts/nts_guard.ts";

const { hostname, stratum, refid, cert, key, keyFile, aeads, ntpHostname } = JSON.parse(
  process.argv[2] ?? "{}",
);
const cookieKeys = keyFile ? await openCookieKeyFile(keyFile) : new RotatingCookieKeys();
const responder = new NtsResponder({ cookieKeys });

/** Takes requests that are to be lost for wrong ones, which are not answered. */
let toLose = 0;
const nts: NtsGuard = {
  open(request, length) {
    if (toLose === 0) return responder.open(request, length);
    toLose--;
    return NTS_MALFORMED;
  },
  seal: (reply) => responder.seal(reply),
  identify: (reply) => responder.identify(reply),
};

const onError = (error: Error) => console.error(error.message);
const server = new NTPServer({ stratum, refid, nts, onError });
const keyExchange = new NtsKeyExchangeServer({
  cert,
  key,
  cookieKeys,
  ...(aeads && { aeads }),
  ...(ntpHostname && { ntpHostname }),
  onError,
});
for (const one of [hostname].flat()) {
  await server.listen({ hostname: one, port: 123 });
  await keyExchange.listen({ hostname: one });
}
console.log(JSON.stringify({ ready: server.addresses }));

createInterface({ input: process.stdin }).on("line", (line) => {
  const [command, count] = line.split(" "); // and a number that tells answers apart
  if (command === "rotate") cookieKeys.rotate();
  if (command === "lose") toLose = Number(count);
  const statistics = { server: server.statistics(), keyExchange: keyExchange.statistics(), toLose };
  console.log(JSON.stringify({ [line]: statistics }));
}).on("close", async () => {
  await server.close();
  await keyExchange.close();
});
