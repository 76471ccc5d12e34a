/** A datagram whose sending the runtime has not yet reported as finished. */
export class PendingSend {
  /** Copy of the payload: runtimes read it later. */
  view: Uint8Array = new Uint8Array(0);
  hostname = "";
  port = 0;
  /** How often it was handed to the runtime. */
  tries = 0;
  /** What an earlier try failed with. */
  earlierError: unknown;
  /** Callback in the manner of Node. One per object, so that a send makes no closure. */
  readonly settled: (error?: unknown) => void;
  /** The same for a promise that is kept, whose value is no error. */
  readonly done: () => void;
  #buffer = new Uint8Array(0);

  /** @param finish called when the runtime is through with the datagram */
  constructor(finish: (send: PendingSend, error: unknown) => void) {
    this.settled = (error) => finish(this, error ?? undefined);
    this.done = () => finish(this, undefined);
  }

  /** Bytes that it keeps. */
  get capacity(): number {
    return this.#buffer.length;
  }

  /** Takes a datagram. */
  assign(data: Uint8Array, hostname: string, port: number): void {
    const { length } = data;
    if (length > this.#buffer.length) {
      this.#buffer = new Uint8Array(Math.min(65536, Math.max(128, 2 * length)));
    }
    // Most replies of a server are of one length, so the view is seldom made anew.
    if (this.view.length !== length) this.view = this.#buffer.subarray(0, length);
    this.view.set(data);
    this.hostname = hostname;
    this.port = port;
    this.tries = 1;
    this.earlierError = undefined;
  }
}

/** What is larger is not kept: a few long datagrams must not hold memory for good. */
const MAX_KEPT_BYTES = 4096;

/**
 * The datagrams on their way through a runtime that sends later and meanwhile keeps the caller's
 * bytes. Bounded, and after a while without allocation.
 */
export class SendQueue {
  readonly #finish: (send: PendingSend, error: unknown) => void;
  readonly #limit: number;
  readonly #graceMs: number;
  readonly #idle: PendingSend[] = [];
  #pending = 0;
  #onDrained: (() => void) | undefined;

  /**
   * @param finish called when the runtime is through with a datagram; must give it back with
   * {@linkcode SendQueue.release} or send it again
   * @param limit how many may be under way
   * @param graceMs how long {@linkcode SendQueue.drain} waits: UDP promises nothing, but what can go
   * out soon is to go out
   */
  constructor(
    finish: (send: PendingSend, error: unknown) => void,
    limit = 1024,
    graceMs = 1000,
  ) {
    this.#finish = finish;
    this.#limit = limit;
    this.#graceMs = graceMs;
  }

  /** Copies a datagram for sending; undefined when too many are under way. */
  take(data: Uint8Array, hostname: string, port: number): PendingSend | undefined {
    if (this.#pending === this.#limit) return undefined;
    this.#pending++;
    const send = this.#idle.pop() ?? new PendingSend(this.#finish);
    send.assign(data, hostname, port);
    return send;
  }

  /** Takes back what {@linkcode SendQueue.take} gave. */
  release(send: PendingSend): void {
    if (send.capacity <= MAX_KEPT_BYTES) this.#idle.push(send);
    if (--this.#pending === 0) this.#onDrained?.();
  }

  /** Whether nothing is under way. */
  get drained(): boolean {
    return this.#pending === 0;
  }

  /** Waits until nothing is under way, but not for long. */
  async drain(): Promise<void> {
    if (this.#pending === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.#graceMs);
      this.#onDrained = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
