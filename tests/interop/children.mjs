// Child processes, each bounded in time, ended by its own id, and with its output kept.

import { spawn } from "node:child_process";

/** @type {Set<Child>} */
const running = new Set();

/** A process this run started. */
export class Child {
  /** Everything it has written, both streams in the order they came. */
  output = "";
  /** What it has written to standard output alone. */
  stdout = "";
  /** @type {number | null | undefined} exit status; null if a signal ended it, undefined while it runs */
  status = undefined;
  /** @type {Promise<void>} when it has ended and all its output is here */
  ended;

  /** What it is, for messages. */
  name;
  #process;
  /** @type {Set<() => void>} */
  #waiting = new Set();

  /**
   * @param {string} name
   * @param {string[]} command
   * @param {{ seconds?: number, cwd?: string, env?: Record<string, string | undefined> }} [options]
   * `seconds`: how long it may run before it is ended
   */
  constructor(name, command, { seconds = 90, cwd, env } = {}) {
    this.name = name;
    // timeout(1) ends it even if this process is killed; it forwards signals to the child.
    this.#process = spawn("timeout", ["--kill-after=3", String(seconds), ...command], {
      cwd,
      env: env ?? process.env,
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
    });
    running.add(this);
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (text) => {
        this.output += text;
        if (stream === this.#process.stdout) this.stdout += text;
        for (const wake of this.#waiting) wake();
      });
    }
    this.#process.stdin.on("error", () => {}); // it ended before it read everything
    this.ended = new Promise((resolve) => {
      this.#process.on("error", (error) => {
        this.output += String(error);
        this.status = 127;
        resolve(undefined);
      });
      this.#process.on("close", (status) => {
        this.status = status;
        resolve(undefined);
      });
    }).then(() => {
      running.delete(this);
      for (const wake of this.#waiting) wake();
    });
  }

  /** Of timeout(1), which runs it. */
  get pid() {
    return this.#process.pid ?? 0;
  }

  /**
   * Gives it input.
   *
   * @param {string} text
   */
  write(text) {
    this.#process.stdin.write(text);
  }

  /** Tells it that there is no more input. */
  closeInput() {
    this.#process.stdin.end();
  }

  /**
   * Ends it, politely first.
   *
   * @param {NodeJS.Signals} [signal]
   */
  async stop(signal = "SIGTERM") {
    if (this.status !== undefined) return;
    this.kill(signal);
    const timer = setTimeout(() => this.kill("SIGKILL"), 3000);
    await this.ended;
    clearTimeout(timer);
  }

  /**
   * Sends a signal to it and to what it started.
   *
   * @param {NodeJS.Signals} signal
   */
  kill(signal) {
    const { pid } = this.#process;
    if (pid === undefined || this.status !== undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // It has just ended.
    }
  }

  /**
   * Waits until it has written something.
   *
   * @param {RegExp} pattern looked for in all output so far
   * @param {number} seconds
   * @returns {Promise<RegExpExecArray>}
   */
  async wrote(pattern, seconds) {
    const deadline = performance.now() + seconds * 1000;
    for (;;) {
      const match = pattern.exec(this.output);
      if (match) return match;
      if (this.status !== undefined) throw new Error(`${this.name} ended (status ${this.status})`);
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(`${this.name} did not write ${pattern} within ${seconds} s`);
      await new Promise((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          this.#waiting.delete(wake);
          resolve(undefined);
        };
        const timer = setTimeout(wake, left);
        this.#waiting.add(wake);
      });
    }
  }
}

/** Ends everything at once; for the way out. */
export function killAll() {
  for (const child of running) child.kill("SIGKILL");
}

/** Ends everything when a signal ends this process, which asks nobody then. */
export function killAllOnSignals() {
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
    process.once(signal, () => {
      killAll();
      process.exit(1);
    });
  }
}

/**
 * Asks again and again until there is an answer.
 *
 * @template T
 * @param {string} what for the message when there is none
 * @param {number} seconds
 * @param {() => T | undefined | Promise<T | undefined>} ask
 * @returns {Promise<T>}
 */
export async function eventually(what, seconds, ask) {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
