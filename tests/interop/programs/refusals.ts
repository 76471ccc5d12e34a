// What cannot be done. Argument: the names of what is tried, as JSON. Says of each what came of it, as a
// JSON line: `{ tried, refusal, message }`, where `refusal` is a code, the name of an error, or "none".

import process from "node:process";
import {
  NTPBroadcastClient,
  NTPBroadcaster,
  NTPError,
  NTPManycastClient,
  NTPServer,
  udpAdapter,
} from "../../../mod.ts";

const GROUP = "224.0.1.1";
const runtime = process.versions["deno"] ? "deno" : process.versions["bun"] ? "bun" : "node";

async function listen(options: ConstructorParameters<typeof NTPBroadcastClient>[0]) {
  await using client = new NTPBroadcastClient({ allowUnauthenticated: true, ...options });
  await client.listen();
}

async function serve(options: Parameters<NTPServer["listen"]>[0]) {
  await using server = new NTPServer({ transport: "portable" });
  await server.listen(options);
}

async function broadcast(
  target: ConstructorParameters<typeof NTPBroadcaster>[0]["targets"][0],
  options: Parameters<NTPServer["listen"]>[0] = { multicast: true },
) {
  await using server = new NTPServer({ transport: "portable" });
  await server.listen(options);
  using broadcaster = new NTPBroadcaster({ server, targets: [target], onWarning: () => {} });
  broadcaster.start();
}

async function search(networkInterface: string) {
  await using client = new NTPManycastClient({ group: GROUP, networkInterface });
  await client.start();
}

const nowhere = "nosuch0";

const tries: Readonly<Record<string, () => Promise<void>>> = {
  "no group": () => listen({ groups: ["192.0.2.1"] }),
  "no interface, listening": () => listen({ groups: [GROUP], networkInterfaces: [nowhere] }),
  "no interface, serving": () => serve({ groups: [GROUP], networkInterfaces: [nowhere] }),
  "no interface, telling": () => broadcast({ address: GROUP, networkInterface: nowhere }),
  "no interface, searching": () => search(nowhere),
  "no multicast": () => broadcast(GROUP, {}),
  "own sockets": () => listen({ groups: [GROUP], bind: udpAdapter(runtime) }),
  "IPv6 hop limit": () => broadcast({ address: "ff05::101", hopLimit: 4 }),
  "no route": () => listen({ groups: [GROUP] }),
  "no permission": () => listen({ groups: [GROUP], networkInterfaces: ["v0"] }),
};

for (const tried of JSON.parse(process.argv[2] ?? "[]")) {
  let refusal = "none", message = "";
  try {
    await tries[tried]!();
  } catch (error) {
    refusal = error instanceof NTPError ? error.code : (error as Error).name;
    message = (error as Error).message;
  }
  console.log(JSON.stringify({ tried, refusal, message }));
}
