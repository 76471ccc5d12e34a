// Threads that run nowhere: what worker_pool_test.ts starts instead of real ones.
import { makeAdmissionTables } from "../../../src/server/admission.ts";
import { makeCounts } from "../../../src/server/statistics.ts";
import { makeDatagramRing } from "../../../src/server/workers/datagram_ring.ts";
import { makeWorkerControl, WorkerControl } from "../../../src/server/workers/worker_control.ts";
import type {
  FromWorker,
  ToWorker,
  WorkerRules,
} from "../../../src/server/workers/worker_messages.ts";
import type { PoolPart } from "../../../src/server/workers/worker_pool.ts";
import type { Thread, ThreadEvents } from "../../../src/transport/native/thread.ts";

export const RULES: WorkerRules = {
  access: undefined,
  rateLimit: undefined,
  tables: makeAdmissionTables(undefined, true),
  keys: undefined,
};

export class FakeThread implements Thread {
  readonly posted: ToWorker[] = [];
  isTerminated = false;
  readonly #events: ThreadEvents;

  constructor(events: ThreadEvents) {
    this.#events = events;
  }

  post(message: unknown): void {
    this.posted.push(message as ToWorker);
  }

  terminate(): void {
    this.isTerminated = true;
  }

  say(message: FromWorker): void {
    this.#events.onMessage(message);
  }

  die(error?: Error): void {
    this.#events.onEnd(error);
  }
}

export function makePart(fd: number): PoolPart {
  const control = makeWorkerControl();
  return {
    control: new WorkerControl(control),
    setup: {
      socket: { fd, family: 4, port: 123, stamps: "none", tellsDestination: false },
      hostname: "192.0.2.1",
      rules: RULES,
      clockModule: undefined,
      isSystemTime: false,
      interleaved: undefined,
      page: new SharedArrayBuffer(8),
      counts: makeCounts(true),
      ring: makeDatagramRing(),
      control,
      posted: 0,
    },
  };
}
