import type { Ffi, Pointer } from "./ffi/ffi.ts";
import { F_GETFL, F_SETFL, F_SETOWN, F_SETSIG, O_ASYNC, SIGURG, SystemCallError } from "./linux.ts";
import type { SystemCalls } from "./system_calls.ts";

/** Something that tells when a socket has something to read, without blocking the event loop. */
export interface Watch {
  /**
   * A batch was taken that was not the last: it need not tell before
   * {@linkcode Watch.setIdle} is called.
   */
  setBusy(): void;
  /** Nothing more was found. What may have come meanwhile is to be looked for once more. */
  setIdle(): void;
  /** Ends it. The socket may be closed when this is done. */
  close(): Promise<void>;
}

/** Watches a socket: `onReady` is called when there may be something to read. */
export type StartWatch = (fd: number, onReady: () => void) => Watch;

/** How this runtime's event loop is told that a socket is ready; undefined if it cannot be. */
export function watchOf(ffi: Ffi, calls: SystemCalls): StartWatch | undefined {
  if (ffi.runtime === "node") return uvWatch(ffi);
  const listen = signalSource();
  return listen && signalWatch(calls, listen);
}

/** `uv_poll_t` is much smaller in all versions. */
const UV_POLL_SIZE = 1024;
const UV_READABLE = 1, UV_PRIORITIZED = 8;

/** The event loop of Node is that of libuv, whose functions Node lets anybody call. */
function uvWatch(ffi: Ffi): StartWatch | undefined {
  if (ffi.loop === undefined) return undefined;
  const { uv_poll_init, uv_poll_start, uv_poll_stop, uv_close } = ffi.open([null], {
    uv_poll_init: { parameters: ["pointer", "pointer", "i32"], result: "i32" },
    uv_poll_start: { parameters: ["pointer", "i32", "pointer"], result: "i32", callsBack: true },
    uv_poll_stop: { parameters: ["pointer"], result: "i32" },
    uv_close: { parameters: ["pointer", "pointer"], result: "void", callsBack: true },
  }).symbols;
  /** Memory that libuv uses, by its address, so that it is not collected before its time. */
  const inUse = new Map<Pointer, ArrayBuffer>();
  return (fd, onReady) => {
    const buffer = new ArrayBuffer(UV_POLL_SIZE);
    const handle = ffi.pointer(buffer);
    const code = uv_poll_init(ffi.loop!(), handle, fd);
    if (code !== 0) throw new SystemCallError("uv_poll_init", -code);
    inUse.set(handle, buffer);
    // Priority keeps libuv from taking transmit stamps for an error that ends it all.
    const start = () => void uv_poll_start(handle, UV_READABLE | UV_PRIORITIZED, ready.pointer);
    const ready = ffi.callback(["pointer", "i32", "i32"], "void", (_handle, status) => {
      onReady();
      if (status < 0 && inUse.has(handle)) start();
    });
    start();
    return {
      // It tells in each turn of the loop as long as something is there.
      setBusy() {},
      setIdle() {},
      close: () =>
        new Promise((resolve) => {
          uv_poll_stop(handle);
          const closed = ffi.callback(["pointer"], "void", () => {
            inUse.delete(handle);
            // Not from within: libuv still has to return through it.
            setImmediate(() => {
              ready.close();
              closed.close();
              resolve();
            });
          });
          uv_close(handle, closed.pointer);
        }),
    };
  };
}

/** Calls a function on each SIGURG; gives what ends that. */
type ListenToSignal = (call: () => void) => () => void;

/** How often a socket is looked at though no signal has come, which also keeps the process alive. */
const LOOK_INTERVAL_MS = 250;

/**
 * The kernel signals what happens to a socket (`O_ASYNC`), and the runtime tells of signals in its
 * event loop. SIGURG, since it is ignored where nobody listens, and nobody uses it for else.
 */
function signalWatch(calls: SystemCalls, listen: ListenToSignal): StartWatch {
  const watched = new Set<() => void>();
  let end: (() => void) | undefined;
  const pid = calls.getpid();
  return (fd, onReady) => {
    if (watched.size === 0) end = listen(() => watched.forEach((call) => call()));
    watched.add(onReady);
    const flags = calls.fcntl(fd, F_GETFL, 0);
    const isRefused = calls.fcntl(fd, F_SETSIG, SIGURG) < 0 || calls.fcntl(fd, F_SETOWN, pid) < 0 ||
      calls.fcntl(fd, F_SETFL, flags | O_ASYNC) < 0;
    const timer = setInterval(onReady, LOOK_INTERVAL_MS);
    let isBusy = false;
    const close = (): Promise<void> => {
      clearInterval(timer);
      calls.fcntl(fd, F_SETFL, flags);
      watched.delete(onReady);
      if (watched.size === 0) end?.();
      return Promise.resolve();
    };
    if (isRefused) {
      const error = new SystemCallError("fcntl", calls.errno());
      void close();
      throw error;
    }
    return {
      setBusy() {
        // A signal for each datagram would cost as much as the datagram.
        if (!isBusy) calls.fcntl(fd, F_SETFL, flags);
        isBusy = true;
      },
      setIdle() {
        if (!isBusy) return;
        isBusy = false;
        calls.fcntl(fd, F_SETFL, flags | O_ASYNC);
        onReady(); // what has come before the signals were on again
      },
      close,
    };
  };
}

function signalSource(): ListenToSignal | undefined {
  interface SignalNamespace {
    addSignalListener(signal: string, call: () => void): void;
    removeSignalListener(signal: string, call: () => void): void;
  }
  interface SignalProcess {
    on(signal: string, call: () => void): void;
    off(signal: string, call: () => void): void;
  }
  const { Deno: deno, process } = globalThis as unknown as {
    Deno?: SignalNamespace;
    process?: SignalProcess;
  };
  if (deno !== undefined) {
    return (call) => {
      deno.addSignalListener("SIGURG", call);
      return () => deno.removeSignalListener("SIGURG", call);
    };
  }
  if (process === undefined) return undefined;
  return (call) => {
    process.on("SIGURG", call);
    return () => process.off("SIGURG", call);
  };
}
