import { NTPError } from "../../../packet/error.ts";
import { BaseUdpTransport } from "../../base_udp_transport.ts";
import type { UdpBindSettings } from "../../bind_options.ts";
import type { Endpoint } from "../../endpoint.ts";
import type { MulticastOptions, SendOutcome, UdpTransport } from "../../udp_transport.ts";
import { SystemCallError } from "../linux.ts";
import type { StartWatch, Watch } from "../readiness.ts";
import { Moment } from "./moment.ts";
import type { RedirectRule } from "./redirect_program.ts";
import type { XdpAttachment } from "./xdp_attachment.ts";
import type { XdpSystemCalls } from "./xdp_system_calls.ts";
import { xdpError } from "./xdp_error.ts";
import { ENETDOWN, ENXIO } from "./xsk_constants.ts";
import { XskQueue } from "./xsk_queue.ts";

/** How often addresses and interface are looked at. */
export const LOOK_INTERVAL_MS = 2000;
/** Batches of one turn of the event loop; then all others have theirs. */
const BATCHES_PER_TURN = 4;

/** Frames follow each other closely if there were others so lately. */
const CLOSE_MS = 0.5;

/** What a transport of AF_XDP is made of. */
export interface XdpParts {
  readonly calls: XdpSystemCalls;
  readonly watch: StartWatch;
  readonly attachment: XdpAttachment;
  /** The interface. */
  readonly interfaceName: string;
  readonly interfaceIndex: number;
  /** What is to be taken now; throws when the interface cannot be looked at. */
  readonly rule: () => RedirectRule;
  /**
   * An ordinary socket at the same port, which has everything that the program passes on, and sends
   * everything but replies to frames.
   */
  readonly companion: UdpTransport;
}

/**
 * UDP over AF_XDP: frames are taken from the interface before the kernel's stack sees them, and sent
 * back as replies. What does not come that way, from this machine itself, in fragments or by another
 * interface, comes by an ordinary socket.
 */
export class XdpUdpTransport extends BaseUdpTransport {
  override readonly kind = "xdp";
  override readonly port: number;
  /** Where the program runs: in the driver, or in front of the kernel's stack. */
  readonly mode: string;
  readonly #parts: XdpParts;
  #queues: readonly XskQueue[];
  readonly #watches: Watch[] = [];
  readonly #timer: ReturnType<typeof setInterval>;
  /** The queue whose frame is being handled. */
  #current: XskQueue | undefined;
  /** Code of the error that was reported last and still lasts. */
  #fault = "";
  #isScheduled = false;
  /** Since when nothing has come. */
  #idleSince = 0;
  /** Whether frames follow each other closely. */
  #isClose = false;
  readonly #moment: Moment;

