import type { Clock } from "../../clock/clock.ts";
import { makeClockPage } from "../../clock/clock_page.ts";
import { ClockPageWriter } from "../../clock/clock_page_writer.ts";
import { systemTimers } from "../../clock/timers.ts";
import { NTPError } from "../../packet/error.ts";
import { BaseUdpTransport } from "../../transport/base_udp_transport.ts";
import type { UdpBindSettings } from "../../transport/bind_options.ts";
import { Endpoint } from "../../transport/endpoint.ts";
import { BatchSocket } from "../../transport/native/batch_socket.ts";
import { KernelClock } from "../../transport/native/kernel_clock.ts";
import { SO_BROADCAST, SOL_SOCKET } from "../../transport/native/linux.ts";
import { loadNative } from "../../transport/native/load_native.ts";
import { MonotonicCounter } from "../../transport/native/monotonic_counter.ts";
import { Scratch } from "../../transport/native/scratch.ts";
import {
  type NativeSocket,
  openNativeSocket,
  setOption,
} from "../../transport/native/socket_options.ts";
import type { SystemCalls } from "../../transport/native/system_calls.ts";
import { startThread, type Thread, type ThreadEvents } from "../../transport/native/thread.ts";
import { openUdp } from "../../transport/open_udp.ts";
import type { SendOutcome, UdpBindOptions } from "../../transport/udp_transport.ts";
import { interleavedBytes } from "../interleaved.ts";
import { makeCounts } from "../statistics.ts";
import type { SystemVariables } from "../system_variables.ts";
import { DatagramRing, makeDatagramRing } from "./datagram_ring.ts";
import { publishedClock } from "./server_page.ts";
import { makeWorkerControl, WorkerControl } from "./worker_control.ts";
import type { WorkerRules, WorkerSetup } from "./worker_messages.ts";
import type { WorkersSettings } from "./worker_options.ts";
import { type PoolPart, WorkerPool } from "./worker_pool.ts";

/** The worker's module: TypeScript beside TypeScript, JavaScript beside JavaScript. */
const MODULE = new URL(
  `./server_worker${/\.[cm]?[jt]s$/.exec(new URL(import.meta.url).pathname)?.[0] ?? ".js"}`,
  import.meta.url,
);

/** What workers serve, and who is told of them. */
export interface WorkersServer {
  /** The server's clock. */
  readonly clock: Clock;
  /** Tells what the server says of itself. */
  readonly variables: () => SystemVariables;
  readonly rules: WorkerRules;
  /** Whether clients are answered in interleaved mode; `undefined`: where the kernel stamps. */
  readonly interleaves: boolean | undefined;
  /** Told when clock or system variables fail; the workers' own errors go to the socket's options. */
  readonly onClockError: (error: unknown) => void;
  /** Told when all has ended: what is counted is final. */
  readonly onClosed: (transport: WorkersTransport) => void;
}

/**
 * Sockets of one address and port, each served by a worker; this thread only sends from there, and
 * takes what is for associations.
 */
export class WorkersTransport extends BaseUdpTransport {
  override readonly kind = "native";
  override readonly port: number;
  /** What each worker counts in. */
  readonly counts: readonly Float64Array[];
  readonly #calls: SystemCalls;
  readonly #sockets: readonly NativeSocket[];
  readonly #pool: WorkerPool;
  readonly #writer: ClockPageWriter;
  readonly #rings: readonly DatagramRing[];
  readonly #controls: readonly WorkerControl[];
  readonly #source = new Endpoint("", 0);
  readonly #onClosed: (transport: WorkersTransport) => void;
  #sender: BatchSocket | undefined;

