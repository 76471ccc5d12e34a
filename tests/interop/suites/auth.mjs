// Symmetric keys of every type: our client and the peers' servers, the peers' clients and our server;
// what is forged or not known is refused by both.

import * as ourClient from "../auth/our_client.mjs";
import * as ourServer from "../auth/our_server.mjs";

export const peers = ["chrony", "ntp", "ntpsec"];

/** @param {import("../run.mjs").World} world */
export async function run(world) {
  await ourClient.run(world);
  await ourServer.run(world);
}
