import type { Timers } from "../../clock/timers.ts";
import { NTPError, type NTPErrorCode } from "../../packet/error.ts";
import type { Thread, ThreadEvents } from "../../transport/native/thread.ts";
import type { WorkerControl } from "./worker_control.ts";
import type { FromWorker, ToWorker, WorkerRules, WorkerSetup } from "./worker_messages.ts";

/** One worker's part of what a pool is made of. */
export interface PoolPart {
  /** What it is told; its rules are the current ones. */
  readonly setup: WorkerSetup;
  readonly control: WorkerControl;
}

/** Options of {@linkcode WorkerPool}. */
export interface WorkerPoolOptions {
  /** One for each worker. */
  readonly parts: readonly PoolPart[];
  /** Starts a thread of the worker's module. */
  readonly start: (events: ThreadEvents) => Thread;
  readonly timers: Timers;
  /** Told of what fails in workers, and of workers that die. */
  readonly onError: (error: Error) => void;
  /** Told when there is something in the ring of a worker. */
  readonly onRouted: (worker: number) => void;
  /** Milliseconds that a worker may take to start. Default 10,000. */
  readonly startLimitMs?: number;
  /** Milliseconds without a sign of life after which a worker counts as dead. Default 5000. */
  readonly silenceLimitMs?: number;
  /** Milliseconds that a worker may take to end by itself. Default 2000. */
  readonly endLimitMs?: number;
}

/** Milliseconds before a worker that died again is restarted, first and at most: doubled each time. */
const FIRST_DELAY_MS = 100, MOST_DELAY_MS = 30_000;
/** Milliseconds of service after which a worker that dies is taken to have been healthy. */
const HEALTHY_MS = 60_000;

const WITHOUT_WORD = "its thread ended without a word";

/** A worker, from the first thread on to the last one that takes its place. */
interface Seat {
  readonly part: PoolPart;
  thread: Thread | undefined;
  /** Of the thread: starting, serving, or over and waiting for the next. */
  state: "starting" | "serving" | "waiting" | "ended";
  /** How often in a row it died. */
  deaths: number;
  beats: number;
  /** Milliseconds since the last beat, and since it began to serve. */
  silentMs: number;
  servedMs: number;
  /** Called when it serves, or with why it does not. */
  onStarted: ((error?: Error) => void) | undefined;
  onEnded: (() => void) | undefined;
  cancel: (() => void) | undefined;
  /** Gives the present thread up; what it says from then on is not heard. */
  giveUp: (error: Error) => void;
}

