import { writeSync } from "node:fs";
import { readFile } from "node:fs/promises";
import process from "node:process";
import { loadKeyFile } from "../auth/load_key_file.ts";
import { SystemClock } from "../clock/system_clock.ts";
import { systemTimers } from "../clock/timers.ts";
import { bindUdp } from "../transport/bind_udp.ts";
import { becomeUser } from "./become_user.ts";
import { HIDE_CURSOR, SHOW_CURSOR } from "./redraw.ts";
import { writeSecretFile } from "./secret_file.ts";
import { openServiceManager } from "./service_manager.ts";
import type { Output, World } from "./world.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** A variable of the environment, if Deno lets it be read; it would ask otherwise. */
function variable(name: string): string | undefined {
  interface Permissions {
    querySync(of: { name: "env"; variable: string }): { state: string };
  }
  const { Deno: deno } = globalThis as { Deno?: { permissions: Permissions } };
  const state = deno?.permissions.querySync({ name: "env", variable: name }).state ?? "granted";
  return state === "granted" ? process.env[name] : undefined;
}

/** See https://no-color.org. Deno would ask for permission to read the environment. */
function noColor(): boolean {
  const { Deno: deno } = globalThis as { Deno?: { noColor: boolean } };
  return deno?.noColor ?? Boolean(process.env["NO_COLOR"]);
}

function outputTo(stream: NodeJS.WriteStream, descriptor: number): Output {
  // A reader that has had enough, such as `head`, is no error.
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit();
    throw error;
  });
  // A cursor that is hidden comes back, whatever ends the process.
  let isHidden = false;
  process.on("exit", () => {
    if (isHidden) writeSync(descriptor, SHOW_CURSOR);
  });
  return {
    write: (text) => {
      if (text.includes(HIDE_CURSOR)) isHidden = true;
      if (text.includes(SHOW_CURSOR)) isHidden = false;
      stream.write(text);
    },
    styled: stream.isTTY === true && !noColor(),
    get terminal() {
      return stream.isTTY === true ? { columns: stream.columns, rows: stream.rows } : undefined;
    },
  };
}

async function readStdin(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Uint8Array);
  return new Uint8Array(Buffer.concat(chunks));
}

function onSignal(callback: (signal: string) => void): () => void {
  const listener = (signal: string) => {
    stop();
    callback(signal);
  };
  const stop = () => {
    for (const signal of SIGNALS) process.removeListener(signal, listener);
  };
  for (const signal of SIGNALS) process.on(signal, listener);
  return stop;
}

function onReload(callback: () => void): () => void {
  process.on("SIGHUP", callback);
  return () => void process.removeListener("SIGHUP", callback);
}

function onKey(callback: (key: string) => void): (() => void) | undefined {
  const { stdin } = process;
  if (stdin.isTTY !== true) return undefined;
  const listener = (text: Buffer) => {
    for (const key of text.toString()) callback(key);
  };
  const restore = () => void stdin.setRawMode(false);
  process.on("exit", restore);
  stdin.setRawMode(true);
  stdin.on("data", listener);
  stdin.resume();
  return () => {
    stdin.removeListener("data", listener);
    stdin.pause();
    process.removeListener("exit", restore);
    restore();
  };
}

/** The world as it is: this process, its files, clock and network. */
export function systemWorld(): World {
  return {
    stdout: outputTo(process.stdout, 1),
    stderr: outputTo(process.stderr, 2),
    clock: new SystemClock(),
    timers: systemTimers,
    bind: bindUdp,
    readFile: (path) => path === "-" ? readStdin() : readFile(path),
    becomeUser: (user) => becomeUser(user, (path) => readFile(path)),
    serviceManager: () =>
      openServiceManager({
        socket: variable("NOTIFY_SOCKET"),
        watchdog: variable("WATCHDOG_USEC"),
      }),
    loadKeyFile,
    writeSecretFile,
    onSignal,
    onKey,
    onReload,
  };
}
