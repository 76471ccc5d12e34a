// chronyd, the server ours is compared with, from the peers of the interop tests.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fetchPeers } from "../../tests/interop/peers.mjs";

/**
 * @typedef {object} Chronyd
 * @property {string} version
 * @property {(lines: string[]) => (hostname: string, port: number) => string[]} command how it is
 * started with these lines of configuration besides the common ones
 */

/**
 * The loader of the root it was unpacked into: its libraries need not be this machine's.
 *
 * @param {string} root
 * @returns {string[]}
 */
function loader(root) {
  for (const folder of ["lib64", "lib"]) {
    const path = join(root, "usr", folder);
    const name = existsSync(path) &&
      readdirSync(path).find((name) => /^ld-linux.*\.so\.\d+$/.test(name));
    if (name) {
      const libraries = readdirSync(join(root, "usr/lib"))
        .filter((name) => name.includes("-linux-gnu"))
        .map((name) => join(root, "usr/lib", name));
      return [join(path, name), "--library-path", [...libraries, join(root, "usr/lib")].join(":")];
    }
  }
  throw new Error(`${root} holds no loader`);
}

/**
 * Has it, fetching it if need be.
 *
 * @returns {Promise<Chronyd>}
 */
export async function findChronyd() {
  const peers = await fetchPeers(["chrony"], { log: (line) => console.error(line) });
  const peer = peers.get("chrony");
  if (!peer) throw new Error("no chrony among the peers");
  const program = [...loader(peer.root), join(peer.root, "usr/sbin/chronyd")];
  // Started as root it would change to a user that this machine need not have.
  const user = ["-u", "root", ...(process.getuid?.() === 0 ? [] : ["-U"])];
  // No file and no command socket: several run side by side.
  const common = ["local stratum 1", "allow all", "cmdport 0", "bindcmdaddress /", "pidfile /"];
  return {
    version: peer.version,
    command: (lines) => (hostname, port) => {
      const address = [`bindaddress ${hostname}`, `port ${port}`];
      return [...program, "-x", "-d", ...user, ...common, ...address, ...lines];
    },
  };
}
