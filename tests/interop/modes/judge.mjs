// What both sides must have measured.

import { eventually } from "../children.mjs";

/** How far our clock is ahead of everybody else's, in seconds. */
export const ahead = 0.002;
/** How wrong about that one may be. */
const tolerance = 0.0005;
/** A reach register of eight answers. */
export const allHeard = 0o377;
/** How long two sides are watched. */
export const polls = 20;

/**
 * Asks until the answer is right; if it is wrong to the end, tells that.
 *
 * @template T
 * @param {string} what
 * @param {number} seconds
 * @param {() => T | undefined | Promise<T | undefined>} ask
 * @param {(answer: T) => string | undefined} wrong what is wrong with it
 * @returns {Promise<T>}
 */
export async function rightly(what, seconds, ask, wrong) {
  let last = "nothing is heard of it";
  try {
    return await eventually(what, seconds, async () => {
      const answer = await ask();
      if (answer === undefined) return undefined;
      const complaint = wrong(answer);
      last = complaint ?? last;
      return complaint === undefined ? answer : undefined;
    });
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}: ${last}`);
  }
}

/**
 * What is wrong with an offset.
 *
 * @param {number} offset in seconds
 * @param {number} expected
 * @param {number} uncertainty what the one who measured cannot know: half the delay
 */
export function wrongOffset(offset, expected, uncertainty) {
  if (Math.abs(offset - expected) <= tolerance + uncertainty) return undefined;
  return `offset ${milliseconds(offset)}, not ${milliseconds(expected)}`;
}

/**
 * The best of the last eight exchanges: the quickest one has been held up least.
 *
 * @param {readonly import("./station.mjs").Sample[]} samples
 */
export function best(samples) {
  return samples.slice(-8).reduce((a, b) => b.delay < a.delay ? b : a);
}

/**
 * The best of the last eight broadcasts. All have the delay of the volley; one that was held up makes
 * its sender seem behind.
 *
 * @param {readonly import("./station.mjs").Sample[]} samples
 */
export function earliest(samples) {
  return samples.slice(-8).reduce((a, b) => b.offset > a.offset ? b : a);
}

/** @param {number} seconds */
export function milliseconds(seconds) {
  return `${(seconds * 1000).toFixed(3)} ms`;
}
