import type { Timers } from "../../clock/timers.ts";
import type { MetricsInput } from "../metrics_text.ts";
import { type PagePoint, pagePoint } from "./page_point.ts";

/** Time between two points, in milliseconds. */
const INTERVAL_MS = 1000;
/** How many points are kept, for who opens the page: five minutes. */
const KEPT = 300;

/** What a {@linkcode PageFeed} needs of the world. */
export interface PageFeedOptions {
  /** What there is to show, now. */
  readonly read: () => MetricsInput;
  /** Waits. */
  readonly timers: Timers;
  /** The time, in Unix milliseconds. */
  readonly now: () => number;
}

/** Looks once a second at what the page shows, and tells all that watch. */
export class PageFeed {
  readonly #options: PageFeedOptions;
  readonly #points: PagePoint[] = [];
  readonly #watchers = new Set<(point: PagePoint) => void>();
  #cancel = () => {};

  /** @param options what it needs; it begins at once */
  constructor(options: PageFeedOptions) {
    this.#options = options;
    this.#look();
  }

  /** What it has seen in the last minutes, oldest first. */
  get points(): readonly PagePoint[] {
    return this.#points;
  }

  /** How many watch. */
  get watchers(): number {
    return this.#watchers.size;
  }

  /**
   * Has somebody told of each point from now on.
   *
   * @param watcher told
   * @returns a function that ends it
   */
  watch(watcher: (point: PagePoint) => void): () => void {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  /** Ends it. */
  close(): void {
    this.#cancel();
    this.#watchers.clear();
  }

  #look(): void {
    this.#cancel = this.#options.timers.after(INTERVAL_MS, () => this.#look());
    let point: PagePoint;
    try {
      point = pagePoint(this.#options.read(), this.#options.now());
    } catch {
      return; // a clock that fails has no point; those who ask for metrics are told
    }
    this.#points.push(point);
    if (this.#points.length > KEPT) this.#points.shift();
    for (const watcher of this.#watchers) watcher(point);
  }
}
