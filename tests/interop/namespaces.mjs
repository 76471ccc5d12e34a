// Network namespaces joined by veth pairs: every process has port 123 to itself, and nothing of the
// machine's own network is touched. They are removed however this process ends.

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { killAll } from "./children.mjs";

/** @param {string[]} args */
function ip(...args) {
  try {
    return execFileSync("ip", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    const { stderr, message } = /** @type {{ stderr?: string, message: string }} */ (error);
    throw new Error(`ip ${args.join(" ")}: ${stderr?.trim() || message}`);
  }
}

let made = 0;
/** @type {Set<string>} */
const present = new Set();

/** @param {string} name */
function remove(name) {
  if (!present.delete(name)) return;
  // Whatever still runs in there was started by us.
  for (const pid of ip("netns", "pids", name).split("\n").filter(Boolean)) {
    try {
      process.kill(Number(pid), "SIGKILL");
    } catch {
      // It has just ended.
    }
  }
  ip("netns", "delete", name);
}

let guarded = false;

/** Sees to it that nothing stays behind, nor of earlier runs that were killed. */
function guard() {
  if (guarded) return;
  guarded = true;
  if (process.getuid?.() !== 0) {
    throw new Error("network namespaces need root: run the interop tests as root");
  }
  for (const line of ip("netns", "list").split("\n")) {
    const [name, pid] = /^ntps-(\d+)-\d+/.exec(line) ?? [];
    if (name && !existsSync(`/proc/${pid}`)) {
      present.add(name);
      remove(name);
    }
  }
  process.on("exit", () => {
    killAll();
    for (const name of [...present]) remove(name);
  });
  for (
    const [signal, number] of /** @type {const} */ ([["SIGINT", 2], ["SIGTERM", 15], ["SIGHUP", 1]])
  ) {
    process.on(signal, () => process.exit(128 + number));
  }
}

/** One network namespace, with a working loopback. */
export class Namespace {
  name;

  constructor() {
    guard();
    this.name = `ntps-${process.pid}-${made++}`;
    ip("netns", "add", this.name);
    present.add(this.name);
    ip("-n", this.name, "link", "set", "lo", "up");
  }

  /**
   * A command that runs in here.
   *
   * @param {string[]} command
   */
  command(command) {
    return ["ip", "netns", "exec", this.name, ...command];
  }

  remove() {
    remove(this.name);
  }
}

/**
 * @typedef {object} Link a veth pair between a hub and one other namespace
 * @property {Namespace} namespace the other one
 * @property {{ v4: string, v6: string }} hub the hub's addresses on it
 * @property {{ v4: string, v6: string }} here the other's addresses
 * @property {{ v4: string, v6: string }} broadcast where everybody on the link is reached
 */

/** A namespace in the middle, and any number around it, each on a network of its own. */
export class Star {
  hub = new Namespace();
  /** @type {Link[]} */
  #links = [];

  /** @returns {Link} a new namespace, joined to the hub */
  join() {
    const namespace = new Namespace();
    const n = this.#links.length + 1;
    const link = {
      namespace,
      hub: { v4: `10.77.${n}.1`, v6: `fd77:${n}::1` },
      here: { v4: `10.77.${n}.2`, v6: `fd77:${n}::2` },
      broadcast: { v4: `10.77.${n}.255`, v6: "ff02::101" },
    };
    this.#links.push(link);
    const { hub } = this;
    ip(
      "link",
      "add",
      `v${n}`,
      "netns",
      hub.name,
      "type",
      "veth",
      "peer",
      "name",
      "v0",
      "netns",
      namespace.name,
    );
    for (
      const [name, device, address] of /** @type {const} */ ([
        [hub.name, `v${n}`, link.hub],
        [namespace.name, "v0", link.here],
      ])
    ) {
      ip(
        "-n",
        name,
        "addr",
        "add",
        `${address.v4}/24`,
        "broadcast",
        link.broadcast.v4,
        "dev",
        device,
      );
      ip("-n", name, "addr", "add", `${address.v6}/64`, "dev", device, "nodad");
      ip("-n", name, "link", "set", device, "up");
      // There is no default route that multicast could follow.
      ip("-n", name, "route", "append", "224.0.0.0/4", "dev", device);
    }
    return link;
  }

  remove() {
    for (const { namespace } of this.#links) namespace.remove();
    this.hub.remove();
  }
}
