import { formatIpAddress } from "../packet/ip_address.ts";

/** How many prefixes are known at a time: of those that are told, few are missed. */
const PLACES = 64;
/** Of so many requests, one is looked at: all that it costs the others is to be counted. */
const ONE_OF = 8;
/** Words of a prefix: 32 bits hold one of IPv4, 48 bits one of IPv6 in two. */
const WORDS = 2;
/** Where an IPv4 address begins in its IPv4-mapped form. */
const IPV4_AT = 12;

/** Requests of a prefix. */
export interface PrefixCount {
  /** As in `192.0.2.0/24` or `2001:db8:1::/48`. */
  readonly prefix: string;
  /** About how many; may be too many by what is the least count of all. */
  readonly requests: number;
}

/**
 * Who asks most: prefixes of 24 bits of IPv4 and of 48 bits of IPv6, in a fixed memory however many there
 * are. The one that was seen least makes room for a newcomer, who takes over its count (Metwally's
 * space-saving), so whoever sends one request of 64 is told. One request of 8 is looked at, the first
 * included.
 */
export class TopPrefixes {
  readonly #keys = new Int32Array(PLACES * WORDS);
  readonly #counts = new Float64Array(PLACES);
  #skip = 0;

  /**
   * Counts a request. Allocates nothing.
   *
   * @param address 16 bytes, IPv4 in its IPv4-mapped form
   */
  count(address: Uint8Array): void {
    if (this.#skip-- > 0) return;
    this.#skip = ONE_OF - 1;
    const isIpv4 = address[10] === 0xff && address[0] === 0 && address[1] === 0;
    const at = isIpv4 ? IPV4_AT : 0;
    const high = (address[at]! << 24) | (address[at + 1]! << 16) | (address[at + 2]! << 8) |
      (isIpv4 ? 0 : address[at + 3]!);
    // Bit 16 tells the families apart.
    const low = isIpv4 ? 0x10000 : (address[4]! << 8) | address[5]!;
    const keys = this.#keys, counts = this.#counts;
    let least = 0;
    for (let i = 0; i < PLACES; i++) {
      if (keys[WORDS * i] === high && keys[WORDS * i + 1] === low && counts[i]! > 0) {
        counts[i]! += ONE_OF;
        return;
      }
      if (counts[i]! < counts[least]!) least = i;
    }
    keys[WORDS * least] = high;
    keys[WORDS * least + 1] = low;
    counts[least]! += ONE_OF;
  }

  /**
   * Those who ask most, most first.
   *
   * @param most how many to tell
   */
  top(most: number): PrefixCount[] {
    return Array.from(this.#counts, (requests, i) => ({ requests, i }))
      .filter(({ requests }) => requests > 0)
      .sort((a, b) => b.requests - a.requests)
      .slice(0, most)
      .map(({ requests, i }) => ({ prefix: this.#prefixAt(i), requests }));
  }

  #prefixAt(i: number): string {
    const high = this.#keys[WORDS * i]!, low = this.#keys[WORDS * i + 1]!;
    const bytes = new Uint8Array(16);
    const view = new DataView(bytes.buffer);
    if (low === 0x10000) {
      bytes.fill(0xff, 10, 12);
      view.setInt32(IPV4_AT, high);
      return `${formatIpAddress(bytes)}/24`;
    }
    view.setInt32(0, high);
    view.setUint16(4, low);
    return `${formatIpAddress(bytes)}/48`;
  }
}
