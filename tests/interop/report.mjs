// What was tried and what came of it, printed as it comes.

/**
 * @typedef {object} Subject who was asked to do what
 * @property {string} peer
 * @property {string} [version]
 * @property {string} role
 * @property {string} runtime ours, or "-"
 */

const widths = { peer: 12, version: 9, role: 28, runtime: 14, result: 8, offset: 12, seen: 22 };

/** @param {Record<keyof typeof widths, string>} cells */
function row(cells) {
  const padded = Object.entries(widths).map(([name, width]) =>
    cells[/** @type {keyof typeof widths} */ (name)].padEnd(width)
  );
  console.log(padded.join("").trimEnd());
}

/** @param {Subject} subject */
function nameOf({ peer, version, role, runtime }) {
  return `${peer} ${version ?? ""}, ${role}, ${runtime}`;
}

/**
 * Counts and prints results. Some of what is measured is the machine: its other work may hold any
 * process up. So a few failures of a suite may be tried again, once, and nothing of it is hidden.
 */
export class Report {
  passed = 0;
  /** Failures by the name of what was tried. @type {Map<string, string>} */
  #failures = new Map();
  /** Those of the suite that is tried again, until they succeed. @type {Map<string, string>} */
  #triedAgain = new Map();
  /** What succeeded only then, and how it had failed. @type {string[]} */
  #doubtful = [];
  #isAgain = false;

  get failed() {
    return this.#failures.size;
  }

  /**
   * Makes what follows a second try of all that has failed since there were `before` failures.
   *
   * @param {number} before
   */
  tryAgain(before) {
    this.#isAgain = true;
    this.#triedAgain = new Map([...this.#failures].slice(before));
  }

  /** Ends the second try. */
  endAgain() {
    this.#isAgain = false;
    this.#triedAgain.clear();
  }

  /** @param {string} title */
  begin(title) {
    console.log(`\n${title}`);
    row({
      peer: "peer",
      version: "version",
      role: "role",
      runtime: "runtime",
      result: "result",
      offset: "offset",
      seen: "stratum, refid seen",
    });
  }

  /**
   * Tries something and prints what came of it.
   *
   * @template {Partial<import("./peers/seen.mjs").Seen> & { note?: string }} T
   * @param {Subject} subject
   * @param {() => T | Promise<T>} attempt throws if it failed
   * @param {() => string} [output] of the processes concerned, for the report of a failure
   * @returns {Promise<T | undefined>}
   */
  async check(subject, attempt, output = () => "") {
    const shown = { version: "", ...subject };
    try {
      const seen = await attempt();
      this.#pass(nameOf(shown));
      const { offset, stratum, refid, note } = seen;
      const told = [stratum, refid].filter((part) => part !== undefined).join(", ");
      row({
        ...shown,
        result: "ok",
        offset: offset === undefined ? "" : `${(offset * 1e6).toFixed(0)} µs`,
        seen: [told, note].filter(Boolean).join("  "),
      });
      return seen;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      row({ ...shown, result: "FAILED", offset: "", seen: message.split("\n")[0] });
      this.#fail(nameOf(shown), `${message}\n${output()}`.trimEnd());
      return undefined;
    }
  }

  /** @param {string} name */
  #pass(name) {
    const failure = this.#triedAgain.get(name);
    if (this.#isAgain && failure === undefined) return; // it succeeded at once
    this.passed++;
    if (failure === undefined) return;
    this.#triedAgain.delete(name);
    this.#failures.delete(name);
    this.#doubtful.push(`${name}: ${failure.split("\n")[0]}`);
  }

  /**
   * @param {string} name
   * @param {string} failure
   */
  #fail(name, failure) {
    if (!this.#isAgain) this.#failures.set(name, failure);
    else if (!this.#triedAgain.has(name)) {
      this.#doubtful.push(`${name}, second: ${failure.split("\n")[0]}`);
    }
  }

  /** Prints the failures in full and the counts. */
  end() {
    for (const [name, failure] of this.#failures) console.log(`\nFAILED ${name}: ${failure}`);
    if (this.#doubtful.length > 0) console.log("\nFailed in one of two tries:");
    for (const failure of this.#doubtful) console.log(`  ${failure}`);
    console.log(`\n${this.passed} passed, ${this.failed} failed`);
  }
}
