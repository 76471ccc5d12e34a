import { test } from "node:test";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { startThread, type Thread } from "../../../src/transport/native/thread.ts";

const ECHO = new URL("./thread_echo.ts", import.meta.url);

/** A thread, what it said, and when it said something or ended. */
class Scene {
  readonly heard: unknown[] = [];
  readonly thread: Thread;
  readonly ended: Promise<Error | undefined>;
  #onMessage: (() => void) | undefined;

  constructor(module: URL) {
    let onEnd: (error: Error | undefined) => void = () => {};
    this.ended = new Promise((resolve) => onEnd = resolve);
    this.thread = startThread(module, {
      onMessage: (message) => {
        this.heard.push(message);
        this.#onMessage?.();
      },
      onEnd,
    });
  }

  async ask(message: unknown): Promise<unknown> {
    const count = this.heard.length;
    this.thread.post(message);
    while (this.heard.length === count) {
      await new Promise<void>((resolve) => this.#onMessage = resolve);
    }
    return this.heard.at(-1);
  }
}

test("thread: messages go to and fro, and shared memory is shared", async () => {
  const scene = new Scene(ECHO);
  assertEquals(await scene.ask({ a: [1, "two", 3n] }), { a: [1, "two", 3n] });
  const words = new Int32Array(new SharedArrayBuffer(8));
  const back = await scene.ask(words) as Int32Array;
  words[1] = 7;
  assertEquals(back[1], 7);
  scene.thread.terminate();
});

test("thread: its errors are told as its end, and end nothing else", async () => {
  const scene = new Scene(ECHO);
  await scene.ask("hello");
  scene.thread.post("throw");
  assertStringIncludes(`${await scene.ended}`, "as it was told");
  scene.thread.terminate();
});

test("thread: a module that is not there is told as its end", async () => {
  const { ended } = new Scene(new URL("./nowhere.ts", import.meta.url));
  assertStringIncludes(`${await ended}`, "nowhere.ts");
});

test("thread: one that never yields is heard, and can be ended", async () => {
  const scene = new Scene(ECHO);
  assertEquals(await scene.ask("block"), "blocks");
  scene.thread.terminate();
  assertEquals(scene.heard, ["blocks"]);
});

test("thread: one that closes has said its last word", async () => {
  const scene = new Scene(ECHO);
  assertEquals(await scene.ask("close"), "closes");
  scene.thread.terminate();
});
