// Broadcasts and multicasts: ours to ntpd, and those of chronyd and ntpd to ours.

import * as ntpd from "../peers/ntpd.mjs";
import { linkLocalAddress } from "./addresses.mjs";
import { ahead, earliest, milliseconds, rightly, wrongOffset } from "./judge.mjs";
import { configure, keyId, startPeer } from "./peer.mjs";

/** @typedef {import("./centre.mjs").Case} Case */
/** @typedef {import("./centre.mjs").Place} Place */

/** The shortest that ntpd takes, in seconds. */
const interval = 8;
/** Groups of NTP. */
export const groups = ["224.0.1.1", "ff02::101", "ff05::101"];

/**
 * @param {string} address a group, or "broadcast"
 * @param {Place} place
 */
export function targetOf(address, { link, device }) {
  if (address === "broadcast") return { address: link.broadcast.v4 };
  if (address.startsWith("ff02:")) return { address: `${address}%${device}` };
  return { address, networkInterface: device };
}

/** @type {Case[]} ntpd hears us */
export const told = [
  { address: "broadcast", line: "broadcastclient" },
  { address: "broadcast", line: "broadcastclient", key: "AES128" },
  { address: "224.0.1.1", line: "multicastclient 224.0.1.1", key: "AES128", interleaved: true },
  // For lack of an interface it joins this group with a socket that drops everything.
  { address: "ff02::101", line: "multicastclient ff02::101%v0", key: "AES128" },
  { address: "ff05::101", line: "multicastclient ff05::101", key: "AES128" },
].map(({ address, line, key, interleaved = false }) => ({
  peer: "ntp",
  role: `our ${address}${key ? `, ${key}` : ""}`,
  ours: (place) => ({
    broadcasts: [{
      target: targetOf(address, place),
      interval,
      interleaved,
      ...(key && { key: keyId(key) }),
    }],
    isLinkLocal: address === "ff02::101",
  }),
  start(confined) {
    return startPeer("ntp", confined, [
      line,
      ...(key ? [] : ["disable auth"]),
      ...configure("ntp", confined).filter((line) => !line.startsWith("tos")),
    ]);
  },
  async check(_station, confined) {
    const seen = await rightly("ntpd hearing", 100, () => ntpd.association(confined), (answer) => {
      const { reach, offset, delay, authenticated, hostMode, peerMode } = answer;
      if (hostMode !== 6 || peerMode !== 5) {
        return `it is in mode ${hostMode} and sees us in mode ${peerMode}`;
      }
      if ((reach & 7) !== 7) return `its reach is ${reach.toString(8)}`;
      if (authenticated !== (key !== undefined)) return `authenticated: ${authenticated}`;
      // It measures the delay once, and whatever held its packets up then stays in its offsets.
      return wrongOffset(offset, ahead, delay / 2);
    });
    return { offset: seen.offset, note: `delay ${milliseconds(seen.delay)}` };
  },
}));

/** @type {Case[]} we hear chronyd and ntpd */
export const heard = [
  { peer: /** @type {const} */ ("chrony"), address: "broadcast" },
  { peer: /** @type {const} */ ("chrony"), address: "ff02::101" },
  { peer: /** @type {const} */ ("chrony"), address: "ff05::101" },
  { peer: /** @type {const} */ ("ntp"), address: "broadcast" },
  { peer: /** @type {const} */ ("ntp"), address: "broadcast", key: "SHA1", xleave: true },
  { peer: /** @type {const} */ ("ntp"), address: "224.0.1.1", key: "AES128" },
  { peer: /** @type {const} */ ("ntp"), address: "ff02::101", key: "AES128" },
  { peer: /** @type {const} */ ("ntp"), address: "ff05::101", key: "AES128" },
].map(({ peer, address, key, xleave = false }) => ({
  peer,
  role: `its ${address}${key ? `, ${key}` : ""}`,
  ours: () => ({ joins: address !== "broadcast" }),
  start(confined, place) {
    const to = address === "broadcast" ? place.link.broadcast.v4 : address;
    const line = peer === "chrony"
      ? `broadcast 4 ${to}`
      : `broadcast ${to} minpoll 3 ${key ? `key ${keyId(key)}` : ""} ${xleave ? "xleave" : ""}`;
    return startPeer(peer, confined, [line, ...configure(peer, confined)]);
  },
  async check(station, _confined, { link }) {
    // chronyd leaves the choice of its address to the system, ntpd takes a global one.
    const isLinkLocal = peer === "chrony" && address === "ff02::101";
    const hostname = isLinkLocal
      ? linkLocalAddress(link.namespace, "v0")
      : address.startsWith("ff")
      ? link.here.v6
      : link.here.v4;
    return await hears(station, "broadcast", hostname, { expected: -ahead, key });
  },
}));

/**
 * Waits until our side has heard three broadcasts and is right about them.
 *
 * @param {import("./station.mjs").Station} station
 * @param {string} kind
 * @param {string} hostname
 * @param {{ expected: number, key?: string | undefined, seconds?: number }} options
 */
export async function hears(station, kind, hostname, { expected, key, seconds = 100 }) {
  const samples = () => station.samples(kind, hostname);
  const seen = await rightly(
    `hearing ${hostname}`,
    seconds,
    () => samples().length > 0 ? earliest(samples()) : undefined,
    ({ offset, delay, authentication, mode }) => {
      const count = samples().length;
      if (count < 3) return `${count} broadcasts`;
      if (mode !== 5) return `it is in mode ${mode}`;
      if (authentication !== (key ? "key" : "none")) return `authentication "${authentication}"`;
      return wrongOffset(offset, expected, delay / 2);
    },
  );
  const { offset, stratum, delay } = seen;
  return { offset, stratum, note: `delay ${milliseconds(delay)}` };
}
