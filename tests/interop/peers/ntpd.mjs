// The reference implementation and NTPsec: two daemons with one configuration language and one
// control protocol.

import { eventually } from "../children.mjs";
import { best, settled } from "./seen.mjs";

/**
 * The daemon, until it has selected its server.
 *
 * @param {import("../confined.mjs").Confined} confined
 * @param {string} address
 * @param {{ options?: string, settings?: string[] }} [more] `options` of the server line, and lines besides
 * @returns {Promise<import("./seen.mjs").Seen>}
 */
export async function client(confined, address, { options = "", settings = [] } = {}) {
  start(confined, [`server ${address} iburst minpoll 3 maxpoll 3 ${options}`, ...settings]);
  return await settled(`ntpd selecting ${address}`, 60, async () => {
    const variables = await ask(confined, "rv &1");
    if (!variables.includes("sel_sys.peer")) return undefined;
    const value = (/** @type {string} */ name) =>
      new RegExp(`\\b${name}=([^,\\s]+)`).exec(variables)?.[1];
    return {
      stratum: Number(value("stratum")),
      refid: value("refid"),
      offset: Number(value("offset")) / 1000,
    };
  });
}

/**
 * A server without a source: it stands in as an orphan of stratum 2.
 *
 * @param {import("../confined.mjs").Confined} confined
 * @param {{ settings?: string[] }} [more] lines besides
 * @returns {Promise<import("./seen.mjs").Announced>}
 */
export async function server(confined, { settings = [] } = {}) {
  start(confined, ["tos orphan 2 orphanwait 1", ...settings]);
  return await eventually("ntpd becoming an orphan", 40, async () => {
    const variables = await ask(confined, "rv 0");
    return /stratum=2,/.test(variables) ? { stratum: 2, refid: "127.0.0.1" } : undefined;
  });
}

/**
 * @param {import("../confined.mjs").Confined} confined
 * @param {string[]} lines
 * @param {{ seconds?: number }} [options] how long it may run
 */
export function start(confined, lines, options) {
  const open = confined.peer.name === "ntpsec"
    ? ["unrestrict default kod nomodify noquery limited"] // flags add to those built in
    : ["restrict default"];
  const file = confined.write("ntp.conf", [...open, ...lines, ""].join("\n"));
  const command = ["/usr/sbin/ntpd", "-n", "-g", "-c", file, "-f", "/tmp/ntp.drift"];
  return confined.start(command, options);
}

/**
 * What `ntpq` answers.
 *
 * @param {import("../confined.mjs").Confined} confined
 * @param {string} question
 */
export async function ask(confined, question) {
  return (await confined.run(["/usr/bin/ntpq", "-n", "-c", question, "127.0.0.1"])).output;
}

/**
 * What the daemon says of one of its associations.
 *
 * @param {import("../confined.mjs").Confined} confined
 * @param {number} [index] which, from 1 on
 * @returns {Promise<NtpdAssociation | undefined>}
 *
 * @typedef {object} NtpdAssociation
 * @property {string} address of the peer
 * @property {number} reach
 * @property {number} offset in seconds
 * @property {number} delay in seconds
 * @property {boolean} authenticated
 * @property {boolean} selected
 * @property {number} hostMode
 * @property {number} peerMode
 */
export async function association(confined, index = 1) {
  const variables = await ask(confined, `rv &${index}`);
  const value = (/** @type {string} */ name) =>
    new RegExp(`\\b${name}=([^,\\s]+)`).exec(variables)?.[1];
  const address = value("srcadr");
  if (address === undefined) return undefined;
  return {
    address,
    reach: parseInt(value("reach") ?? "", 8),
    offset: Number(value("offset")) / 1000,
    delay: Number(value("delay")) / 1000,
    authenticated: /authenb, auth,/.test(variables),
    selected: variables.includes("sel_sys.peer"),
    hostMode: Number(value("hmode")),
    peerMode: Number(value("pmode")),
  };
}

/**
 * `sntp` of the reference implementation.
 *
 * @param {import("../confined.mjs").Confined} confined
 * @param {string} address
 * @returns {Promise<import("./seen.mjs").Seen>}
 */
export function sntp(confined, address) {
  return best(async () => {
    const { output } = await confined.run(["/usr/bin/sntp", "-K", "/dev/null", address]);
    // 2026-01-31 12:00:00.123456 (+0000) +0.000012 +/- 0.000345 10.77.1.1 s1 no-leap
    const found = /\) (\S+) \+\/- \S+ \S+ s(\d+) no-leap/.exec(output);
    if (!found) throw new Error("sntp took no time");
    return { offset: Number(found[1]), stratum: Number(found[2]) };
  });
}

/**
 * `ntpdate -q`; its debugging output tells the reference id.
 *
 * @param {import("../confined.mjs").Confined} confined
 * @param {string} address
 * @returns {Promise<import("./seen.mjs").Seen>}
 */
export function ntpdate(confined, address) {
  return best(async () => {
    const { output, status } = await confined.run(["/usr/sbin/ntpdate", "-q", "-d", address]);
    const offset = /adjust time server \S+ offset (\S+) sec/.exec(output)?.[1];
    const stratum = /^stratum (\d+),/m.exec(output)?.[1];
    if (status !== 0 || !offset) throw new Error(`ntpdate took no time (status ${status})`);
    return {
      offset: Number(offset),
      stratum: Number(stratum),
      refid: /^refid \[([^\]]*)\]/m.exec(output)?.[1],
    };
  });
}

/**
 * `ntpdig` of NTPsec.
 *
 * @param {import("../confined.mjs").Confined} confined
 * @param {string} address
 * @returns {Promise<import("./seen.mjs").Seen>}
 */
export function ntpdig(confined, address) {
  return best(async () => {
    const { stdout, status } = await confined.run(["/usr/bin/ntpdig", "-j", address]);
    if (status !== 0) throw new Error(`ntpdig took no time (status ${status})`);
    const { offset, stratum } = JSON.parse(stdout);
    return { offset, stratum };
  });
}
