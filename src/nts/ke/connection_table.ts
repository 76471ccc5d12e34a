import { formatIpAddress, parseIpAddress } from "../../packet/ip_address.ts";

/** A connection that can be ended for want of room. */
export interface Evictable {
  /** Ends it at once. */
  evict(): void;
}

/** Bytes of an IPv6 address that one customer has (RFC 6177). */
const IPV6_PREFIX_BYTES = 8;

/** What is counted as one client: an IPv4 address, or the /64 of an IPv6 address. */
export function prefixOf(address: string): string {
  const bytes = new Uint8Array(16);
  if (parseIpAddress(address, bytes) === 6) bytes.fill(0, IPV6_PREFIX_BYTES);
  return formatIpAddress(bytes);
}

/**
 * The connections of a server: no more than so many in all, and of one prefix. Nobody is turned away;
 * where there is no room the oldest goes, since an honest exchange is over in a moment, and whoever
 * wants to occupy a place must keep on connecting (CVE-2024-38528).
 */
export class ConnectionTable<C extends Evictable> {
  readonly #most: number;
  readonly #mostOfPrefix: number;
  /** In the order in which they came. */
  readonly #all = new Map<C, string>();
  readonly #byPrefix = new Map<string, Set<C>>();

  /**
   * Makes a table.
   *
   * @param most connections in all
   * @param mostOfPrefix connections of one prefix
   */
  constructor(most: number, mostOfPrefix: number) {
    this.#most = most;
    this.#mostOfPrefix = mostOfPrefix;
  }

  /** How many there are. */
  get size(): number {
    return this.#all.size;
  }

  /** All of them, the oldest first. */
  get all(): C[] {
    return [...this.#all.keys()];
  }

  /**
   * Adds a connection, and evicts another if there is no room.
   *
   * @param connection the new one
   * @param address where it is from
   */
  add(connection: C, address: string): void {
    const prefix = prefixOf(address);
    const same = this.#byPrefix.get(prefix);
    const [oldestOfPrefix] = same ?? [];
    if (same !== undefined && same.size >= this.#mostOfPrefix) this.#evict(oldestOfPrefix!);
    else if (this.#all.size >= this.#most) this.#evict(this.#all.keys().next().value!);
    this.#all.set(connection, prefix);
    const others = this.#byPrefix.get(prefix);
    if (others === undefined) this.#byPrefix.set(prefix, new Set([connection]));
    else others.add(connection);
  }

  /** Removes a connection; harmless if it is not there. */
  delete(connection: C): void {
    const prefix = this.#all.get(connection);
    if (prefix === undefined) return;
    this.#all.delete(connection);
    const others = this.#byPrefix.get(prefix)!;
    others.delete(connection);
    if (others.size === 0) this.#byPrefix.delete(prefix);
  }

  #evict(connection: C): void {
    this.delete(connection);
    connection.evict();
  }
}
