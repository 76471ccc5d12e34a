import { eventually } from "../children.mjs";

/**
 * @typedef {object} Seen what a client says of its server
 * @property {number} offset seconds between the two clocks, as it measured it
 * @property {number} [stratum] the server's, where the client tells it
 * @property {string} [refid] the server's, where the client tells it: letters, or dotted numbers
 */

/**
 * @typedef {object} Announced what a server says of itself
 * @property {number} stratum
 * @property {string} refid letters, or dotted numbers
 */

/**
 * The text of a reference id given as a 32-bit number: letters, where it is letters, or dotted numbers.
 *
 * @param {number} value
 * @returns {string}
 */
export function refidText(value) {
  const bytes = [24, 16, 8, 0].map((shift) => (value >>> shift) & 255);
  const text = String.fromCharCode(...bytes).replace(/\0+$/, "");
  return /^[\x21-\x7e]+$/.test(text) ? text : bytes.join(".");
}

/** Beyond this an offset between two processes of one machine is wrong. */
export const tolerance = 0.001;

/**
 * Asks a daemon until it has taken its server and is right about it; if it is wrong to the end, tells
 * that.
 *
 * @param {string} what for the message when it never took it
 * @param {number} seconds
 * @param {() => Promise<Seen | undefined>} ask
 * @returns {Promise<Seen>}
 */
export async function settled(what, seconds, ask) {
  /** @type {Seen | undefined} */
  let last;
  const right = eventually(what, seconds, async () => {
    last = await ask() ?? last;
    return last && Math.abs(last.offset) < tolerance ? last : undefined;
  });
  return await right.catch((error) => {
    if (last) return last;
    throw error;
  });
}

/**
 * A tool that measures once measures the scheduler as well: some tries, further and further apart, to
 * get a clean one.
 *
 * @param {() => Promise<Seen>} measure
 * @returns {Promise<Seen>}
 */
export async function best(measure) {
  let seen = await measure();
  for (let pauseMs = 100; pauseMs <= 6400 && Math.abs(seen.offset) >= tolerance; pauseMs *= 2) {
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    seen = await measure();
  }
  return seen;
}
