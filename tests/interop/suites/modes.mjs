// Symmetric, broadcast, multicast and manycast associations: ours with chronyd and with ntpd, and ours
// with each other. Our clock is 2 ms ahead of everybody's, and both sides must find that.

import * as broadcast from "../modes/broadcast.mjs";
import { runCentre } from "../modes/centre.mjs";
import * as manycast from "../modes/manycast.mjs";
import { leafOf } from "../modes/ours.mjs";
import { runRefusals } from "../modes/refusals.mjs";
import * as symmetric from "../modes/symmetric.mjs";

export const peers = ["chrony", "ntp"];

/** @param {import("../run.mjs").World} world */
export async function run(world) {
  await Promise.all(world.runtimes.flatMap((runtime) => [
    runRefusals(world, runtime),
    runCentre({
      world,
      runtime,
      cases: [...symmetric.cases, ...broadcast.told, ...manycast.told],
      leaves: world.runtimes.map(leafOf),
      options: (devices) => ({
        server: {
          hostname: "::",
          groups: Object.values(manycast.groups),
          networkInterfaces: devices,
        },
        passive: { minPoll: 0, maxPoll: 3, maxPeers: 50, allowUnauthenticated: true },
      }),
    }),
    runCentre({
      world,
      runtime,
      cases: [...broadcast.heard, ...manycast.heard],
      options: (devices) => ({
        transport: "auto", // stamps of the kernel, where the runtime allows that
        listeners: [{
          name: "broadcast",
          port: 123,
          groups: broadcast.groups,
          networkInterfaces: devices,
          allowUnauthenticated: true,
        }],
      }),
    }),
    runCentre({
      world,
      runtime,
      cases: symmetric.stamped,
      options: () => ({
        transport: "auto",
        server: { hostname: "::", groups: [], networkInterfaces: [] },
      }),
    }),
  ]));
}
