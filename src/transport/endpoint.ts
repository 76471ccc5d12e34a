import { formatIpAddress, type IpFamily, parseIpAddress } from "../packet/ip_address.ts";

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
  #hostname = "";
  #port = 0;
  #family: IpFamily = 0;
  #parsed = false;
  readonly #bytes = new Uint8Array(16);

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
  }

  /** The address as text, as the runtime gave it, but IPv4-mapped IPv6 written as IPv4. */
  get hostname(): string {
    // Dual-stack sockets report IPv4 sources in this form only.
    if (this.#hostname.startsWith("::ffff:") && this.#hostname.includes(".")) {
      return this.#hostname.slice(7);
    }
    if (this.#hostname.includes(":") && this.family === 4) return formatIpAddress(this.#bytes);
    return this.#hostname;
  }

  /** The address as it was given, which is what the socket that received from it takes back. */
  get rawHostname(): string {
    return this.#hostname;
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
    return new Endpoint(this.#hostname, this.#port);
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
    const scope = this.#hostname.indexOf("%"), otherScope = other.#hostname.indexOf("%");
    return scope < 0 || otherScope < 0 ||
      this.#hostname.slice(scope) === other.#hostname.slice(otherScope);
  }

  /** `192.0.2.1:123`, `[2001:db8::1]:123`. */
  toString(): string {
    return this.family === 6
      ? `[${this.hostname}]:${this.#port}`
      : `${this.hostname}:${this.#port}`;
  }

  #parse(): void {
    if (this.#parsed) return;
    this.#family = parseIpAddress(this.#hostname, this.#bytes);
    this.#parsed = true;
  }
}
