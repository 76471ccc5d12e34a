// Servers side by side on one core, and load on one of them at a time.

import { runAccuracy, runLoad, timeToFirstAnswer } from "./load.mjs";
import { makePath } from "./path.mjs";
import { Server } from "./process.mjs";

/**
 * @typedef {object} Contestant one that runs
 * @property {string} name
 * @property {import("./subjects.mjs").Subject} subject
 * @property {import("./path.mjs").Path} path
 * @property {Server} server
 * @property {number[]} startMs how long it took to the first answer, each time that it was started
 */

/** Status of a subject that says why it cannot run. */
const CANNOT = 3;

/** All servers of a benchmark, each on a path of its own. */
export class Contest {
  /** What disturbed the figures, each said once. @type {Set<string>} */
  warnings = new Set();
  #kind;
  /** @type {Contestant[]} */
  #contestants = [];

  /** @param {import("./path.mjs").Path["kind"]} kind */
  constructor(kind) {
    this.#kind = kind;
  }

  /**
   * Starts a server and waits until it answers.
   *
   * @param {import("./subjects.mjs").Subject} subject
   * @param {{ seconds: number, times?: number }} options `seconds`: how long it may live; `times`: how
   * often to start it, to see how long that takes
   * @returns {Promise<Contestant | string>} or why it cannot run
   */
  async start(subject, { seconds, times = 1 }) {
    const path = makePath(this.#kind);
    const startMs = [];
    for (let i = 0;; i++) {
      /** @type {Server | undefined} */
      let server;
      const command = subject.command(path);
      const begin = () =>
        server = new Server(subject.name, command, {
          seconds,
          env: subject.env ?? {},
          // Nobody pins a server before it has started, with its compilers and collectors.
          core: i === times - 1 ? path.cores?.server : undefined,
        });
      let reason = "";
      try {
        const took = timeToFirstAnswer(path, path.port, {
          anyStratum: subject.anyStratum === true,
          start: () => begin().gone,
        });
        if (i < times - 1 || times === 1) startMs.push(await took);
        else await took;
      } catch (error) {
        reason = error instanceof Error ? error.message : String(error);
      }
      if (server === undefined || server.ended || reason !== "") {
        const output = server?.output.trim() ?? "";
        const cannot = server?.ended && server.status === CANNOT;
        await server?.stop();
        path.remove();
        if (cannot) return output.replace(/^[^]*cannot run: /, "").split("\n")[0];
        throw new Error(`${subject.name} does not answer: ${output || reason}`);
      }
      if (i === times - 1) {
        const contestant = { name: subject.name, subject, path, server, startMs };
        this.#contestants.push(contestant);
        return contestant;
      }
      await server.stop();
    }
  }

  /**
   * Puts load on one of them.
   *
   * @param {Contestant} contestant
   * @param {import("./load.mjs").Load} load
   */
  async load({ name, subject, path, server }, load) {
    if (server.ended) throw new Error(`${name} has ended: ${server.output.trim()}`);
    const result = await runLoad(path, {
      port: path.port,
      pids: server.pids,
      anyStratum: subject.anyStratum === true,
      ...load,
    });
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

  /**
   * Asks one of them how late it is, while it has load or none.
   *
   * @param {Contestant} contestant
   * @param {{ seconds: number, transitNs: number, loadRate?: number }} options
   */
  async accuracy(contestant, { seconds, transitNs, loadRate }) {
    const { name, path, server } = contestant;
    if (server.ended) throw new Error(`${name} has ended: ${server.output.trim()}`);
    const ask = () =>
      runAccuracy(path, { port: path.port, rate: ACCURACY_RATE, seconds, transitNs });
    if (loadRate === undefined) return await ask();
    const load = runLoad(path, {
      port: path.port,
      pids: [],
      rate: loadRate,
      warm: 0.2,
      seconds: seconds + 0.3,
      anyStratum: contestant.subject.anyStratum === true,
    });
    await new Promise((resolve) => setTimeout(resolve, 250));
    const [result] = await Promise.all([ask(), load]);
    return result;
  }

  /** Ends all servers and removes their paths. */
  async stop() {
    await Promise.all(this.#contestants.map(({ server }) => server.stop()));
    for (const { path } of this.#contestants) path.remove();
  }
}

/** How often the accuracy client asks, per second. */
const ACCURACY_RATE = 500;
