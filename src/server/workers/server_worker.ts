/**
 * What a worker runs: it waits in a system call for requests, answers them, and looks by the way
 * whether the main thread wants something. It has no exports.
 *
 * @module
 */
import type { Clock } from "../../clock/clock.ts";
import { ClockPageReader } from "../../clock/clock_page_reader.ts";
import { HEADER_LENGTH } from "../../packet/header.ts";
import { NTPError } from "../../packet/error.ts";
import { BatchSocket } from "../../transport/native/batch_socket.ts";
import { loadFfi } from "../../transport/native/ffi/load_ffi.ts";
import { KernelClock } from "../../transport/native/kernel_clock.ts";
import { SystemCallError } from "../../transport/native/linux.ts";
import { MonotonicCounter } from "../../transport/native/monotonic_counter.ts";
import { openSystemCalls } from "../../transport/native/system_calls.ts";
import { threadPort } from "../../transport/native/thread.ts";
import { mayComeFromIcmp, systemError } from "../../transport/system_error.ts";
import { Departures } from "../departures.ts";
import { Interleaved, NO_SLOT } from "../interleaved.ts";
import { MAX_REPLY_LENGTH } from "../responder.ts";
import { loadClock } from "./load_clock.ts";
import { WorkerControl } from "./worker_control.ts";
import type { FromWorker, ToWorker, WorkerSetup } from "./worker_messages.ts";
import { WorkerServer } from "./worker_server.ts";

/** Milliseconds that it waits for requests before it looks for what else there may be. */
const WAIT_MS = 100;
/** Milliseconds between two turns of the event loop, which a clock of the user's may need. */
const YIELD_MS = 50;
/** Errors without a datagram in between after which the socket is no good any more. */
const MAX_ERRORS = 1000;
/** Milliseconds between two errors that are told. */
const TELL_MS = 1000;

const port = threadPort();
const post = (message: FromWorker): void => port.post(message);

/** Rules that were posted, and how many messages there were. */
const inbox: ToWorker[] = [];

/** A worker that has its setup. */
class Session {
  readonly #setup: WorkerSetup;
  readonly #control: WorkerControl;
  readonly #server: WorkerServer;
  readonly #socket: BatchSocket;
  readonly #yields: boolean;
  readonly #reply = new Uint8Array(MAX_REPLY_LENGTH);
  readonly #plain: Uint8Array = this.#reply.subarray(0, HEADER_LENGTH);
  readonly #departures: Departures | undefined;
  #seen: number;
  #unsent = 0;
  #errors = 0;
  #toldAt = -Infinity;

  constructor(
    setup: WorkerSetup,
    server: WorkerServer,
    socket: BatchSocket,
    time: Pick<Clock, "read">,
  ) {
    this.#setup = setup;
    this.#control = new WorkerControl(setup.control);
    this.#server = server;
    this.#socket = socket;
    this.#yields = setup.clockModule !== undefined;
    this.#seen = setup.posted;
    const { interleaved } = setup;
    if (interleaved === undefined || !(interleaved.isForced || socket.stamps)) return;
    server.interleaved = new Interleaved(undefined, interleaved.secret, interleaved.memory);
    this.#departures = new Departures(server.interleaved, time);
    this.#departures.attach(socket);
  }

  static async open(setup: WorkerSetup): Promise<Session> {
    const { ffi, reason } = await loadFfi();
    if (ffi === undefined) throw new NTPError("unsupported", `Native sockets: ${reason}`);
    const calls = openSystemCalls(ffi);
    const page = new ClockPageReader(setup.page, { counter: new MonotonicCounter(calls) });
    const { clockModule } = setup;
    const ownClock = clockModule === undefined ? undefined : await loadClock(clockModule);
    const isSystemTime = setup.isSystemTime && ownClock === undefined;
    const time = ownClock ?? (isSystemTime ? new KernelClock(calls) : page);
    const server = new WorkerServer(setup, {
      page,
      ownClock,
      time,
      onRouted: () => post({ type: "routed" }),
      onError: (error) => post({ type: "error", ...described(error) }),
    });
    const { hostname, socket: { port } } = setup;
    const socket = new BatchSocket(calls, {
      hostname,
      port,
      socket: setup.socket,
      clock: time,
      isSystemTime,
      onReceiveError: (errno) => made.#fail(errno),
    });
    const made = new Session(setup, server, socket, time);
    return made;
  }

  /** Serves until it is told to end. */
  async serve(): Promise<void> {
    const control = this.#control;
    let yielded = performance.now();
    while (!control.isEnding) {
      if (control.posted !== this.#seen) await this.#readInbox();
      control.beat();
      this.#turn();
      if (!this.#yields || performance.now() - yielded < YIELD_MS) continue;
      await nextTurn();
      yielded = performance.now();
    }
    this.#socket.close();
  }

  /** Takes one batch of requests, and answers it. */
  #turn(): void {
    const socket = this.#socket, server = this.#server;
    const count = socket.receive(WAIT_MS);
    if (count > 0) this.#errors = 0;
    for (let i = 0; i < count; i++) this.#answer(i);
    socket.flush();
    if (socket.unsent !== this.#unsent) {
      server.countUnsent(socket.unsent - this.#unsent);
      this.#unsent = socket.unsent;
    }
  }

  #answer(i: number): void {
    const socket = this.#socket, server = this.#server;
    let request: Uint8Array;
    try {
      request = socket.take(i);
    } catch {
      return server.countClockFailure();
    }
    const { source, arrival, sendDelay } = socket;
    const length = server.handle(request, request.length, source, arrival, this.#reply, sendDelay);
    if (length <= 0) return;
    const reply = length === HEADER_LENGTH ? this.#plain : this.#reply.subarray(0, length);
    const { slot } = server;
    if (slot !== NO_SLOT) this.#departures!.before(socket, slot, arrival[1]!);
    const outcome = socket.send(reply, source);
    if (slot !== NO_SLOT) this.#departures!.after(socket, slot, arrival[1]!);
    if (outcome !== "sent" && outcome !== "queued") server.countUnsent(1);
  }

  /** Waits for the messages that are on their way, though not for ever. */
  async #readInbox(): Promise<void> {
    for (let i = 0; i < 1000 && this.#seen !== this.#control.posted; i++) {
      await nextTurn();
      for (let message; (message = inbox.shift());) {
        this.#seen++;
        if (message.type === "rules") this.#server.setRules(message.rules);
      }
    }
    this.#seen = this.#control.posted;
  }

  /** An error came instead of a datagram. */
  #fail(errno: number): void {
    const error = new SystemCallError("recvmmsg", errno);
    if (mayComeFromIcmp(error)) return; // of one client among many
    const { hostname, socket: { port } } = this.#setup;
    const told = systemError(error, { what: "receive", hostname, port });
    if (++this.#errors > MAX_ERRORS) throw told;
    const now = performance.now();
    if (now - this.#toldAt < TELL_MS) return;
    this.#toldAt = now;
    post({ type: "error", ...described(told) });
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Errors cannot be posted whole. */
function described(error: unknown): { code: string | undefined; message: string } {
  return {
    code: error instanceof NTPError ? error.code : undefined,
    message: error instanceof Error ? error.message : String(error),
  };
}

async function run(setup: WorkerSetup): Promise<void> {
  try {
    const session = await Session.open(setup);
    post({ type: "ready" });
    await session.serve();
    post({ type: "ended" });
    port.close();
  } catch (error) {
    post({ type: "failed", ...described(error) });
  }
}

port.onMessage((message) => {
  const told = message as ToWorker;
  if (told.type === "setup") void run(told.setup);
  else inbox.push(told);
});
