/**
 * How many replies are sent by one system call after a full batch, when requests wait longer than
 * replies do: that saves a fifth of the CPU time. Else each is sent at once: behind any of several
 * the system may take in a hundred requests before it sends the next.
 */
export const CHUNK = 32;
/** Places of a chunk that are alike. */
const ALIKE = 4;
/** From how many nanoseconds without a datagram on the caches are cold, so that it is rehearsed. */
export const COLD_AFTER = 200_000;
/**
 * Bounds between kinds of replies that are sent alone, in nanoseconds: how long nothing had come, and
 * how long the request had waited.
 */
const IDLE_BOUNDS = [COLD_AFTER, 1_000_000, 20_000_000], WAIT_BOUNDS = [25_000, 40_000, 80_000];
const LONE = CHUNK / ALIKE;
const REHEARSED = LONE + (IDLE_BOUNDS.length + 1) * (WAIT_BOUNDS.length + 1);
/** Kinds of rehearsed replies, by how long that took: four for each doubling, from 1 us to 64 us. */
const REHEARSAL_KINDS = 25, PER_DOUBLING = 4, SHORTEST_REHEARSAL = 1000;
const KEYS = REHEARSED + REHEARSAL_KINDS;
/** From how many samples on the delay is used, and which part of the least: all the more are known. */
const ENOUGH = 32, MANY = 512;
const LEAST_PART = 0.5, MOST_PART = 0.9;
/** The least delay of this many, and of as many before them, is what is used. */
const WINDOW = 1024;
/** Longer ones, in nanoseconds, tell of a process that had to wait and not of the way. */
const LONGEST = 500_000;
/** Of how many replies one is sampled while few are known, and then. */
const EARLY_INTERVAL = 2, BUSY_INTERVAL = 64;
/**
 * How much longer the way of a stamped datagram may be, in nanoseconds, since it is stamped. Taken
 * off where most are not. Those that come seldom all are, and learn the truth.
 */
const STAMPING_COST = 1000;
const UNITS_PER_NANOSECOND = 2 ** 32 / 1e9;

/**
 * How long it takes from handing a reply over until it leaves the machine, learned from transmit
 * stamps of the kernel. Added to the transmit timestamp of the next reply, it makes that nearly
 * true. Late must it never be, so the least delay counts that was seen among the last thousand or
 * two: not one of a thousand replies is faster. Replies that are sent alone are told apart by how cold the
 * caches are, which shows in how long nothing had come and how long this process took to wake up;
 * those of a chunk by their place in it.
 */
export class SendDelay {
  readonly #samples = new Uint32Array(KEYS);
  readonly #due = new Uint32Array(KEYS);
  /** Least delay of the running window and of the one before, in nanoseconds. */
  readonly #least = new Float64Array(KEYS).fill(Infinity);
  readonly #before = new Float64Array(KEYS).fill(Infinity);
  readonly #units = new Uint32Array(KEYS);

  /**
   * Which replies are alike.
   *
   * @param place how many wait to be sent before it, from 0; -1, it is sent alone
   * @param idleNanoseconds how long nothing has come; only looked at if it is sent alone
   * @param waitNanoseconds how long ago its request has arrived; only looked at if it is sent alone
   * @param rehearsalNanoseconds how long its rehearsal took; 0, there was none
   */
  key(
    place: number,
    idleNanoseconds: number,
    waitNanoseconds: number,
    rehearsalNanoseconds: number,
  ): number {
    if (place >= 0) return Math.floor(place / ALIKE);
    if (rehearsalNanoseconds > 0) {
      const kind = PER_DOUBLING * Math.log2(rehearsalNanoseconds / SHORTEST_REHEARSAL);
      return REHEARSED + Math.floor(Math.max(0, Math.min(REHEARSAL_KINDS - 1, kind)));
    }
    let idle = 0, wait = 0;
    while (idle < IDLE_BOUNDS.length && idleNanoseconds >= IDLE_BOUNDS[idle]!) idle++;
    while (wait < WAIT_BOUNDS.length && waitNanoseconds >= WAIT_BOUNDS[wait]!) wait++;
    return LONE + idle * (WAIT_BOUNDS.length + 1) + wait;
  }

  /** What to add to the transmit timestamp, in units of 2^-32 s; 0 while too little is known. */
  units(key: number): number {
    // Who needed longer for the rehearsal needs no less for the reply.
    while (key > REHEARSED && this.#samples[key]! < ENOUGH) key--;
    return this.#units[key]!;
  }

  /** Whether a reply is to be stamped, so that something is learned. */
  wants(key: number): boolean {
    if (this.#due[key]! > 0) {
      this.#due[key]!--;
      return false;
    }
    const interval = isSeldom(key)
      ? 1
      : this.#samples[key]! < 2 * WINDOW
      ? EARLY_INTERVAL
      : BUSY_INTERVAL;
    this.#due[key] = interval - 1;
    return true;
  }

  /** Takes a delay that was seen, in nanoseconds. A negative key is of what is no reply. */
  learn(key: number, nanoseconds: number): void {
    if (key < 0) return;
    if (!(nanoseconds > 0 && nanoseconds < LONGEST)) return; // the clock was set, or a long wait
    const samples = ++this.#samples[key]!;
    if (nanoseconds < this.#least[key]!) this.#least[key] = nanoseconds;
    const least = Math.min(this.#least[key]!, this.#before[key]!);
    if (samples >= ENOUGH) {
      const part = LEAST_PART + (MOST_PART - LEAST_PART) * Math.min(1, samples / MANY);
      const cost = isSeldom(key) ? 0 : STAMPING_COST;
      this.#units[key] = Math.max(0, least * part - cost) * UNITS_PER_NANOSECOND;
    }
    if (samples % WINDOW === 0) {
      this.#before[key] = this.#least[key]!;
      this.#least[key] = Infinity;
    }
  }
}

/** Whether replies of a kind come so seldom that all are stamped. */
function isSeldom(key: number): boolean {
  return key > LONE + WAIT_BOUNDS.length;
}
