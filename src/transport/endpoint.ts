import {
  formatIpAddress,
  type IpFamily,
  isIpv4Mapped,
  parseIpAddress,
} from "../packet/ip_address.ts";

/**
 * An IP address and a port: where a datagram came from or goes to. Transports reuse one object for
 * all arrivals, so what is kept must be copied with {@linkcode Endpoint.clone}.
 *
 * @example An address as text and as bytes
 * ```ts
 * import { Endpoint } from "@ntps/ntps";
 * import { assertEquals } from "@std/assert";
 *
 * const endpoint = new Endpoint("::ffff:192.0.2.1", 123);
 * assertEquals(endpoint.family, 4);
 * assertEquals(endpoint.toString(), "192.0.2.1:123");
 * ```
 */
export class Endpoint {
  /** Undefined: not written yet, the bytes say it. */
  #hostname: string | undefined = "";
  #port = 0;
  #family: IpFamily = 0;
  #parsed = false;
  readonly #bytes = new Uint8Array(16);
  #scope = 0;
  #scopeName: ((index: number) => string) | undefined;

  /**
   * Makes an endpoint.
   *
   * @param hostname IP address as text; an IPv4-mapped IPv6 address is taken as IPv4
   * @param port 0 to 65535
   */
  constructor(hostname: string, port: number) {
    this.assign(hostname, port);
  }

  /**
   * Makes this object stand for another endpoint. Allocates nothing; the address is read when its
   * bytes are first asked for.
   *
   * @param hostname IP address as text; an IPv4-mapped IPv6 address is taken as IPv4
   * @param port 0 to 65535
   */
  assign(hostname: string, port: number): void {
    this.#parsed = this.#parsed && hostname === this.#hostname;
    this.#hostname = hostname;
    this.#port = port;
    this.#scope = 0;
  }

  /**
   * Makes this object stand for another endpoint, given as bytes. Allocates nothing; the text is
   * written when it is first asked for.
   *
   * @param family 4 or 6; an IPv4-mapped IPv6 address is taken as IPv4
   * @param bytes holds the address: 4 bytes, or 16
   * @param at where it begins in `bytes`
   * @param port 0 to 65535
   * @param scope index of the interface that the address is one of, 0 for none
   * @param scopeName tells the name of an interface. Default: its index
   *
   * @example An address as a socket tells it
   * ```ts
   * import { Endpoint } from "@ntps/ntps";
   * import { assertEquals } from "@std/assert";
   *
   * const endpoint = new Endpoint("", 0);
   * endpoint.assignBytes(4, new Uint8Array([192, 0, 2, 1]), 0, 123);
   * assertEquals(`${endpoint}`, "192.0.2.1:123");
   * ```
   */
  assignBytes(
    family: 4 | 6,
    bytes: Uint8Array,
    at: number,
    port: number,
    scope = 0,
    scopeName?: (index: number) => string,
  ): void {
    const own = this.#bytes;
    if (family === 4) {
      if (!this.#parsed || this.#family !== 4) {
        own.fill(0, 0, 10);
        own[10] = own[11] = 0xff;
      }
      for (let i = 0; i < 4; i++) own[12 + i] = bytes[at + i]!;
      this.#family = 4;
    } else {
      for (let i = 0; i < 16; i++) own[i] = bytes[at + i]!;
      this.#family = isIpv4Mapped(own) ? 4 : 6;
    }
    this.#hostname = undefined;
    this.#port = port;
    this.#parsed = true;
    this.#scope = scope;
    this.#scopeName = scopeName;
  }

  /** The address as text, as the runtime gave it, but IPv4-mapped IPv6 written as IPv4. */
  get hostname(): string {
    const hostname = this.rawHostname;
    // Dual-stack sockets report IPv4 sources in this form only.
    if (hostname.startsWith("::ffff:") && hostname.includes(".")) return hostname.slice(7);
    if (hostname.includes(":") && this.family === 4) return formatIpAddress(this.#bytes);
    return hostname;
  }

  /** The address as it was given, which is what the socket that received from it takes back. */
  get rawHostname(): string {
    return this.#hostname ??= this.#format();
  }

  /** Index of the interface that the address is one of; 0 where there is none or only a name. */
  get scope(): number {
    return this.#scope;
  }

  /** The port. */
  get port(): number {
    return this.#port;
  }

  /** 4 or 6; 0 when the text is no IP address. */
  get family(): IpFamily {
    this.#parse();
    return this.#family;
  }

  /** The address as 16 bytes, IPv4 in its IPv4-mapped form. A view: do not write. */
  get bytes(): Uint8Array {
    this.#parse();
    return this.#bytes;
  }

  /** A copy that may be kept. */
  clone(): Endpoint {
    return new Endpoint(this.rawHostname, this.#port);
  }

  /**
   * Whether both are the same address and port. Scopes (`%eth0`) are compared only when both have
   * one: some runtimes drop them.
   *
   * @param other the one to compare with
   */
  equals(other: Endpoint): boolean {
    if (this.#port !== other.#port || this.family !== other.family) return false;
    for (let i = 0; i < 16; i++) if (this.bytes[i] !== other.bytes[i]) return false;
    if (this.#family === 4) return true;
    const mine = this.rawHostname, others = other.rawHostname;
    const scope = mine.indexOf("%"), otherScope = others.indexOf("%");
    return scope < 0 || otherScope < 0 || mine.slice(scope) === others.slice(otherScope);
  }

  /** `192.0.2.1:123`, `[2001:db8::1]:123`. */
  toString(): string {
    return this.family === 6
      ? `[${this.hostname}]:${this.#port}`
      : `${this.hostname}:${this.#port}`;
  }

  #parse(): void {
    if (this.#parsed) return;
    this.#family = parseIpAddress(this.rawHostname, this.#bytes);
    this.#parsed = true;
  }

  #format(): string {
    const address = formatIpAddress(this.#bytes);
    if (this.#scope === 0) return address;
    return `${address}%${this.#scopeName?.(this.#scope) ?? this.#scope}`;
  }
}