  constructor(settings: UdpBindSettings, parts: XdpParts) {
    super(settings, parts.companion.hostname);
    const { calls, attachment, companion, interfaceIndex, interfaceName } = parts;
    this.port = companion.port;
    this.mode = attachment.mode;
    this.#parts = parts;
    const events = {
      onDatagram: (data: Uint8Array, source: Endpoint, arrival: Uint32Array) =>
        this.deliverStamped(data, source, arrival),
      // Strangers can send such frames: counted, and no reason to bother anybody.
      onBadFrame: () => this.countError(),
      onError: (error: unknown) => this.#fail(error),
    };
    this.#queues = attachment.sockets.map((socket) =>
      new XskQueue(socket, calls, settings.clock, events, interfaceIndex, interfaceName)
    );
    Object.defineProperty(this.counters, "overflows", {
      get: () =>
        attachment.sockets.reduce((sum, { lost }) => sum + lost, companion.counters.overflows ?? 0),
    });
    this.#moment = new Moment(calls, attachment.sockets.map(({ fd }) => fd));
    const onReady = () => this.#ready();
    for (const { fd } of attachment.sockets) this.#watches.push(parts.watch(fd, onReady));
    this.#timer = setInterval(() => this.#look(), LOOK_INTERVAL_MS);
  }

  /** Takes what came by the ordinary socket. */
  deliverOrdinary(data: Uint8Array, source: Endpoint, arrival: Uint32Array): void {
    this.deliverStamped(data, source, arrival);
  }

  /** Counts and reports an error of the ordinary socket. */
  failOrdinary(error: Error): void {
    this.fail(error, "receive", this.hostname, this.port);
  }

  override joinGroup(group: string, networkInterface?: string): void {
    this.#parts.companion.joinGroup(group, networkInterface);
  }

  override leaveGroup(group: string, networkInterface?: string): void {
    this.#parts.companion.leaveGroup(group, networkInterface);
  }

  override configureMulticast(options: MulticastOptions): void {
    this.#parts.companion.configureMulticast(options);
  }

  protected override permitBroadcast(): void {
    this.#parts.companion.allowBroadcast();
  }

  protected override transmit(data: Uint8Array, to: Endpoint): SendOutcome {
    const current = this.#current;
    if (current !== undefined && to === current.source) {
      const outcome = current.reply(data);
      if (outcome !== undefined) return outcome;
    }
    return this.#parts.companion.send(data, to);
  }

  protected override async release(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all([
      this.#parts.companion.close(),
      ...this.#watches.map((watch) => watch.close()),
    ]);
    // After an await: the batch in which a handler closed us is through, and its replies are sent.
    this.#parts.attachment.close();
  }

  /** Takes a few batches, and comes back for more after all others have had their turn. */
  #ready(): void {
    if (this.#isScheduled || this.closed || !this.#turn()) return;
    this.#isClose = performance.now() - this.#idleSince < CLOSE_MS;
    this.#isScheduled = true;
    setImmediate(this.#again);
  }

  readonly #again = (): void => {
    this.#isScheduled = false;
    if (this.closed) return;
    if (this.#turn()) this.#isClose = true;
    else if (!this.#linger()) {
      this.#idleSince = performance.now();
      for (const watch of this.#watches) watch.setIdle();
      return;
    }
    this.#isScheduled = true;
    setImmediate(this.#again);
  };

  /**
   * Where frames follow each other closely, waits for the next in the kernel, for a moment: to be
   * told by the event loop costs more than the frame.
   *
   * @returns whether something has come
   */
  #linger(): boolean {
    if (!this.#isClose) return false;
    for (const watch of this.#watches) watch.setBusy();
    return this.#isClose = this.#moment.wait();
  }

  /** Whether anything had come. */
  #turn(): boolean {
    let hadAny = false;
    for (const queue of this.#queues) {
      this.#current = queue;
      for (let i = 0; i < BATCHES_PER_TURN && !this.closed && queue.receive() > 0; i++) {
        hadAny = true;
      }
    }
    this.#current = undefined;
    return hadAny;
  }

  /** Looks whether the interface is still there and up, and has the addresses it had. */
  #look(): void {
    const [first] = this.#queues;
    if (this.closed || first === undefined || first.send() !== 0) return;
    const errno = first.probe();
    if (errno === ENXIO || errno === ENETDOWN) {
      return this.#fail(new SystemCallError("sendto", errno));
    }
    this.#fault = "";
    try {
      this.#parts.attachment.take(this.#parts.rule());
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Counts an error, and reports it when it is news. */
  #fail(error: unknown): void {
    if (!(error instanceof SystemCallError)) return this.failHandling(error);
    const { interfaceName } = this.#parts;
    if (error.code === "ENXIO") return this.#detach(error);
    if (error.code === this.#fault) return this.countError();
    this.#fault = error.code;
    const told = xdpError(error, interfaceName);
    this.fail(told, "send", this.hostname, this.port);
  }

  /** The interface has gone; what comes by others is answered as before. */
  #detach(cause: SystemCallError): void {
    if (this.#queues.length === 0) return;
    this.#queues = [];
    const { interfaceName, attachment } = this.#parts;
    const watches = this.#watches.splice(0).map((watch) => watch.close());
    // After an await: we may be within a batch of a queue whose rings this unmaps.
    Promise.all(watches).then(() => attachment.close());
    const text =
      `The network interface ${interfaceName} has gone: requests that come by others are ` +
      "still answered, by an ordinary socket; listen again when it is back";
    this.fail(new NTPError("unreachable", text, { cause }), "send", this.hostname, this.port);
  }
}
