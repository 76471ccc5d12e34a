// The way between load generator and a server: a veth pair between two network namespaces, of each
// server's own, or loopback.

import { execFileSync } from "node:child_process";
import { Star } from "../../tests/interop/namespaces.mjs";
import { allowedCores } from "./machine.mjs";

/**
 * @typedef {object} Path
 * @property {"namespaces" | "loopback"} kind
 * @property {string} hostname where the server listens
 * @property {number} port
 * @property {number} kePort for the key exchange of NTS
 * @property {{ client: number, server: number } | undefined} cores undefined: there is only one
 * @property {import("../../tests/interop/namespaces.mjs").Namespace | undefined} namespace the server's
 * @property {(command: string[]) => string[]} atServer the command as it runs on the server's side
 * @property {(command: string[]) => string[]} atClient
 * @property {(clients: "some" | "many") => string[]} loadOptions what the load generator needs to know
 * @property {() => void} remove
 */

/** Where the packets claim to come from: 16,382 addresses, or a million. */
const CLIENTS = { some: "172.16.0.0/18", many: "172.16.0.0/12" };
/** Nobody's hardware address, as in ../load/wire_packet.c: replies to it reach its packet socket and end there. */
const NOBODY = "02:00:00:00:00:99";
const FIRST_PORT = 12_300, FIRST_KE_PORT = 14_460;

/**
 * One core for the server, another for the load; the kernel's work for a packet is done on the
 * core of the side that receives it, as interrupts of a network card would have it.
 */
function chooseCores() {
  const cores = allowedCores();
  return cores.length < 2 ? undefined : { client: cores[0], server: cores[cores.length - 1] };
}

/**
 * @param {string} [asked] which; default namespaces when root
 * @returns {Path["kind"]}
 */
export function chooseKind(asked = process.getuid?.() === 0 ? "namespaces" : "loopback") {
  if (asked === "namespaces" && process.getuid?.() !== 0) {
    throw new Error("--path namespaces needs root; without, there is --path loopback");
  }
  if (asked === "namespaces" || asked === "loopback") return asked;
  throw new Error(`--path ${asked}: wants namespaces or loopback`);
}

let loopbacks = 0;

/**
 * A path that no other server has.
 *
 * @param {Path["kind"]} kind
 * @returns {Path}
 */
export function makePath(kind) {
  if (kind === "namespaces") return namespaces();
  const number = loopbacks++;
  return {
    kind,
    hostname: "127.0.0.1",
    port: FIRST_PORT + number,
    kePort: FIRST_KE_PORT + number,
    cores: chooseCores(),
    namespace: undefined,
    atServer: (command) => command,
    atClient: (command) => command,
    loadOptions: () => ["--wire", "sockets"],
    remove: () => {},
  };
}

/** @returns {Path} */
function namespaces() {
  const cores = chooseCores();
  const star = new Star();
  const { namespace, hub } = star.join();
  const inside = (
    /** @type {{ command(command: string[]): string[] }} */ side,
    /** @type {string} */ script,
  ) => {
    const [program, ...args] = side.command(["sh", "-ec", script]);
    return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] })
      .trim();
  };
  const receiveOn = (/** @type {string} */ device, /** @type {number | undefined} */ core) => {
    if (core === undefined) return "";
    const mask = (1n << BigInt(core)).toString(16).replace(/\B(?=(.{8})+$)/g, ",");
    return `echo ${mask} > /sys/class/net/${device}/queues/rx-0/rps_cpus;`;
  };
  const gateway = hub.v4.replace(/\.1$/, ".3");
  const mac = inside(
    star.hub,
    `ip neigh replace ${gateway} lladdr ${NOBODY} dev v1 nud permanent
    ip route add ${CLIENTS.many} via ${gateway}
    ${receiveOn("v1", cores?.server)} cat /sys/class/net/v1/address`,
  );
  inside(namespace, receiveOn("v0", cores?.client) || ":");
  return {
    kind: "namespaces",
    hostname: hub.v4,
    port: 123,
    kePort: 4460,
    cores,
    namespace: star.hub,
    atServer: (command) => star.hub.command(command),
    atClient: (command) => namespace.command(command),
    loadOptions: (
      clients,
    ) => ["--wire", "packet", "--interface", "v0", "--mac", mac, "--clients", CLIENTS[clients]],
    remove: () => star.remove(),
  };
}
