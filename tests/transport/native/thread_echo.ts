// A thread of thread_test.ts: says back what it hears; "throw" it does; "close" ends it; "block" makes
// it never yield again, and post all the same.
import { threadPort } from "../../../src/transport/native/thread.ts";

const port = threadPort();

port.onMessage((message) => {
  if (message === "throw") {
    setTimeout(() => {
      throw new Error("as it was told");
    }, 0);
  } else if (message === "block") {
    port.post("blocks");
    const word = new Int32Array(new SharedArrayBuffer(4));
    for (;;) Atomics.wait(word, 0, 0, 50); // until it is terminated
  } else if (message === "close") {
    port.post("closes");
    port.close();
  } else port.post(message);
});
