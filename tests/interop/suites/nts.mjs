// Network Time Security: our client and the peers' servers, the peers' clients and our server.

import * as ourClient from "../nts/our_client.mjs";
import * as ourServer from "../nts/our_server.mjs";

export const peers = ["chrony@sid", "chrony", "ntpsec@sid", "ntpsec", "ntpd-rs@sid", "ntpd-rs"];

/** @param {import("../run.mjs").World} world */
export async function run(world) {
  await ourClient.run(world);
  await ourServer.run(world);
}
