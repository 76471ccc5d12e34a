import { NTPError } from "../packet/error.ts";
import { type IpFamily, parseIpAddress } from "../packet/ip_address.ts";
import type { UdpBindSettings } from "./bind_options.ts";
import { Endpoint } from "./endpoint.ts";
import type { Multicast } from "./multicast.ts";
import { mayComeFromIcmp, systemError } from "./system_error.ts";
import type { MulticastOptions, SendOutcome, UdpCounters, UdpTransport } from "./udp_transport.ts";

/** Longest payload of a UDP datagram over IPv4: 65,535 less the headers of IP and UDP. */
export const MAX_DATAGRAM_LENGTH = 65507;

class Counters implements UdpCounters {
  received = 0;
  sent = 0;
  dropped = 0;
  errors = 0;
  handlerErrors = 0;
}

/**
 * What all adapters have in common: counting, checking, reporting, closing. An adapter adds how its
 * runtime sends ({@linkcode BaseUdpTransport.transmit}), permits broadcasts
 * ({@linkcode BaseUdpTransport.permitBroadcast}) and closes
 * ({@linkcode BaseUdpTransport.release}), and calls {@linkcode BaseUdpTransport.deliver} first thing
 * when a datagram arrives.
 */
export abstract class BaseUdpTransport implements UdpTransport {
  abstract readonly kind: string;
  abstract readonly port: number;
  readonly hostname: string;
  readonly counters: UdpCounters;
  /** Family of the local address; 6 sends to IPv4 too. */
  protected readonly family: IpFamily;
  /** Whether it receives IPv4. */
  readonly takesIpv4: boolean;
  protected readonly settings: UdpBindSettings;
  /** Its multicast groups, if it was bound for them. */
  protected readonly groups: Multicast | undefined;
  readonly #counters = new Counters();
  readonly #source = new Endpoint("", 0);
  readonly #arrival = new Uint32Array(2);
  readonly #onAbort = (): void => void this.close();
  #closing: Promise<void> | undefined;
  #lastIpv4 = "";
  #lastMapped = "";

