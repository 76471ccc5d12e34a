// Servers a benchmark starts: pinned to a core, without the right to set the clock, known by their
// process id, ended with this process however it ends. What runs to its end is tools/child.mjs's.

import { spawn } from "node:child_process";
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

/** One server at work. */
export class Server {
  /** What it has written, both streams; the oldest is forgotten. */
  output = "";
  /** Whether it has ended. */
  ended = false;
  name;
  #process;
  #gone;

  /**
   * @param {string} name for messages
   * @param {string[]} command
   * @param {{ seconds: number, core?: number | undefined }} options `seconds`: how long it may live
   */
  constructor(name, command, { seconds, core }) {
    this.name = name;
    const [program, ...args] = guarded(command, core);
    this.#process = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    running.add(this);
    const deadline = setTimeout(() => this.kill("SIGKILL"), seconds * 1000);
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.setEncoding("utf8").on(
        "data",
        (text) => this.output = (this.output + text).slice(-10_000),
      );
    }
    this.#gone = new Promise((/** @type {(value?: undefined) => void} */ resolve) => {
      this.#process.on("error", (error) => {
        this.output += String(error);
        resolve();
      });
      this.#process.on("close", () => resolve());
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

  /** @param {NodeJS.Signals} signal */
  kill(signal) {
    if (!this.ended) this.#process.kill(signal);
  }

  /** Ends it, politely first. */
  async stop() {
    this.kill("SIGTERM");
    const timer = setTimeout(() => this.kill("SIGKILL"), 3000);
    await this.#gone;
    clearTimeout(timer);
  }
}
