// Manycast with ntpd, both ways.

import * as ntpd from "../peers/ntpd.mjs";
import { ahead, allHeard, best, rightly, wrongOffset } from "./judge.mjs";
import { configure, keyId, startPeer } from "./peer.mjs";

/** @typedef {import("./centre.mjs").Case} Case */

/** Groups of this suite. */
export const groups = { v4: "239.255.1.1", v6: "ff05::102" };

const ways = /** @type {const} */ ([
  { family: "v4", key: undefined },
  { family: "v4", key: "AES128" },
  { family: "v6", key: "AES128" },
]);

/** @type {Case[]} ntpd finds us */
export const told = ways.map(({ family, key }) => ({
  peer: "ntp",
  role: `finds us, IP${family}${key ? `, ${key}` : ""}`,
  ours: () => ({ joins: true }),
  start(confined) {
    return startPeer("ntp", confined, [
      `manycastclient ${groups[family]} minpoll 3 maxpoll 3 ${key ? `key ${keyId(key)}` : ""}`,
      ...(key ? [] : ["disable auth"]),
      ...configure("ntp", confined).filter((line) => !line.startsWith("tos")),
    ]);
  },
  async check(_station, confined, { link }) {
    // Its first association is with the group.
    const ask = () => ntpd.association(confined, 2);
    const seen = await rightly("ntpd following", 140, ask, (answer) => {
      const { address, reach, offset, delay, authenticated, selected } = answer;
      if (address !== link.hub[family]) return `it has found ${address}`;
      if (reach !== allHeard) return `its reach is ${reach.toString(8)}`;
      if (authenticated !== (key !== undefined)) return `authenticated: ${authenticated}`;
      return selected ? wrongOffset(offset, ahead, delay / 2) : "it has not selected us";
    });
    return { offset: seen.offset, note: "reach 377, selected" };
  },
}));

/** @type {Case[]} we find ntpd */
export const heard = ways.map(({ family, key }) => ({
  peer: "ntp",
  role: `found, IP${family}${key ? `, ${key}` : ""}`,
  ours: ({ device }) => ({
    manycast: [{
      group: groups[family],
      networkInterface: device,
      minPoll: 2,
      ...(key && { key: keyId(key) }),
    }],
  }),
  start(confined) {
    return startPeer("ntp", confined, [
      `manycastserver ${groups[family]}`,
      ...configure("ntp", confined),
    ]);
  },
  check: (station, _confined, { link }) => finds(station, link.here[family], -ahead, key),
}));

/**
 * Waits until our side has found a server, follows it, and is right about it.
 *
 * @param {import("./station.mjs").Station} station
 * @param {string} hostname
 * @param {number} expected
 * @param {string | undefined} key
 */
export async function finds(station, hostname, expected, key) {
  const samples = () => station.samples("manycast", hostname);
  const seen = await rightly(`finding ${hostname}`, 120, () => samples().at(-1), (last) => {
    const { reach, authentication, mode } = last;
    if (mode !== 4) return `it answered in mode ${mode}`;
    if (authentication !== (key ? "key" : "none")) return `authentication "${authentication}"`;
    if (reach !== allHeard) return `reach ${reach.toString(8)}`;
    const { offset, delay } = best(samples());
    return wrongOffset(offset, expected, delay / 2);
  });
  return { offset: best(samples()).offset, stratum: seen.stratum, note: "reach 377" };
}
