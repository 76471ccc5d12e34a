import { NTPError } from "../packet/error.ts";
import { fileError } from "../packet/file_error.ts";
import type { Timers } from "../clock/timers.ts";

/** Who is told what comes over a stream. After `onEnd` comes nothing more. */
export interface StreamHandler {
  /** Bytes, borrowed. */
  onBytes(bytes: Uint8Array): void;
  /** It has ended, or could not be opened. */
  onEnd(error: Error): void;
}

/** A stream that is open, or being opened. */
export interface ByteStream {
  /** Sends text, once it is open. */
  write(text: string): void;
  /** Ends it; nothing is told any more. */
  close(): void;
}

/** How a stream is opened. */
export type OpenStream = (handler: StreamHandler, timers: Timers) => ByteStream;

/** How often a device or file is looked at, in milliseconds. */
const LOOK_MS = 10;
/** Bytes read at once, and at one look. */
const CHUNK = 4096, CHUNKS = 16;

/**
 * A connection over TCP.
 *
 * @param hostname name or address
 * @param port 1 to 65535
 */
export function tcpStream(hostname: string, port: number): OpenStream {
  return (handler) => {
    let socket: import("node:net").Socket | undefined, closed = false, unsent = "";
    const end = (error: Error): void => {
      if (closed) return;
      closed = true;
      socket?.destroy();
      handler.onEnd(error);
    };
    const begin = async (): Promise<void> => {
      const { connect } = await import("node:net");
      if (closed) return;
      socket = connect({ host: hostname, port });
      socket.on("connect", () => socket!.write(unsent));
      socket.on("data", (bytes: Uint8Array) => {
        if (!closed) handler.onBytes(bytes);
      });
      const where = `${hostname}:${port}`;
      socket.on("error", (cause: Error) => {
        const refused = (cause as { code?: unknown }).code === "ECONNREFUSED";
        const what = refused ? "nobody listens there" : cause.message;
        end(new NTPError(refused ? "refused" : "system", `${where}: ${what}`, { cause }));
      });
      socket.on("close", () => end(new NTPError("closed", `${where}: the connection was closed`)));
    };
    begin().catch((error) => end(asError(error)));
    return {
      write(text) {
        if (socket?.readyState === "open") socket.write(text);
        else unsent += text;
      },
      close() {
        closed = true;
        socket?.destroy();
      },
    };
  };
}

/**
 * A device, a pipe or a file, which is looked at again and again and never waited for: a read that
 * waits could not be ended.
 *
 * @param path such as `/dev/ttyACM0`
 * @param prepare what to do with a device before it is read, such as to set its speed
 */
export function fileStream(path: string, prepare?: (path: string) => Promise<void>): OpenStream {
  return (handler, timers) => {
    let closed = false, cancel = (): void => {};
    let file: import("node:fs/promises").FileHandle | undefined;
    const end = (error: Error): void => {
      if (closed) return;
      stop();
      handler.onEnd(error);
    };
    const stop = (): void => {
      closed = true;
      cancel();
      void file?.close().catch(() => {});
      file = undefined;
    };
    const failed = (error: unknown): void => end(asError(fileError(path, error)));
    const bytes = new Uint8Array(CHUNK);
    /** Reads what there is. */
    const look = async (): Promise<void> => {
      for (let i = 0; i < CHUNKS && !closed; i++) {
        const length = await readSome(file!, bytes);
        if (closed) return;
        if (length === undefined) break;
        if (length === 0) return end(new NTPError("closed", `${path}: it has ended`));
        handler.onBytes(bytes.subarray(0, length));
      }
      if (!closed) cancel = timers.after(LOOK_MS, () => void look().catch(failed));
    };
    const begin = async (): Promise<void> => {
      try {
        await prepare?.(path);
        const { constants } = await import("node:fs");
        const { open } = await import("node:fs/promises");
        const { O_RDONLY, O_NONBLOCK = 0, O_NOCTTY = 0 } = constants;
        const opened = await open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
        if (closed) return void opened.close();
        file = opened;
      } catch (error) {
        return end(asError(error instanceof NTPError ? error : fileError(path, error)));
      }
      await look();
    };
    begin().catch(failed);
    return { write: () => {}, close: stop };
  };
}

/** Reads; undefined, there is nothing yet. */
async function readSome(
  file: import("node:fs/promises").FileHandle,
  bytes: Uint8Array,
): Promise<number | undefined> {
  try {
    return (await file.read(bytes, 0, bytes.length, null)).bytesRead;
  } catch (error) {
    if ((error as { code?: unknown })?.code === "EAGAIN") return undefined;
    throw error;
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
