// A thread of clock_page_test.ts: publishes as fast as it can, so often at least, and until somebody has
// seen enough.
import { ClockPageWriter } from "../../src/clock/clock_page_writer.ts";
import { threadPort } from "../../src/transport/native/thread.ts";

/** It ends, whether or not somebody looks. */
const MOST = 100_000_000;

const port = threadPort();

port.onMessage((message) => {
  const { page, times, enough } = message as {
    page: SharedArrayBuffer;
    times: number;
    /** Not 0 any more when it has been enough. */
    enough: Int32Array;
  };
  let second = 0;
  const writer = new ClockPageWriter(page, {
    // The same number in every field: who reads a mixture of two records sees it.
    clock: {
      precision: -20,
      now: () => BigInt(second) << 32n,
      read(into) {
        into[0] = second;
        into[1] = second;
      },
      state: () => ({
        synchronized: true,
        leapIndicator: 0,
        referenceTimestamp: (BigInt(second) << 32n) | BigInt(second),
        rootDelay: second % 65536,
        rootDispersion: second % 65536,
        stratum: 1 + second % 15,
        referenceId: second,
      }),
    },
    counter: {
      read(into) {
        into[0] = 0;
        into[1] = 0;
      },
    },
  });
  do {
    second++;
    writer.publish();
  } while (second < times || (second < MOST && Atomics.load(enough, 0) === 0));
  port.post(second);
});
