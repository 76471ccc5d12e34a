// programs/station.ts, and what it has said so far.

import * as ours from "../ours.mjs";

/** How long anything of this suite may run, in seconds. */
export const lifetime = 280;

/**
 * @typedef {object} Sample what our side tells of a measurement
 * @property {string} kind
 * @property {string} hostname
 * @property {number} offset
 * @property {number} delay
 * @property {string} authentication
 * @property {number} mode of the packet
 * @property {number} stratum
 * @property {number} sent
 * @property {number} received
 * @property {number} samples
 * @property {number} reach
 * @property {Record<string, number>} ignored
 */

/** One process of ours with all that it is to be. */
export class Station {
  /** @type {import("../children.mjs").Child} */
  child;
  /** @type {Map<string, Sample[]>} */
  #samples = new Map();
  /** @type {any[]} */
  #others = [];
  #read = 0;

  /**
   * @param {ours.Runtime} runtime
   * @param {import("../namespaces.mjs").Namespace} namespace
   * @param {object} options a `Station` of programs/station.ts
   */
  constructor(runtime, namespace, options) {
    this.child = ours.start(runtime, namespace, "station.ts", options, { seconds: lifetime });
  }

  /** Waits until it is there; tells with which adapter it listens, if it serves. */
  async ready() {
    const [, addresses] = await this.child.wrote(/^\{"ready":(.*)\}$/m, 40);
    return /** @type {string | undefined} */ (JSON.parse(addresses)[0]?.transport);
  }

  /**
   * The samples of one kind from one host, so far.
   *
   * @param {string} kind
   * @param {string} hostname
   * @returns {readonly Sample[]}
   */
  samples(kind, hostname) {
    this.#readOn();
    return this.#samples.get(`${kind} ${hostname}`) ?? [];
  }

  /** What else it has said: errors, warnings, changes, and at its end statistics. */
  get others() {
    this.#readOn();
    return this.#others;
  }

  /** Ends it. */
  async stop() {
    this.child.closeInput();
    await Promise.race([this.child.ended, new Promise((resolve) => setTimeout(resolve, 5000))]);
    await this.child.stop();
  }

  #readOn() {
    const { stdout } = this.child;
    const end = stdout.lastIndexOf("\n") + 1;
    const lines = stdout.slice(this.#read, end).split("\n").filter((line) => line.startsWith("{"));
    this.#read = end;
    for (const line of lines) {
      const said = JSON.parse(line);
      if (said.offset === undefined) {
        this.#others.push(said);
        continue;
      }
      // A scope is not told by all runtimes.
      const key = `${said.kind} ${said.hostname.replace(/%.*/, "")}`;
      const list = this.#samples.get(key) ?? [];
      list.push(said);
      this.#samples.set(key, list);
    }
  }
}
