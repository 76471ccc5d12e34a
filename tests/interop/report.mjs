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

/** Counts and prints results. */
export class Report {
  passed = 0;
  failed = 0;
  /** @type {string[]} */
  #failures = [];

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
      this.passed++;
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
      this.failed++;
      const message = error instanceof Error ? error.message : String(error);
      row({ ...shown, result: "FAILED", offset: "", seen: message.split("\n")[0] });
      const { peer, version, role, runtime } = shown;
      const title = `${peer} ${version}, ${role}, ${runtime}: ${message}`;
      this.#failures.push(`${title}\n${output()}`.trimEnd());
      return undefined;
    }
  }

  /** Prints the failures in full and the counts. */
  end() {
    for (const failure of this.#failures) console.log(`\nFAILED ${failure}`);
    console.log(`\n${this.passed} passed, ${this.failed} failed`);
  }
}