  private constructor(
    calls: SystemCalls,
    sockets: readonly NativeSocket[],
    settings: UdpBindSettings,
    hostname: string,
    workers: WorkersSettings,
    server: WorkersServer,
  ) {
    super(settings, hostname);
    this.port = sockets[0]!.port;
    this.#calls = calls;
    this.#sockets = sockets;
    const { clock, variables, rules, onClockError } = server;
    this.#onClosed = server.onClosed;
    const page = makeClockPage();
    const interleaved = server.interleaves === false ? undefined : {
      memory: new SharedArrayBuffer(interleavedBytes()),
      secret: crypto.getRandomValues(new Uint32Array(1))[0]!,
      isForced: server.interleaves === true,
    };
    this.#writer = new ClockPageWriter(page, {
      clock: publishedClock(clock, variables),
      counter: new MonotonicCounter(calls),
      onError: onClockError,
    });
    const setups = sockets.map((socket): WorkerSetup => ({
      socket,
      hostname,
      rules,
      clockModule: workers.clockModule,
      isSystemTime: clock instanceof KernelClock,
      interleaved,
      page,
      counts: makeCounts(true),
      ring: makeDatagramRing(),
      control: makeWorkerControl(),
      posted: 0,
    }));
    const parts = setups.map((setup): PoolPart => ({
      setup,
      control: new WorkerControl(setup.control),
    }));
    this.counts = setups.map(({ counts }) => counts);
    this.#rings = setups.map(({ ring }) => new DatagramRing(ring));
    this.#controls = parts.map(({ control }) => control);
    this.#pool = new WorkerPool({
      parts,
      start: startWorker,
      timers: systemTimers,
      onError: (error) => settings.onError?.(error),
      onRouted: (worker) => this.#takeRouted(worker),
    });
  }

  /**
   * Binds the sockets and starts the workers.
   *
   * @param options where, and what becomes of datagrams for associations
   * @param workers how many
   * @param server what they serve
   * @throws {NTPError} as `BindUdp`; `unsupported` with what native sockets need
   */
  static async open(
    options: UdpBindOptions,
    workers: WorkersSettings,
    server: WorkersServer,
  ): Promise<WorkersTransport> {
    const { system, reason } = await loadNative();
    if (system === undefined) {
      throw new NTPError(
        "unsupported",
        `Workers have native sockets, and the native transport ${reason}; or listen without workers`,
      );
    }
    const { calls } = system;
    const transport = await openUdp(options, (settings, hostname) => {
      const sockets = bindAll(calls, settings, hostname, workers.count);
      return new WorkersTransport(calls, sockets, settings, hostname, workers, server);
    }) as WorkersTransport;
    try {
      transport.#writer.start();
      await transport.#pool.start();
    } catch (error) {
      await transport.close();
      throw error;
    }
    return transport;
  }

  /** How many workers serve now. */
  get workers(): number {
    return this.#pool.serving;
  }

  /** How often a worker was put in the place of one that had died. */
  get restarts(): number {
    return this.#pool.restarts;
  }

  /** Sets which modes the workers pass on: bit `1 << mode`. */
  setRoutes(bits: number): void {
    for (const control of this.#controls) control.setRoutes(bits);
  }

  /** Tells the workers who is answered from now on. */
  setRules(rules: WorkerRules): void {
    this.#pool.setRules(rules);
  }

  protected override transmit(data: Uint8Array, to: Endpoint): SendOutcome {
    this.#sender ??= new BatchSocket(this.#calls, {
      hostname: this.hostname,
      port: this.port,
      // The stamps of what is sent are the worker's.
      socket: { ...this.#sockets[0]!, stamps: "none" },
      clock: this.settings.clock,
    });
    return this.#sender.send(data, to);
  }

  protected override permitBroadcast(): void {
    const scratch = new Scratch(this.#calls);
    for (const { fd } of this.#sockets) {
      setOption(this.#calls, scratch, fd, SOL_SOCKET, SO_BROADCAST, 1);
    }
  }

  protected override async release(): Promise<void> {
    await this.#pool.close();
    this.#writer.stop();
    this.#sender?.close();
    for (const { fd } of this.#sockets) this.#calls.close(fd);
    this.#onClosed(this);
  }

  #takeRouted(worker: number): void {
    this.#rings[worker]!.takeAll((data, hostname, port, arrival) => {
      this.#source.assign(hostname, port);
      this.deliverStamped(data, this.#source, arrival);
    });
  }
}

/** Starts a thread of {@linkcode MODULE}; one that ends without having spoken may lack it. */
function startWorker({ onMessage, onEnd }: ThreadEvents): Thread {
  let hasSpoken = false;
  return startThread(MODULE, {
    onMessage(message) {
      hasSpoken = true;
      onMessage(message);
    },
    onEnd(error) {
      if (hasSpoken) return onEnd(error);
      const why = error?.message ?? "it ended at once";
      const remedy =
        `it runs ${MODULE}, which bundlers leave out: keep @ntps/ntps external to them`;
      onEnd(new Error(`${why} (${remedy})`, { cause: error }));
    },
  });
}

/** Binds as many sockets as there are workers, all or none. */
function bindAll(
  calls: SystemCalls,
  settings: UdpBindSettings,
  hostname: string,
  count: number,
): NativeSocket[] {
  const { reuseAddress, ipv6Only, reusePort } = settings;
  const sockets: NativeSocket[] = [];
  const bind = (port: number, isShared: boolean) =>
    openNativeSocket(calls, new Scratch(calls), {
      hostname,
      port,
      reuseAddress,
      ipv6Only,
      reusePort: isShared,
    });
  try {
    // Sockets that share would share with those of another process too, which is no server's wish: so
    // one that does not share looks whether the port is free.
    if (settings.port !== 0 && !reusePort) calls.close(bind(settings.port, false).fd);
    for (let i = 0; i < count; i++) {
      sockets.push(bind(sockets[0]?.port ?? settings.port, reusePort || count > 1));
    }
    return sockets;
  } catch (error) {
    for (const { fd } of sockets) calls.close(fd);
    throw error;
  }
}
