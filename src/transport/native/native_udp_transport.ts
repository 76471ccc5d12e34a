import { BaseUdpTransport } from "../base_udp_transport.ts";
import type { UdpBindSettings } from "../bind_options.ts";
import type { Endpoint } from "../endpoint.ts";
import { Multicast } from "../multicast.ts";
import { type FindInterface, systemInterfaces } from "../network_interface.ts";
import type { SendOutcome, TransmitStamps } from "../udp_transport.ts";
import { BatchSocket } from "./batch_socket.ts";
import { KernelClock } from "./kernel_clock.ts";
import { EAGAIN, ENOBUFS, SO_BROADCAST, SOL_SOCKET, SystemCallError } from "./linux.ts";
import { NativeMulticastSocket } from "./multicast_socket.ts";
import type { StartWatch, Watch } from "./readiness.ts";
import { Scratch } from "./scratch.ts";
import { setOption } from "./socket_options.ts";
import type { SystemCalls } from "./system_calls.ts";

/** What native sockets are made with on this runtime. */
export interface NativeSystem {
  readonly calls: SystemCalls;
  readonly watch: StartWatch;
}

/** A {@linkcode BatchSocket} that the event loop of this thread drives. */
export class NativeUdpTransport extends BaseUdpTransport {
  override readonly kind = "native";
  override readonly port: number;
  readonly #calls: SystemCalls;
  readonly #socket: BatchSocket;
  readonly #watch: Watch;
  #isScheduled = false;
  #batches = 0;

  /**
   * Binds a socket.
   *
   * @throws {SystemCallError} what the system says
   */
  constructor(
    { calls, watch }: NativeSystem,
    settings: UdpBindSettings,
    hostname: string,
    find?: FindInterface,
  ) {
    const socket = new BatchSocket(calls, {
      hostname,
      port: settings.port,
      remote: settings.remote,
      reusePort: settings.reusePort,
      reuseAddress: settings.reuseAddress,
      ipv6Only: settings.ipv6Only,
      clock: settings.clock,
      isSystemTime: settings.clock instanceof KernelClock,
      onSendError: (errno, to) => this.#failSending(errno, to),
      onReceiveError: (errno) => this.failReceiving(new SystemCallError("recvmmsg", errno)),
    });
    const groups = find &&
      new Multicast(new NativeMulticastSocket(calls, socket.fd, socket.family), hostname, find);
    super(settings, hostname, groups);
    this.#calls = calls;
    this.#socket = socket;
    this.port = socket.port;
    Object.defineProperty(this.counters, "overflows", { get: () => socket.overflows });
    try {
      this.#watch = watch(socket.fd, () => this.#ready());
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  /** Binds as the options say. */
  static async open(
    system: NativeSystem,
    settings: UdpBindSettings,
    hostname: string,
  ): Promise<NativeUdpTransport> {
    const find = settings.multicast ? await systemInterfaces() : undefined;
    return new NativeUdpTransport(system, settings, hostname, find);
  }

  /** See `UdpTransport.sendDelay`. */
  get sendDelay(): number {
    return this.#socket.sendDelay;
  }

  /** When datagrams leave. */
  get stamps(): TransmitStamps | undefined {
    return this.#socket.stamps;
  }

  protected override transmit(data: Uint8Array, to: Endpoint): SendOutcome {
    return this.#socket.send(data, to);
  }

  protected override permitBroadcast(): void {
    setOption(this.#calls, new Scratch(this.#calls), this.#socket.fd, SOL_SOCKET, SO_BROADCAST, 1);
  }

  protected override async release(): Promise<void> {
    if (!this.#socket.isHandling) this.#socket.flush();
    await this.#watch.close();
    this.#socket.close();
  }

  #failSending(errno: number, to: Endpoint): void {
    // No room is no error of anybody; it is counted all the same.
    if (errno === EAGAIN || errno === ENOBUFS) this.countError();
    else this.fail(new SystemCallError("sendmmsg", errno), "send", to.hostname, to.port);
  }

  /** Takes a batch, and comes back for more after all others have had their turn. */
  #ready(): void {
    if (this.#isScheduled || this.closed) return;
    if (this.#turn() === 0) return;
    this.#isScheduled = true;
    setImmediate(this.#again);
  }

  readonly #again = (): void => {
    this.#isScheduled = false;
    if (this.closed) return;
    if (this.#turn() > 0) {
      this.#batches++;
      if (this.#batches > 1) this.#watch.setBusy();
      this.#isScheduled = true;
      setImmediate(this.#again);
      return;
    }
    this.#batches = 0;
    this.#watch.setIdle();
  };

  /** Handles one batch; returns how many datagrams it had. */
  #turn(): number {
    const socket = this.#socket;
    const count = socket.receive(0);
    for (let i = 0; i < count && !this.closed; i++) {
      let data: Uint8Array;
      try {
        data = socket.take(i);
      } catch (error) {
        this.failHandling(error);
        continue;
      }
      this.deliverStamped(data, socket.source, socket.arrival);
    }
    socket.flush();
    return count;
  }
}