/**
 * The workers of a listening server: starts them, watches over them, puts new ones in the place of
 * those that die, and ends them.
 */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #seats: Seat[];
  #rules: WorkerRules | undefined;
  #restarts = 0;
  #isClosed = false;
  #closing: Promise<void> | undefined;
  #stopWatching: (() => void) | undefined;

  /** @param options what workers are made of, and who is told of them */
  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#seats = options.parts.map((part) => ({
      part,
      thread: undefined,
      state: "starting",
      deaths: 0,
      beats: 0,
      silentMs: 0,
      servedMs: 0,
      onStarted: undefined,
      onEnded: undefined,
      cancel: undefined,
      giveUp: () => {},
    }));
  }

  /** How many workers serve now. */
  get serving(): number {
    return this.#seats.filter(({ state }) => state === "serving").length;
  }

  /** How often a worker was put in the place of one that had died. */
  get restarts(): number {
    return this.#restarts;
  }

  /**
   * Starts all workers.
   *
   * @returns when all serve; if one cannot, all have been ended
   * @throws {NTPError} why one cannot serve
   */
  async start(): Promise<void> {
    try {
      await Promise.all(
        this.#seats.map((seat) =>
          new Promise<void>((resolve, reject) => {
            seat.onStarted = (error) => error === undefined ? resolve() : reject(error);
            this.#seat(seat);
          })
        ),
      );
    } catch (error) {
      await this.close();
      throw error;
    }
    this.#watch();
  }

  /**
   * Tells all workers, those to come too, who is answered from now on. They heed it before their next
   * batch.
   *
   * @param rules all of them
   */
  setRules(rules: WorkerRules): void {
    this.#rules = rules;
    for (const { thread, part } of this.#seats) {
      if (thread === undefined) continue;
      part.control.countPosted();
      thread.post({ type: "rules", rules } satisfies ToWorker);
    }
  }

  /**
   * Ends all workers.
   *
   * @returns when none of them touches its socket any more
   */
  close(): Promise<void> {
    this.#isClosed = true;
    this.#stopWatching?.();
    return this.#closing ??= Promise.all(this.#seats.map((seat) => this.#end(seat))).then(() => {});
  }

  /** Puts a thread in a seat. */
  #seat(seat: Seat): void {
    const { start, timers, startLimitMs = 10_000 } = this.#options;
    seat.state = "starting";
    let isOver = false;
    seat.giveUp = (error) => {
      if (isOver) return;
      isOver = true;
      this.#leave(seat, error);
    };
    const { giveUp } = seat; // this thread's, whichever sits here later
    let thread: Thread;
    try {
      thread = start({
        onMessage: (message) => {
          if (!isOver) this.#hear(seat, message as FromWorker);
        },
        onEnd: (error) => giveUp(error ?? new Error(WITHOUT_WORD)),
      });
    } catch (error) {
      giveUp(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    seat.thread = thread;
    const { setup, control } = seat.part;
    const rules = this.#rules ?? setup.rules;
    const { posted } = control;
    thread.post({ type: "setup", setup: { ...setup, rules, posted } } satisfies ToWorker);
    seat.cancel = timers.after(startLimitMs, () => {
      giveUp(new NTPError("timeout", `it did not start within ${startLimitMs} ms`));
    });
  }

  #hear(seat: Seat, message: FromWorker): void {
    const { onError, onRouted } = this.#options;
    switch (message.type) {
      case "ready":
        seat.cancel?.();
        Object.assign(seat, { state: "serving", silentMs: 0, servedMs: 0 });
        seat.onStarted?.();
        seat.onStarted = undefined;
        break;
      case "routed":
        onRouted(this.#seats.indexOf(seat));
        break;
      case "error":
        onError(errorOf(message));
        break;
      case "failed":
        seat.giveUp(errorOf(message));
        break;
      case "ended":
        seat.onEnded?.();
    }
  }

  /** A thread is over: what becomes of its seat. */
  #leave(seat: Seat, error: Error): void {
    const { timers, onError } = this.#options;
    const name = `Worker ${this.#seats.indexOf(seat) + 1} of ${this.#seats.length}`;
    seat.cancel?.();
    seat.thread?.terminate();
    seat.thread = undefined;
    if (this.#isClosed) {
      seat.state = "ended";
      seat.onEnded?.();
      seat.onStarted?.(new NTPError("closed", "The server was closed before it listened"));
      return;
    }
    const code = error instanceof NTPError ? error.code : "system";
    if (seat.onStarted !== undefined) {
      const message = `${name} did not start: ${error.message}`;
      seat.onStarted(new NTPError(code, message, { cause: error }));
      seat.onStarted = undefined;
      return;
    }
    if (seat.servedMs >= HEALTHY_MS) seat.deaths = 0;
    const delay = seat.deaths === 0
      ? 0
      : Math.min(MOST_DELAY_MS, FIRST_DELAY_MS * 2 ** (seat.deaths - 1));
    seat.deaths++;
    seat.state = "waiting";
    seat.cancel = timers.after(delay, () => {
      this.#restarts++;
      this.#seat(seat);
    });
    const when = delay === 0 ? "now" : `in ${delay / 1000} s`;
    const message = `${name} died and is restarted ${when}: ${error.message}`;
    onError(new NTPError(code, message, { cause: error }));
  }

  async #end(seat: Seat): Promise<void> {
    const { timers, endLimitMs = 2000 } = this.#options;
    const { thread } = seat;
    seat.cancel?.();
    if (thread !== undefined) {
      seat.part.control.end();
      await new Promise<void>((resolve) => {
        seat.cancel = timers.after(endLimitMs, resolve);
        seat.onEnded = resolve;
      });
      seat.cancel?.();
      thread.terminate();
    }
    seat.thread = undefined;
    seat.state = "ended";
    seat.onStarted?.(new NTPError("closed", "The server was closed before it listened"));
    seat.onStarted = undefined;
  }

  /** Looks whether the workers live. */
  #watch(): void {
    const { timers, silenceLimitMs = 5000 } = this.#options;
    const periodMs = silenceLimitMs / 5;
    this.#stopWatching = timers.after(periodMs, () => {
      for (const seat of this.#seats) {
        if (seat.state !== "serving") continue;
        const { beats } = seat.part.control;
        seat.servedMs += periodMs;
        seat.silentMs = beats === seat.beats ? seat.silentMs + periodMs : 0;
        seat.beats = beats;
        if (seat.silentMs < silenceLimitMs) continue;
        seat.giveUp(new NTPError("timeout", `no sign of life for ${silenceLimitMs} ms`));
      }
      this.#watch();
    });
  }
}

function errorOf({ code, message }: { code: string | undefined; message: string }): Error {
  return code === undefined ? new Error(message) : new NTPError(code as NTPErrorCode, message);
}