  /**
   * @param settings as given to `bind`
   * @param hostname local IP address
   * @param groups given exactly if `settings.multicast`
   */
  constructor(settings: UdpBindSettings, hostname: string, groups?: Multicast) {
    this.settings = settings;
    this.hostname = hostname;
    this.groups = groups;
    const bytes = new Uint8Array(16);
    this.family = parseIpAddress(hostname, bytes);
    this.takesIpv4 = this.family === 4 || (!settings.ipv6Only && bytes.every((byte) => byte === 0));
    this.counters = this.#counters;
    settings.signal?.addEventListener("abort", this.#onAbort);
  }

  /** Whether {@linkcode BaseUdpTransport.close} was called. */
  get closed(): boolean {
    return this.#closing !== undefined;
  }

  send(data: Uint8Array, to: Endpoint): SendOutcome {
    if (data.length > MAX_DATAGRAM_LENGTH) {
      throw new RangeError(
        `data has ${data.length} bytes; a datagram holds at most ${MAX_DATAGRAM_LENGTH}`,
      );
    }
    const outcome = this.closed ? "closed" : this.#trySend(data, to);
    if (outcome === "sent" || outcome === "queued") this.#counters.sent++;
    else this.#counters.dropped++;
    return outcome;
  }

  close(): Promise<void> {
    if (this.#closing === undefined) {
      this.settings.signal?.removeEventListener("abort", this.#onAbort);
      // Set before release() runs: what that calls back must find the transport closed.
      let done = (): void => {};
      this.#closing = new Promise((resolve) => done = resolve);
      this.release().then(done, (error) => {
        this.fail(error, "close", this.hostname, this.port);
        done();
      });
    }
    return this.#closing;
  }

  joinGroup(group: string, networkInterface?: string): void {
    this.#openGroups().join(group, networkInterface);
  }

  leaveGroup(group: string, networkInterface?: string): void {
    this.#openGroups().leave(group, networkInterface);
  }

  configureMulticast(options: MulticastOptions): void {
    this.#openGroups().configure(options);
  }

  allowBroadcast(): void {
    this.#checkOpen();
    if (!this.takesIpv4) {
      throw new NTPError(
        "unsupported",
        `IPv6 has no broadcast: bind "0.0.0.0" or "::" instead of ${this.#name()}, or send to the ` +
          "group ff02::1",
      );
    }
    this.permitBroadcast();
  }

  /** Hands a datagram to the runtime, which takes or copies the bytes. May throw: a failure. */
  protected abstract transmit(data: Uint8Array, to: Endpoint): SendOutcome;

  /** Makes the system send to broadcast addresses. */
  protected abstract permitBroadcast(): void;

  /** Sends or gives up what is queued, and frees the port. */
  protected abstract release(): Promise<void>;

  /** Takes an arrived datagram; all is borrowed. To be called first thing, since it reads the clock. */
  protected deliver(data: Uint8Array, hostname: string, port: number): void {
    try {
      this.settings.clock.read(this.#arrival);
      this.#source.assign(hostname, port);
    } catch (error) {
      return this.failHandling(error);
    }
    this.deliverStamped(data, this.#source, this.#arrival);
  }

  /** Takes an arrived datagram whose arrival is known better than by reading the clock now. */
  protected deliverStamped(data: Uint8Array, source: Endpoint, arrival: Uint32Array): void {
    if (this.closed) return;
    try {
      const { remote } = this.settings;
      // Connected sockets may hold what came before connect(); others are not filtered at all.
      if (remote !== undefined && !remote.equals(source)) return;
      this.#counters.received++;
      this.settings.onDatagram(data, source, arrival);
    } catch (error) {
      this.failHandling(error);
    }
  }

  /** Counts and reports what handler or clock have thrown. */
  protected failHandling(error: unknown): void {
    this.#counters.handlerErrors++;
    this.#report(error instanceof Error ? error : new Error(String(error), { cause: error }));
  }

  /** Counts an error that is not worth a report. */
  protected countError(): void {
    this.#counters.errors++;
  }

  /** Counts and reports an error of the runtime. */
  protected fail(
    error: unknown,
    what: "send" | "receive" | "close",
    hostname: string,
    port: number,
  ): "failed" {
    this.#counters.errors++;
    if (!this.closed) this.#report(systemError(error, { what, hostname, port }));
    return "failed";
  }

  /**
   * Counts an error that ICMP caused. It names no peer: of use to the user only where there is just
   * one.
   */
  protected failByIcmp(error: unknown): void {
    const { remote } = this.settings;
    if (remote === undefined) this.#counters.errors++;
    else this.fail(error, "send", remote.hostname, remote.port);
  }

  /** Counts, and where it is of use reports, an error that came instead of a datagram. */
  protected failReceiving(error: unknown): void {
    if (mayComeFromIcmp(error)) this.failByIcmp(error);
    else this.fail(error, "receive", this.hostname, this.port);
  }

  /** The address as this socket takes it: on IPv6 sockets Node wants IPv4 in its mapped form. */
  protected addressOf(to: Endpoint): string {
    if (this.family === 4) return to.hostname;
    const hostname = to.rawHostname;
    if (hostname.includes(":")) return hostname;
    if (hostname !== this.#lastIpv4) {
      this.#lastIpv4 = hostname;
      this.#lastMapped = `::ffff:${hostname}`;
    }
    return this.#lastMapped;
  }

  #trySend(data: Uint8Array, to: Endpoint): SendOutcome {
    const { family } = to;
    if (family === 0) {
      throw new TypeError(`A datagram goes to an IP address, not to "${to.rawHostname}"`);
    }
    if (to.port === 0) {
      // Legal as a source port (RFC 768), so any stranger can make us try, and sockets refuse it:
      // counted, but no reason to bother the user each time.
      this.#counters.errors++;
      return "failed";
    }
    if (family === 6 && this.family === 4) {
      const message = `${to} is IPv6, and the socket is bound to the IPv4 address ` +
        `${this.hostname}: bind "::" instead`;
      return this.fail(new NTPError("unreachable", message), "send", to.hostname, to.port);
    }
    try {
      if (family === 6 && to.bytes[0] === 0xff) this.groups?.checkScope(to.hostname);
      return this.transmit(data, to);
    } catch (error) {
      return this.fail(error, "send", to.hostname, to.port);
    }
  }

  #openGroups(): Multicast {
    this.#checkOpen();
    if (this.groups !== undefined) return this.groups;
    throw new NTPError(
      "unsupported",
      `The socket at ${this.#name()} was not bound for multicast: bind it with multicast: true`,
    );
  }

  #checkOpen(): void {
    if (this.closed) throw new NTPError("closed", `The socket at ${this.#name()} is closed`);
  }

  #name(): string {
    return `${new Endpoint(this.hostname, this.port)}`;
  }

  #report(error: Error): void {
    try {
      this.settings.onError?.(error);
    } catch {
      this.#counters.handlerErrors++;
    }
  }
}
