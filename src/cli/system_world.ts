import { readFile } from "node:fs/promises";
import process from "node:process";
import { loadKeyFile } from "../auth/load_key_file.ts";
import { SystemClock } from "../clock/system_clock.ts";
import { systemTimers } from "../clock/timers.ts";
import { bindUdp } from "../transport/bind_udp.ts";
import { writeSecretFile } from "./secret_file.ts";
import type { Output, World } from "./world.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** See https://no-color.org. Deno would ask for permission to read the environment. */
function noColor(): boolean {
  const { Deno: deno } = globalThis as { Deno?: { noColor: boolean } };
  return deno?.noColor ?? Boolean(process.env["NO_COLOR"]);
}

function outputTo(stream: NodeJS.WriteStream): Output {
  // A reader that has had enough, such as `head`, is no error.
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit();
    throw error;
  });
  return {
    write: (text) => void stream.write(text),
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

/** The world as it is: this process, its files, clock and network. */
export function systemWorld(): World {
  return {
    stdout: outputTo(process.stdout),
    stderr: outputTo(process.stderr),
    clock: new SystemClock(),
    timers: systemTimers,
    bind: bindUdp,
    readFile: (path) => path === "-" ? readStdin() : readFile(path),
    loadKeyFile,
    writeSecretFile,
    onSignal,
    onReload,
  };
}
