import { NTPError } from "../../packet/error.ts";
import { currentRuntime } from "../runtime.ts";

/** What happens in a thread, as the one that started it is told. */
export interface ThreadEvents {
  /** A message of {@linkcode ThreadPort.post}. */
  onMessage(message: unknown): void;
  /**
   * It has ended, or its module could not be loaded. Called once at most; Deno does not tell of a
   * thread that ends itself.
   *
   * @param error what ended it; `undefined` when it ended without one
   */
  onEnd(error: Error | undefined): void;
}

/** A thread with an event loop of its own: a Web Worker, or one of `node:worker_threads`. */
export interface Thread {
  /** Sends it a structured clone. */
  post(message: unknown): void;
  /** Ends it, wherever it is; a call of the system that blocks it is waited for by the system. */
  terminate(): void;
}

/** A thread's own end. */
export interface ThreadPort {
  /** Sends a structured clone to the thread that started this one, even if it never yields. */
  post(message: unknown): void;
  /** Listens to what the other end posts. */
  onMessage(callback: (message: unknown) => void): void;
  /** Ends this thread as soon as it yields. */
  close(): void;
}

/** A Web Worker of Deno or Bun. */
interface WebWorker {
  postMessage(message: unknown): void;
  terminate(): void;
  addEventListener(type: string, listener: (event: WebWorkerEvent) => void): void;
}

interface WebWorkerEvent {
  readonly data?: unknown;
  readonly message?: string;
  readonly error?: unknown;
  preventDefault?(): void;
}

/** The scope of a Web Worker. */
interface WebWorkerScope {
  postMessage(message: unknown): void;
  addEventListener(type: "message", listener: (event: WebWorkerEvent) => void): void;
  close(): void;
}

/** The part of `node:worker_threads` that is used. */
interface NodeWorkerThreads {
  readonly Worker: new (module: URL) => {
    on(event: string, listener: (value: never) => void): unknown;
    postMessage(message: unknown): void;
    terminate(): Promise<unknown>;
  };
  readonly parentPort: {
    on(event: "message", listener: (message: unknown) => void): void;
    postMessage(message: unknown): void;
    close(): void;
  };
}

function nodeWorkerThreads(): NodeWorkerThreads {
  const { process } = globalThis as unknown as {
    process?: { getBuiltinModule?(name: string): unknown };
  };
  const found = process?.getBuiltinModule?.("node:worker_threads");
  if (found !== undefined) return found as NodeWorkerThreads;
  throw new NTPError(
    "unsupported",
    "There are no threads here: use Deno, Bun or Node 20.16 or later",
  );
}

/**
 * Starts a thread.
 *
 * @param module what it runs
 * @param events what is told of it
 * @throws {NTPError} `unsupported` where there are no threads
 */
export function startThread(module: URL, events: ThreadEvents): Thread {
  return currentRuntime() === "node"
    ? startNodeThread(module, events)
    : startWebWorker(module, events);
}

function startNodeThread(module: URL, { onMessage, onEnd }: ThreadEvents): Thread {
  const worker = new (nodeWorkerThreads().Worker)(module);
  let failure: Error | undefined;
  worker.on("message", onMessage as (message: never) => void);
  worker.on("error", (error: Error) => failure = error);
  worker.on("exit", () => onEnd(failure));
  return {
    post: (message) => worker.postMessage(message),
    terminate: () => void worker.terminate(),
  };
}

function startWebWorker(module: URL, { onMessage, onEnd }: ThreadEvents): Thread {
  const { Worker } = globalThis as unknown as {
    Worker?: new (module: string, options: { type: "module" }) => WebWorker;
  };
  if (Worker === undefined) {
    throw new NTPError("unsupported", "There are no threads here: use Deno, Bun or Node");
  }
  const worker = new Worker(module.href, { type: "module" });
  let hasEnded = false;
  const end = (error?: Error) => {
    if (hasEnded) return;
    hasEnded = true;
    onEnd(error);
  };
  worker.addEventListener("message", ({ data }) => onMessage(data));
  worker.addEventListener("error", (event) => {
    event.preventDefault?.(); // else Deno ends the whole process
    const { error, message } = event;
    end(error instanceof Error ? error : new Error(message || String(error)));
  });
  worker.addEventListener("close", () => end()); // Bun only
  return {
    post: (message) => worker.postMessage(message),
    terminate: () => worker.terminate(),
  };
}

/**
 * The own end of the thread that asks.
 *
 * @throws {NTPError} `unsupported` in a thread that {@linkcode startThread} did not start
 */
export function threadPort(): ThreadPort {
  if (currentRuntime() === "node") {
    const { parentPort } = nodeWorkerThreads();
    if (parentPort === null) throw new NTPError("unsupported", "This module is for threads only");
    return {
      post: (message) => parentPort.postMessage(message),
      onMessage: (callback) => parentPort.on("message", callback),
      close: () => parentPort.close(),
    };
  }
  const scope = globalThis as unknown as WebWorkerScope;
  return {
    post: (message) => scope.postMessage(message),
    onMessage: (callback) => scope.addEventListener("message", ({ data }) => callback(data)),
    close: () => scope.close(),
  };
}
