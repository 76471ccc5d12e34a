import { Endpoint } from "../endpoint.ts";
import type { MulticastSocket } from "../multicast.ts";
import {
  IP_ADD_MEMBERSHIP,
  IP_DROP_MEMBERSHIP,
  IP_MULTICAST_IF,
  IP_MULTICAST_LOOP,
  IP_MULTICAST_TTL,
  IPV6_JOIN_GROUP,
  IPV6_LEAVE_GROUP,
  IPV6_MULTICAST_HOPS,
  IPV6_MULTICAST_IF,
  IPV6_MULTICAST_LOOP,
  SOL_IP,
  SOL_IPV6,
  SystemCallError,
} from "./linux.ts";
import { Scratch } from "./scratch.ts";
import type { SystemCalls } from "./system_calls.ts";

/** `struct ip_mreqn` and `struct ipv6_mreq`. */
const IP_MREQN = 12, IPV6_MREQ = 20;

/** What concerns groups, of one socket: the form that `Multicast` wants. */
export class NativeMulticastSocket implements MulticastSocket {
  readonly #calls: SystemCalls;
  readonly #fd: number;
  readonly #family: 4 | 6;
  readonly #scratch: Scratch;

  constructor(calls: SystemCalls, fd: number, family: 4 | 6) {
    this.#calls = calls;
    this.#fd = fd;
    this.#family = family;
    this.#scratch = new Scratch(calls);
  }

  addMembership(group: string, via?: string): void {
    this.#member(IP_ADD_MEMBERSHIP, IPV6_JOIN_GROUP, group, via);
  }

  dropMembership(group: string, via?: string): void {
    this.#member(IP_DROP_MEMBERSHIP, IPV6_LEAVE_GROUP, group, via);
  }

  setMulticastTTL(hopLimit: number): void {
    this.#setNumber(IP_MULTICAST_TTL, IPV6_MULTICAST_HOPS, hopLimit);
  }

  setMulticastLoopback(loopback: boolean): void {
    this.#setNumber(IP_MULTICAST_LOOP, IPV6_MULTICAST_LOOP, loopback ? 1 : 0);
  }

  setMulticastInterface(via: string): void {
    if (this.#family === 6) return this.#setNumber(0, IPV6_MULTICAST_IF, this.#indexOf(via));
    this.#writeAddress4(0, via);
    this.#set(SOL_IP, IP_MULTICAST_IF, 4);
  }

  /** Interfaces are an IPv4 address, or `::%eth0`; none leaves them to the routes. */
  #member(option4: number, option6: number, group: string, via: string | undefined): void {
    const { bytes, view } = this.#scratch;
    if (this.#family === 4) {
      bytes.fill(0, 0, IP_MREQN);
      this.#writeAddress4(0, group);
      if (via !== undefined) this.#writeAddress4(4, via);
      return this.#set(SOL_IP, option4, IP_MREQN);
    }
    const index = via === undefined ? 0 : this.#indexOf(via);
    bytes.set(new Endpoint(group, 0).bytes);
    view.setUint32(16, index, true);
    this.#set(SOL_IPV6, option6, IPV6_MREQ);
  }

  #setNumber(option4: number, option6: number, value: number): void {
    this.#scratch.view.setInt32(0, value, true);
    if (this.#family === 4) this.#set(SOL_IP, option4, 4);
    else this.#set(SOL_IPV6, option6, 4);
  }

  #set(level: number, option: number, length: number): void {
    const { setsockopt, errno } = this.#calls;
    if (setsockopt(this.#fd, level, option, this.#scratch.pointer, length) === 0) return;
    throw new SystemCallError("setsockopt", errno());
  }

  #indexOf(via: string): number {
    const index = this.#scratch.interfaceIndex(via.slice(via.indexOf("%") + 1));
    if (index === 0) throw new SystemCallError("if_nametoindex", this.#calls.errno());
    return index;
  }

  #writeAddress4(at: number, address: string): void {
    this.#scratch.bytes.set(new Endpoint(address, 0).bytes.subarray(12), at);
  }
}
