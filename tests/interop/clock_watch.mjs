// Notices when the machine's clock is set, whoever did it: the distance from the monotonic clock to the
// wall clock changes then, and never else (slewing moves both).

/** @typedef {number} Watch seconds from the monotonic clock to the wall clock */

/** @returns {Watch} */
export function watchClock() {
  let distance = -Infinity;
  // Date.now() has whole milliseconds: only where it ticks is it exact. A tick noticed late makes the
  // distance too small, so the largest is the true one.
  for (let i = 0; i < 20; i++) {
    const before = Date.now();
    let now = before;
    let at = 0n;
    while (now === before) {
      now = Date.now();
      at = process.hrtime.bigint();
    }
    distance = Math.max(distance, now / 1000 - Number(at) / 1e9);
  }
  return distance;
}

/**
 * @param {Watch} watch
 * @returns {number} seconds by which the clock was set since
 */
export function clockStep(watch) {
  return watchClock() - watch;
}
