// What the daemons are told to speak NTS: as servers, which exchange keys themselves, and as clients.

import * as chrony from "./chrony.mjs";
import * as ntpd from "./ntpd.mjs";
import * as ntpdRs from "./ntpd_rs.mjs";

/** @typedef {import("../../nts/ke/authority.mjs").Identity} Identity */

/**
 * @typedef {object} NtsPeer
 * @property {string} role
 * @property {number[]} serves AEAD algorithms that its server has
 * @property {(confined: import("../confined.mjs").Confined, identity: Identity) => Promise<import("./seen.mjs").Announced>} server
 * @property {(confined: import("../confined.mjs").Confined, address: string, ca: string, aead?: number) => Promise<import("./seen.mjs").Seen>} client
 * until it has taken time that is authenticated by NTS
 */

/**
 * Writes certificate and key where a daemon finds them.
 *
 * @param {import("../confined.mjs").Confined} confined
 * @param {Identity} identity
 */
export function writeIdentity(confined, { cert, key }) {
  return { cert: confined.write("cert.pem", cert), key: confined.write("key.pem", key) };
}

/** @type {Record<string, NtsPeer>} */
export const ntsPeers = {
  chrony: {
    role: "chronyd",
    serves: [15, 30],
    server(confined, identity) {
      const { cert, key } = writeIdentity(confined, identity);
      const settings = [`ntsservercert ${cert}`, `ntsserverkey ${key}`, "ntsprocesses 0"];
      return chrony.server(confined, { settings });
    },
    client(confined, address, ca, aead) {
      const settings = [
        `ntstrustedcerts ${confined.write("ca.pem", ca)}`,
        ...(aead === undefined ? [] : [`ntsaeads ${aead}`]),
      ];
      return chrony.client(confined, address, { options: "nts", settings });
    },
  },
  ntpsec: {
    role: "ntpd",
    serves: [15, 16, 17],
    server(confined, identity) {
      const { cert, key } = writeIdentity(confined, identity);
      const settings = [
        "nts enable",
        `nts cert ${cert}`,
        `nts key ${key}`,
        "nts cookie /instance/cookies",
      ];
      return ntpd.server(confined, { settings });
    },
    client(confined, address, ca) {
      const file = confined.write("ca.pem", ca);
      return ntpd.client(confined, address, { options: `nts ca ${file}` });
    },
  },
  "ntpd-rs": {
    role: "ntp-daemon",
    serves: [15, 17],
    server(confined, identity) {
      const { cert, key } = writeIdentity(confined, identity);
      const settings = [
        "[[nts-ke-server]]",
        'listen = "[::]:4460"',
        `certificate-chain-path = "${cert}"`,
        `private-key-path = "${key}"`,
      ];
      return ntpdRs.server(confined, { settings });
    },
    client(confined, address, ca) {
      const file = confined.write("ca.pem", ca);
      const source = [
        'mode = "nts"',
        `address = "${address}"`,
        `certificate-authority = "${file}"`,
      ];
      return ntpdRs.client(confined, address, { source, consensus: false });
    },
  },
};
