// Runs a peer's programs: inside the root it was unpacked into, in a network namespace, without the
// right to set the clock and with the clock calls stubbed besides.

import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Child } from "./children.mjs";
import { clockStub } from "./peers.mjs";

// The mounts are private to the process and go with it. What they lead to is shared by the processes
// of one peer: a daemon's socket is found by its control program.
const enter = `
root=$1 instance=$2
shift 2
mount --bind "$instance" "$root/instance" &&
mount --bind "$instance/run" "$root/run" &&
mount --bind "$instance/tmp" "$root/tmp" &&
mount --bind "$instance/lib" "$root/var/lib" &&
mount --rbind /dev "$root/dev" &&
mount -t proc proc "$root/proc" &&
exec chroot "$root" "$@"`;

/** @type {Set<string>} */
const folders = new Set();

/** @param {string} folder */
function removeFolder(folder) {
  rmSync(folder, { recursive: true, force: true });
  folders.delete(folder);
}

process.on("exit", () => folders.forEach(removeFolder));

// What a run that was killed left behind.
for (const name of readdirSync(tmpdir())) {
  const pid = /^ntps-interop-(\d+)-/.exec(name)?.[1];
  if (pid && !existsSync(`/proc/${pid}`)) removeFolder(join(tmpdir(), name));
}

/** One peer at work: its configuration, its files, its processes. */
export class Confined {
  /** The folder that its processes see as `/instance`. */
  folder = mkdtempSync(join(tmpdir(), `ntps-interop-${process.pid}-`));
  /** @type {import("./peers.mjs").Peer} */
  peer;
  #namespace;
  /** @type {Child[]} */
  #children = [];
  /** @type {Child | undefined} */
  #lastRun;

  /**
   * @param {import("./peers.mjs").Peer} peer
   * @param {import("./namespaces.mjs").Namespace} namespace
   */
  constructor(peer, namespace) {
    this.peer = peer;
    this.#namespace = namespace;
    folders.add(this.folder);
    for (const name of ["run/empty", "tmp", "lib/openntpd/run", "lib/openntpd/db"]) {
      mkdirSync(join(this.folder, name), { recursive: true, mode: 0o755 });
    }
    copyFileSync(clockStub(), join(this.folder, "clock_stub.so"));
  }

  /**
   * Writes a file that its processes see as `/instance/NAME`.
   *
   * @param {string} name
   * @param {string} text
   */
  write(name, text) {
    const path = join(this.folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode: 0o600 });
    return `/instance/${name}`;
  }

  /**
   * How one of its programs is started: each command replaces itself with the next.
   *
   * @param {string[]} command paths as inside its root
   * @returns {string[]}
   */
  command(command) {
    return this.#namespace.command([
      ...["setpriv", "--bounding-set=-sys_time", "--inh-caps=-sys_time"],
      ...["unshare", "--mount", "--propagation", "private"],
      ...["sh", "-c", enter, "enter", this.peer.root, this.folder],
      ...command,
    ]);
  }

  /**
   * Starts one of its programs.
   *
   * @param {string[]} command paths as inside its root
   * @param {{ seconds?: number }} [options]
   * @returns {Child}
   */
  start(command, { seconds } = {}) {
    const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C", TZ: "UTC" };
    const child = new Child(command[0], this.command(command), { seconds, env });
    this.#children.push(child);
    return child;
  }

  /**
   * Runs one of its programs to its end.
   *
   * @param {string[]} command paths as inside its root
   * @param {{ seconds?: number, input?: string }} [options] `input`: what it reads
   * @returns {Promise<Child>}
   */
  async run(command, { seconds = 30, input } = {}) {
    const child = this.start(command, { seconds });
    // Of a tool asked again and again, the last answer says enough.
    this.#children = this.#children.filter((other) => other !== this.#lastRun);
    this.#lastRun = child;
    if (input !== undefined) child.write(input);
    child.closeInput();
    await child.ended;
    return child;
  }

  /** What its processes wrote, for a failure's report. */
  get output() {
    return this.#children.map(({ name, output }) => `--- ${name}\n${output.slice(-4000)}`).join(
      "\n",
    );
  }

  /** Ends its processes and removes its files. */
  async stop() {
    await Promise.all(this.#children.map((child) => child.stop()));
    removeFolder(this.folder);
  }
}
