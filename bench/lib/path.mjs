// The way between load generator and server: a veth pair between two network namespaces, or loopback.

import { execFileSync } from "node:child_process";
import { Star } from "../../tests/interop/namespaces.mjs";
import { allowedCores } from "./machine.mjs";

/**
 * @typedef {object} Path
 * @property {"namespaces" | "loopback"} kind
 * @property {string} hostname where the server listens
 * @property {{ client: number, server: number } | undefined} cores undefined: there is only one
 * @property {(command: string[]) => string[]} atServer the command as it runs on the server's side
 * @property {(command: string[]) => string[]} atClient
 * @property {string[]} loadOptions what the load generator needs to know
 * @property {() => void} remove
 */

/** Where the packets claim to come from: 16,382 addresses. */
const clients = "172.18.0.0/18";
/** Nobody's hardware address: replies to it reach the generator's packet socket and end there. */
const nobody = "02:00:00:00:00:99";

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
 * @returns {Path}
 */
export function choosePath(asked = process.getuid?.() === 0 ? "namespaces" : "loopback") {
  if (asked === "namespaces" && process.getuid?.() !== 0) {
    throw new Error("--path namespaces needs root; without, there is --path loopback");
  }
  if (asked === "namespaces") return namespaces();
  if (asked === "loopback") return loopback();
  throw new Error(`--path ${asked}: wants namespaces or loopback`);
}

/** @returns {Path} */
function loopback() {
  return {
    kind: "loopback",
    hostname: "127.0.0.1",
    cores: chooseCores(),
    atServer: (command) => command,
    atClient: (command) => command,
    loadOptions: ["--wire", "sockets"],
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
    /** @type {string[]} */ ...command
  ) => {
    const [program, ...args] = side.command(command);
    return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] })
      .trim();
  };
  const gateway = hub.v4.replace(/\.1$/, ".3");
  inside(
    star.hub,
    "ip",
    "neigh",
    "replace",
    gateway,
    "lladdr",
    nobody,
    "dev",
    "v1",
    "nud",
    "permanent",
  );
  inside(star.hub, "ip", "route", "add", clients, "via", gateway);
  const mac = inside(star.hub, "cat", "/sys/class/net/v1/address");
  if (cores) {
    for (
      const [side, device, core] of /** @type {const} */ ([
        [star.hub, "v1", cores.server],
        [namespace, "v0", cores.client],
      ])
    ) {
      const mask = (1n << BigInt(core)).toString(16).replace(/\B(?=(.{8})+$)/g, ",");
      inside(side, "sh", "-c", `echo ${mask} > /sys/class/net/${device}/queues/rx-0/rps_cpus`);
    }
  }
  return {
    kind: "namespaces",
    hostname: hub.v4,
    cores,
    atServer: (command) => star.hub.command(command),
    atClient: (command) => namespace.command(command),
    loadOptions: ["--wire", "packet", "--interface", "v0", "--mac", mac, "--clients", clients],
    remove: () => star.remove(),
  };
}
