interface Observer {
  readonly interval: number;
  readonly look: () => void;
  next: number;
}

/** Who looks at regular moments. Few, so they are in no order but that of their coming. */
export class Observers {
  #observers: Observer[] = [];
  /** The next moment at which somebody looks; Infinity: nobody does. */
  next: number = Infinity;

  /**
   * Adds one.
   *
   * @param interval it looks at each multiple of this
   * @param now the first is after this
   * @param look what to call
   * @returns a function that takes it away
   */
  add(interval: number, now: number, look: () => void): () => void {
    const observer = { interval, look, next: (Math.floor(now / interval) + 1) * interval };
    this.#observers.push(observer);
    this.#choose();
    return () => {
      this.#observers = this.#observers.filter((other) => other !== observer);
      this.#choose();
    };
  }

  /** Lets those look whose moment it is. */
  lookAt(now: number): void {
    for (const observer of this.#observers) {
      if (observer.next > now) continue;
      observer.next += observer.interval;
      observer.look();
    }
    this.#choose();
  }

  #choose(): void {
    let next = Infinity;
    for (const observer of this.#observers) if (observer.next < next) next = observer.next;
    this.next = next;
  }
}
