// What is said about a run of the suite: the table, and where the runtimes differ.

/**
 * The tests that ran on one runtime.
 *
 * @typedef {{
 *   runtime: { name: string, version: string },
 *   cases: import("./junit.mjs").TestCase[],
 *   passed: number, failed: number, skipped: number, seconds: string,
 * }} Row
 */

/**
 * A test that cannot run somewhere says so with `skip`, which counts; what a runtime leaves out
 * without a word is a fault of the suite.
 *
 * @param {Row[]} rows
 * @returns {string[]} one sentence each
 */
export function differences(rows) {
  const all = rows.map(({ runtime, cases }) => {
    const byKey = new Map();
    for (const { file, name } of cases) {
      const key = `${file}: ${name}`;
      byKey.set(key, (byKey.get(key) ?? 0) + 1);
    }
    return { name: runtime.name, byKey };
  });
  const keys = new Set(all.flatMap(({ byKey }) => [...byKey.keys()]));
  const found = [];
  for (const key of keys) {
    const counts = all.map(({ name, byKey }) => [name, byKey.get(key) ?? 0]);
    if (counts.some(([, count]) => count !== counts[0][1])) {
      found.push(`${key} (${counts.map(([name, count]) => `${name} ${count}`).join(", ")})`);
    }
  }
  return found;
}

/**
 * The table.
 *
 * @param {Row[]} rows
 */
export function table(rows) {
  const head = ["runtime", "tests", "passed", "failed", "skipped", "seconds"];
  const lines = rows.map((row) =>
    [
      `${row.runtime.name} ${row.runtime.version}`,
      row.cases.length,
      row.passed,
      row.failed,
      row.skipped,
      row.seconds,
    ].map(String)
  );
  const widths = head.map((title, at) =>
    Math.max(title.length, ...lines.map((line) => line[at].length))
  );
  const text = (cells) =>
    cells.map((cell, at) => at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at])).join(
      "  ",
    );
  return [text(head), text(widths.map((width) => "-".repeat(width))), ...lines.map(text)].join(
    "\n",
  );
}
