import { MemoryNetwork } from "../transport/memory.ts";
import type { MemoryDatagram } from "../transport/memory_datagram.ts";
import type { BindUdp } from "../transport/udp_transport.ts";
import {
  checkLink,
  checkSpan,
  isWithin,
  Link,
  type LinkOptions,
  type LinkPair,
  type Span,
  waysOf,
} from "./link.ts";
import type { RandomStream } from "./random_stream.ts";
import type { VirtualTime } from "./virtual_time.ts";

/** Who cannot be reached when. */
interface Cut extends Span {
  readonly addresses: ReadonlySet<string> | undefined;
}

/**
 * A `MemoryNetwork` on virtual time whose ways are {@linkcode Link}s. What goes from one address to
 * another passes the way set for the two, else what leads away from the one and then what leads
 * toward the other, else the default. Each pair of addresses has links, and so random numbers, of
 * its own.
 */
export class SimulatedNetwork {
  /** Binds a socket. */
  readonly bind: BindUdp;
  readonly #time: VirtualTime;
  readonly #random: RandomStream;
  readonly #default: LinkOptions;
  readonly #away = new Map<string, LinkOptions>();
  readonly #toward = new Map<string, LinkOptions>();
  readonly #pairs = new Map<string, LinkOptions>();
  readonly #names = new Map<string, string>();
  readonly #cuts: Cut[] = [];
  /** From address to address, the links in a row. */
  readonly #ways = new Map<string, Map<string, readonly Link[]>>();

  /**
   * Makes a network without sockets.
   *
   * @param time what it runs on
   * @param random its own stream
   * @param options `link`: the default of all ways. Default: they take no time. `subnets`: as in
   * `MemoryNetworkOptions`
   * @throws {RangeError} if an option is out of range
   */
  constructor(
    time: VirtualTime,
    random: RandomStream,
    options: { link?: LinkOptions; subnets?: readonly string[] } = {},
  ) {
    const { link = {}, subnets = [] } = options;
    checkLink(link);
    this.#time = time;
    this.#random = random;
    this.#default = link;
    const network = new MemoryNetwork({
      path: (datagram) => this.#pass(datagram),
      schedule: (seconds, deliver) => void time.after(seconds * 1000, deliver),
      subnets,
    });
    this.bind = network.bind;
  }

  /** Tells who has an address: what is random on the ways follows from the name then. */
  setName(address: string, name: string): void {
    this.#names.set(address, name);
  }

  /**
   * Sets what leads to and from an address. Ways that were used already begin anew.
   *
   * @throws {RangeError} if an option is out of range
   */
  setAccess(address: string, link: LinkPair): void {
    const { toward, away } = waysOf(link);
    checkLink(toward);
    checkLink(away);
    this.#toward.set(address, toward);
    this.#away.set(address, away);
    this.#ways.clear();
  }

  /**
   * Sets the way from one address to another, in this direction only.
   *
   * @throws {RangeError} if an option is out of range
   */
  setPath(from: string, to: string, link: LinkOptions): void {
    checkLink(link);
    this.#pairs.set(`${from} ${to}`, link);
    this.#ways.get(from)?.delete(to);
  }

  /**
   * Loses what leaves in a span of time: everything, or what comes from or goes to some addresses.
   *
   * @throws {RangeError} if the span ends before it begins
   */
  cut(span: Span, addresses?: readonly string[]): void {
    checkSpan("span", span);
    this.#cuts.push({ ...span, addresses: addresses && new Set(addresses) });
  }

  #pass({ source, receiver, data }: MemoryDatagram): readonly number[] {
    const now = this.#time.elapsedNanoseconds / 1e9;
    const from = source.rawHostname, to = receiver.rawHostname;
    const [first, second] = this.#linksOf(from, to);
    const delays = first!.transit(now, data);
    if (this.#cuts.some((cut) => isCut(cut, now, from, to))) return [];
    if (second === undefined) return delays;
    return delays.flatMap((delay) => second.transit(now, data).map((more) => delay + more));
  }

  #linksOf(from: string, to: string): readonly Link[] {
    let ways = this.#ways.get(from);
    if (ways === undefined) this.#ways.set(from, ways = new Map());
    let links = ways.get(to);
    if (links === undefined) ways.set(to, links = this.#openLinks(from, to));
    return links;
  }

  #openLinks(from: string, to: string): Link[] {
    const nameOf = (address: string) => this.#names.get(address) ?? address;
    const random = this.#random.fork(`${nameOf(from)} ${nameOf(to)}`);
    const pair = this.#pairs.get(`${from} ${to}`);
    if (pair !== undefined) return [new Link(pair, random)];
    const access = [this.#away.get(from), this.#toward.get(to)].filter((one) => one !== undefined);
    if (access.length === 0) return [new Link(this.#default, random)];
    return access.map((link, index) => new Link(link, random.fork(`${index}`)));
  }
}

function isCut(cut: Cut, now: number, from: string, to: string): boolean {
  if (!isWithin(now, cut)) return false;
  return cut.addresses === undefined || cut.addresses.has(from) || cut.addresses.has(to);
}
