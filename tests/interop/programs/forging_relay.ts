// Stands between clients and a server and forges the replies. Argument: `{ target, listen }` as JSON:
// `target` is the server's `{ hostname, port }`; `listen` has a `{ hostname, port, forgery }` for each
// client, a name of FORGERIES or none. Says "ready", and `{ relayed }`, the index in `listen`, of each
// reply, as JSON lines, until its input ends.

import process from "node:process";
import { bindUdp, Endpoint, SystemClock } from "../../../mod.ts";
import { FORGERIES } from "./forgery.ts";

const { target, listen } = JSON.parse(process.argv[2] ?? "{}");
const server = new Endpoint(target.hostname, target.port);
const clock = new SystemClock();

interface Listener {
  hostname: string;
  port: number;
  forgery?: string;
}

async function relay({ hostname, port, forgery }: Listener, i: number) {
  const forge = forgery === undefined ? undefined : FORGERIES[forgery]!;
  let client: Endpoint | undefined;
  const back = await bindUdp({
    hostname: target.hostname.includes(":") ? "::" : "0.0.0.0",
    port: 0,
    clock,
    onDatagram(data) {
      if (client === undefined) return;
      front.send(forge?.(data) ?? data.slice(), client);
      console.log(JSON.stringify({ relayed: i }));
    },
  });
  const front = await bindUdp({
    hostname,
    port,
    clock,
    onDatagram(data, source) {
      client = new Endpoint(source.hostname, source.port);
      back.send(data.slice(), server);
    },
  });
  return [front, back];
}

const transports = (await Promise.all((listen as Listener[]).map(relay))).flat();
console.log(JSON.stringify({ ready: listen.length }));

process.stdin.resume();
process.stdin.on("end", () => Promise.all(transports.map((transport) => transport.close())));
