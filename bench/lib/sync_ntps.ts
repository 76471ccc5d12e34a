// NTPSync, as a user starts it.

import { NTPSync } from "../../src/sync/ntp_sync.ts";
import type { SyncSubject } from "./sync_world.ts";

/** Follows all servers. */
export const ntps: SyncSubject = async (world, servers, { iburst, minPoll, maxPoll }) => {
  const { clock } = await NTPSync.start({
    ...world,
    servers: servers.map((hostname) => ({ hostname, iburst, minPoll, maxPoll })),
    timeoutMs: Infinity,
  });
  return {
    clock,
    rate: () => 1 + clock.frequency,
    bounds: () => clock.bounds(),
    rootDistance() {
      const { rootDelay, rootDispersion } = clock.state();
      return rootDelay / 2 + rootDispersion;
    },
  };
};
