import { execFileSync } from "node:child_process";

/**
 * Whether the system still finds out if an IPv6 address is in use elsewhere.
 *
 * @param {import("../namespaces.mjs").Namespace} namespace
 */
export function hasTentative(namespace) {
  return addresses(namespace, "tentative").includes("inet6");
}

/**
 * The link-local address of a device.
 *
 * @param {import("../namespaces.mjs").Namespace} namespace
 * @param {string} device
 */
export function linkLocalAddress(namespace, device) {
  const [, address] = /inet6 (fe80:[^/]+)/.exec(addresses(namespace, "dev", device)) ?? [];
  if (address === undefined) throw new Error(`${device} has no link-local address`);
  return address;
}

/**
 * @param {import("../namespaces.mjs").Namespace} namespace
 * @param {string[]} which
 */
function addresses(namespace, ...which) {
  const args = ["-n", namespace.name, "-6", "-o", "addr", "show", ...which];
  return execFileSync("ip", args, { encoding: "utf8" });
}
