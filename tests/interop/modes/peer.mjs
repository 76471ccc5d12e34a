// The daemons of this suite: all with time to tell, and with the keys that our side has.

import { keysOf, settingsOf, textOf } from "../auth/keys.mjs";
import * as chrony from "../peers/chrony.mjs";
import * as ntpd from "../peers/ntpd.mjs";
import { lifetime } from "./station.mjs";

/** Our key file. */
export const ourKeys = textOf(keysOf("chrony"));

/**
 * @param {string} type of a key
 * @returns {number} its identifier, the same on all sides
 */
export function keyId(type) {
  return /** @type {import("../auth/keys.mjs").Key} */ (
    keysOf("chrony").find((key) => key.type === type)
  ).id;
}

/**
 * What makes a daemon one that has time, and keys.
 *
 * @param {"chrony" | "ntp"} peer
 * @param {import("../confined.mjs").Confined} confined
 * @param {number} [seed] another one gives other secrets
 * @returns {string[]}
 */
export function configure(peer, confined, seed = 0) {
  const keys = keysOf(peer, seed);
  const settings = settingsOf(peer, confined.write("keys", textOf(keys)), keys);
  const clock = peer === "chrony"
    ? ["local stratum 1", "allow all"]
    : ["tos orphan 2 orphanwait 1"];
  return [...clock, ...settings];
}

/**
 * @param {"chrony" | "ntp"} peer
 * @param {import("../confined.mjs").Confined} confined
 * @param {string[]} lines
 */
export function startPeer(peer, confined, lines) {
  return (peer === "chrony" ? chrony : ntpd).start(confined, lines, { seconds: lifetime });
}
