import { test } from "node:test";
import { execFileSync } from "node:child_process";
import { appendFile, mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { assert, assertEquals } from "@std/assert";
import { systemTimers } from "../../src/clock/timers.ts";
import { NTPError } from "../../src/packet/error.ts";
import { fileStream, type OpenStream, tcpStream } from "../../src/reference/byte_stream.ts";

/** A stream that is open, and what came of it. */
class Opened {
  text = "";
  error: Error | undefined;
  ends = 0;
  readonly stream: ReturnType<OpenStream>;
  #wake = (): void => {};

  constructor(open: OpenStream) {
    this.stream = open({
      onBytes: (bytes) => {
        assertEquals(this.ends, 0, "bytes after the end");
        this.text += new TextDecoder().decode(bytes);
        this.#wake();
      },
      onEnd: (error) => {
        this.error = error;
        this.ends++;
        this.#wake();
      },
    }, systemTimers);
  }

  /** Waits for something that comes with bytes, or with the end. */
  async until(reached: () => boolean): Promise<void> {
    while (!reached()) await new Promise<void>((resolve) => this.#wake = resolve);
  }

  /** Waits for the end. */
  async end(): Promise<Error & { code?: unknown }> {
    await this.until(() => this.ends > 0);
    return this.error!;
  }
}

/** A server at some port of the loopback; what it does with a connection is up to the test. */
async function serve(onConnection: (socket: Socket) => void): Promise<Server & { port: number }> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return Object.assign(server, { port });
}

/** A folder that is removed afterwards. */
async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "ntps-"));
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test("tcpStream: what is written before it is open is sent, bytes come back, the end is told once", async () => {
  let heard = "";
  const server = await serve((socket) => {
    socket.on("data", (bytes: Uint8Array) => {
      heard += new TextDecoder().decode(bytes);
      if (!heard.endsWith("\n")) return;
      socket.write(heard.toUpperCase());
      if (heard.split("\n").length > 2) socket.end();
    });
  });
  const opened = new Opened(tcpStream("127.0.0.1", server.port));
  opened.stream.write("hel");
  opened.stream.write("lo\n");
  await opened.until(() => opened.text === "HELLO\n");
  opened.stream.write("more\n");
  const error = await opened.end();
  assertEquals(error.code, "closed");
  assertEquals(error.message, `127.0.0.1:${server.port}: the connection was closed`);
  assertEquals(opened.text, "HELLO\nHELLO\nMORE\n");
  opened.stream.close();
  server.close();
  assertEquals(opened.ends, 1);
});

test("tcpStream: nobody listens", async () => {
  const server = await serve(() => {}), { port } = server;
  await new Promise((resolve) => server.close(resolve));
  const error = await new Opened(tcpStream("127.0.0.1", port)).end();
  assert(error instanceof NTPError);
  assertEquals([error.code, error.message], ["refused", `127.0.0.1:${port}: nobody listens there`]);
});

test("tcpStream: closed, it tells nothing any more, whenever it is", async () => {
  const sockets: Socket[] = [];
  const server = await serve((socket) => {
    sockets.push(socket);
    socket.write("x".repeat(100));
  });
  const atOnce = new Opened(tcpStream("127.0.0.1", server.port));
  atOnce.stream.close();
  const later = new Opened(tcpStream("127.0.0.1", server.port));
  await later.until(() => later.text !== "");
  later.stream.close();
  later.stream.close();
  later.stream.write("to nobody");
  // Another connection is served, so the first ones have had their time.
  const last = new Opened(tcpStream("127.0.0.1", server.port));
  await last.until(() => last.text !== "");
  assertEquals([atOnce.text, atOnce.ends, later.ends], ["", 0, 0]);
  last.stream.close();
  for (const socket of sockets) socket.destroy();
  server.close();
});

test("fileStream: a file is read to its end, however long", () =>
  inFolder(async (folder) => {
    const path = join(folder, "log.nmea"), text = "$GPRMC,line\r\n".repeat(20_000);
    await writeFile(path, text);
    const opened = new Opened(fileStream(path));
    const error = await opened.end();
    assertEquals([error.message, (error as NTPError).code], [`${path}: it has ended`, "closed"]);
    assertEquals(opened.text === text, true);
  }));

test("fileStream: what cannot be opened, or prepared", () =>
  inFolder(async (folder) => {
    const missing = join(folder, "none"), error = await new Opened(fileStream(missing)).end();
    assert(error instanceof NTPError && error.message.includes(missing), error.message);
    assertEquals(error.code, "not-found");
    const prepared: string[] = [];
    const refusing = fileStream(missing, (path) => {
      prepared.push(path);
      return Promise.reject(new NTPError("unsupported", "no such speed"));
    });
    assertEquals((await new Opened(refusing).end()).message, "no such speed");
    assertEquals(prepared, [missing]);
    const folderError = await new Opened(fileStream(folder)).end();
    assert(folderError.message.includes(folder), folderError.message);
  }));

test("fileStream: closed before it is open, and while it is read", () =>
  inFolder(async (folder) => {
    const path = join(folder, "log");
    await writeFile(path, "x".repeat(1_000_000));
    const atOnce = new Opened(fileStream(path));
    atOnce.stream.close();
    const amid = new Opened(fileStream(path));
    await amid.until(() => amid.text !== "");
    const { length } = amid.text;
    amid.stream.close();
    amid.stream.close();
    const last = new Opened(fileStream(path));
    await last.end();
    assertEquals([atOnce.text, atOnce.ends, amid.text.length, amid.ends], ["", 0, length, 0]);
  }));

const noPipes = process.platform === "win32" && "there are no named pipes";

test(
  "fileStream: a pipe is waited at while its writer is silent",
  { skip: noPipes },
  () =>
    inFolder(async (folder) => {
      const path = join(folder, "pipe");
      execFileSync("mkfifo", [path]);
      // Opened for both, so that it does not wait for a reader.
      const writer = await open(path, "r+");
      const opened = new Opened(fileStream(path));
      await writer.write("one\n");
      await opened.until(() => opened.text === "one\n");
      // Several looks that find nothing: the stream is neither ended nor stuck.
      await new Promise((resolve) => setTimeout(resolve, 50));
      assertEquals(opened.ends, 0);
      await appendFile(path, "two\n");
      await opened.until(() => opened.text === "one\ntwo\n");
      await writer.close();
      assertEquals((await opened.end()).message, `${path}: it has ended`);
    }),
);
