// Servers a benchmark starts: pinned to a core, without the right to set the clock, known by their
// process id, ended with this process however it ends. What runs to its end is tools/child.mjs's.

import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import "../../tools/child.mjs"; // turns signals into an exit

/** @type {Set<Server>} */
const running = new Set();
process.on("exit", () => {
  for (const server of running) server.kill("SIGKILL");
});

const isRoot = process.getuid?.() === 0;

/**
 * A command as we run it. Each of these programs replaces itself with the next, so the process id
 * is the command's own.
 *
 * @param {string[]} command
 * @param {number | undefined} core
 */
function guarded(command, core) {
  const clock = isRoot ? ["--bounding-set=-sys_time", "--inh-caps=-sys_time"] : [];
  const pinned = core === undefined ? [] : ["taskset", "-c", String(core)];
  return ["setpriv", "--pdeathsig=KILL", ...clock, ...pinned, ...command];
}

/**
 * A process and all that it has started.
 *
 * @param {number} pid
 * @returns {number[]}
 */
function family(pid) {
  try {
    const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean)
    );
    return [pid, ...children.flatMap((child) => family(Number(child)))];
  } catch {
    return []; // it has ended
  }
}

/** One server at work. */
export class Server {
  /** What it has written, both streams; the oldest is forgotten. */
  output = "";
  /** Whether it has ended. */
  ended = false;
  /** The status that it ended with. @type {number | undefined} */
  status;
  /** Settled when it has ended. @type {Promise<void>} */
  gone;
  name;
  #process;

  /**
   * @param {string} name for messages
   * @param {string[]} command
   * @param {{ seconds: number, core?: number | undefined, env?: Record<string, string> }} options
   * `seconds`: how long it may live; `env`: variables besides our own
   */
  constructor(name, command, { seconds, core, env = {} }) {
    this.name = name;
    const [program, ...args] = guarded(command, core);
    this.#process = spawn(program, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    running.add(this);
    const deadline = setTimeout(() => this.kill("SIGKILL"), seconds * 1000);
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.setEncoding("utf8").on(
        "data",
        (text) => this.output = (this.output + text).slice(-10_000),
      );
    }
    this.gone = new Promise((/** @type {(value?: undefined) => void} */ resolve) => {
      this.#process.on("error", (error) => {
        this.output += String(error);
        resolve();
      });
      this.#process.on("close", (code) => {
        this.status = code ?? undefined;
        resolve();
      });
    }).then(() => {
      clearTimeout(deadline);
      running.delete(this);
      this.ended = true;
    });
  }

  /** Its process id. */
  get pid() {
    return this.#process.pid ?? 0;
  }

  /** Its processes. */
  get pids() {
    return family(this.pid);
  }

  /** Memory of its processes that is in use, in MiB. */
  get memoryMiB() {
    return this.#sum((pid) => {
      const text = readFileSync(`/proc/${pid}/status`, "utf8");
      return Number(/^VmRSS:\s*(\d+)/m.exec(text)?.[1] ?? 0) / 1024;
    });
  }

  /** How many files, sockets and the like its processes have open. */
  get descriptors() {
    return this.#sum((pid) => readdirSync(`/proc/${pid}/fd`).length);
  }

  /** @param {(pid: number) => number} of */
  #sum(of) {
    return this.pids.reduce((sum, pid) => {
      try {
        return sum + of(pid);
      } catch {
        return sum; // it has just ended
      }
    }, 0);
  }

  /** @param {NodeJS.Signals} signal */
  kill(signal) {
    if (!this.ended) this.#process.kill(signal);
  }

  /** Ends it, politely first. */
  async stop() {
    this.kill("SIGTERM");
    const timer = setTimeout(() => this.kill("SIGKILL"), 3000);
    await this.gone;
    clearTimeout(timer);
  }
}
