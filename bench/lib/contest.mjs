// Servers side by side on one core, and load on one of them at a time.

import { runLoad } from "./load.mjs";
import { Server } from "./process.mjs";

/**
 * @typedef {object} Subject a server that can be measured
 * @property {string} name
 * @property {(hostname: string, port: number) => string[]} command starts it, in the foreground
 */

/**
 * @typedef {object} Contestant one that runs
 * @property {string} name
 * @property {number} port
 * @property {Server} server
 */

const FIRST_PORT = 12_300;

/** All servers of a benchmark, on one path. */
export class Contest {
  /** What disturbed the figures, each said once. @type {Set<string>} */
  warnings = new Set();
  #path;
  #program;
  /** @type {Contestant[]} */
  #contestants = [];

  /**
   * @param {import("./path.mjs").Path} path
   * @param {string} program the load generator
   */
  constructor(path, program) {
    this.#path = path;
    this.#program = program;
  }

  /**
   * Starts a server and waits until it answers.
   *
   * @param {Subject} subject
   * @param {number} seconds how long it may live
   * @returns {Promise<Contestant>}
   */
  async start({ name, command }, seconds) {
    const { hostname, cores } = this.#path;
    const port = FIRST_PORT + this.#contestants.length;
    const server = new Server(name, this.#path.atServer(command(hostname, port)), {
      seconds,
      core: cores?.server,
    });
    const contestant = { name, port, server };
    this.#contestants.push(contestant);
    const deadline = performance.now() + 15_000;
    do {
      const { answered } = await this.load(contestant, { window: 1, warm: 0, seconds: 0.1 });
      if (answered > 0) return contestant;
    } while (performance.now() < deadline);
    throw new Error(`${name} does not answer: ${server.output.trim()}`);
  }

  /**
   * Puts load on one of them.
   *
   * @param {Contestant} contestant
   * @param {{ window?: number, rate?: number, warm: number, seconds: number }} load
   */
  async load({ name, port, server }, load) {
    if (server.ended) throw new Error(`${name} has ended: ${server.output.trim()}`);
    const result = await runLoad(this.#program, this.#path, { port, pid: server.pid, ...load });
    if (result.generator.waited > 0.03) {
      this.warnings.add("other processes took the load generator's core: latencies are too long");
    }
    if (result.server.steal > 0.03) {
      this.warnings.add("the hypervisor took time from the server's core");
    }
    // Ticks are coarse, and ksoftirqd works for the server too.
    if (
      load.window !== undefined && load.seconds >= 0.5 &&
      result.server.core - result.server.cpu > 0.2
    ) {
      this.warnings.add(`other processes took the server's core while ${name} was measured`);
    }
    if (result.overruns > 0) this.warnings.add(`the load generator lost replies of ${name}`);
    return result;
  }

  /** Ends all servers and removes the path. */
  async stop() {
    await Promise.all(this.#contestants.map(({ server }) => server.stop()));
    this.#path.remove();
  }
}
