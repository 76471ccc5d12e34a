// The options every benchmark takes.

import { parseArgs } from "node:util";

/**
 * @typedef {object} Options
 * @property {boolean} quick a short run, under 45 s in all
 * @property {boolean} json one JSON object on stdout and nothing else
 * @property {number} rounds how often each subject is measured
 * @property {string[]} only subjects whose names contain one of these; empty: all
 * @property {Record<string, string | undefined>} extra further options, as text
 */

/**
 * Reads the command line; prints usage and ends the process where it is wrong or asks for help.
 *
 * @param {string} command as in `npm run COMMAND`
 * @param {{ rounds: [quick: number, full: number], extra?: Record<string, string> }} shape
 * `extra`: further options, each with its help
 * @returns {Options}
 */
export function readOptions(command, { rounds: [quickRounds, fullRounds], extra = {} }) {
  const usage = [
    `usage: npm run ${command} -- [option…]`,
    "  --quick       a short run, under 45 s",
    "  --json        one JSON object on stdout and nothing else",
    `  --rounds N    rounds, 1 to 99; default ${fullRounds}, with --quick ${quickRounds}`,
    "  --only TEXT   only subjects whose name contains TEXT (may be given again)",
    ...Object.entries(extra).map(([name, help]) => `  --${name.padEnd(11)} ${help}`),
  ].join("\n");
  try {
    const { values } = parseArgs({
      options: {
        quick: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
        rounds: { type: "string" },
        only: { type: "string", multiple: true, default: [] },
        ...Object.fromEntries(
          Object.keys(extra).map((name) => [name.split(" ")[0], { type: "string" }]),
        ),
      },
    });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    const rounds = values.rounds === undefined
      ? values.quick ? quickRounds : fullRounds
      : Number(values.rounds);
    if (!Number.isInteger(rounds) || rounds < 1 || rounds > 99) {
      throw new Error(`--rounds ${values.rounds}: wants a whole number from 1 to 99`);
    }
    const { quick, json, only, help: _help, rounds: _rounds, ...rest } = values;
    return {
      quick: quick === true,
      json: json === true,
      rounds,
      only: /** @type {string[]} */ (only),
      extra: /** @type {Record<string, string | undefined>} */ (rest),
    };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${usage}`);
    process.exit(2);
  }
}
