import { BpfAssembler, type BpfLabel, type BpfRegister } from "./bpf_assembler.ts";

/** What a program gives back (`enum xdp_action`). */
export const XDP_PASS = 2, XDP_REDIRECT = 4;

/** Helper functions of the kernel (`enum bpf_func_id`). */
const KTIME_GET_NS = 5, REDIRECT_MAP = 51, XDP_ADJUST_META = 54;

/** Offsets in `struct xdp_md`. */
const DATA = 0, DATA_END = 4, DATA_META = 8, RX_QUEUE_INDEX = 16;

/** The stamp before a frame: 8 bytes, nanoseconds of CLOCK_MONOTONIC. */
export const STAMP_LENGTH = 8;

/** EtherTypes and protocol numbers; those of two bytes as a little-endian machine loads them. */
const IPV4 = 0x0008, IPV6 = 0xdd86, VLAN = 0x0081, SERVICE_VLAN = 0xa888, UDP = 17;
/** How many VLAN tags there may be: 802.1Q, and 802.1ad around it. */
export const MAX_TAGS = 2;
const ETHERNET_LENGTH = 14, TAG_LENGTH = 4, IPV4_LENGTH = 20, IPV6_LENGTH = 40, UDP_LENGTH = 8;

/** What is taken from an interface. */
export interface RedirectRule {
  /** UDP port that datagrams go to. */
  readonly port: number;
  /** Addresses that they go to, 4 or 16 bytes each. */
  readonly addresses: readonly Uint8Array[];
  /** IPv4 broadcast addresses, 4 bytes each: never a source to be answered. */
  readonly broadcasts: readonly Uint8Array[];
  /** Hardware address of the interface, 6 bytes. What goes to another is not for this machine. */
  readonly mac: Uint8Array | undefined;
}

const CONTEXT: BpfRegister = 6, PACKET: BpfRegister = 2, END: BpfRegister = 3;

/**
 * The program that runs in the kernel for each frame that arrives. UDP datagrams to the port at one of
 * the addresses go to the AF_XDP socket of their queue; everything else goes on as without it: other
 * ports, addresses, protocols, IPv4 with options or in fragments, IPv6 with extension headers, more
 * VLAN tags than two, and all if the queue has no socket. In front of what is redirected it leaves
 * when it arrived, where the driver has room.
 *
 * @param rule what is taken
 * @param map descriptor of the XSKMAP, from queues to sockets
 */
export function redirectProgram(rule: RedirectRule, map: number): Uint8Array<ArrayBuffer> {
  const code = new BpfAssembler();
  const pass = code.label(), take = code.label();
  code.move(CONTEXT, 1);
  code.load(4, PACKET, CONTEXT, DATA);
  code.load(4, END, CONTEXT, DATA_END);
  requireLength(code, ETHERNET_LENGTH + IPV4_LENGTH + UDP_LENGTH, pass);
  if (rule.mac !== undefined) {
    requireWord(code, 4, 0, rule.mac.subarray(0, 4), pass);
    requireWord(code, 2, 4, rule.mac.subarray(4, 6), pass);
  }
  // The tags are gone through by code of its own for each count: so all offsets are constants, and
  // the verifier has nothing to guess.
  for (let tags = 0; tags <= MAX_TAGS; tags++) {
    const further = code.label(), ipv6 = code.label();
    const network = ETHERNET_LENGTH + tags * TAG_LENGTH;
    if (tags > 0) requireLength(code, network + IPV4_LENGTH + UDP_LENGTH, pass);
    code.load(2, 0, PACKET, network - 2);
    if (tags < MAX_TAGS) {
      code.jumpIf(0, "==", VLAN, further);
      code.jumpIf(0, "==", SERVICE_VLAN, further);
    }
    code.jumpIf(0, "==", IPV6, ipv6);
    code.jumpIf(0, "!=", IPV4, pass);
    takeIpv4(code, rule, network, take, pass);
    code.place(ipv6);
    takeIpv6(code, rule, network, take, pass);
    code.place(further);
  }
  code.place(take);
  redirect(code, map);
  code.place(pass);
  code.set(0, XDP_PASS);
  code.exit();
  return code.assemble();
}

function takeIpv4(
  code: BpfAssembler,
  { port, addresses, broadcasts }: RedirectRule,
  at: number,
  take: BpfLabel,
  pass: BpfLabel,
): void {
  code.load(1, 0, PACKET, at);
  code.jumpIf(0, "!=", 0x45, pass); // version 4, and no options
  code.load(2, 0, PACKET, at + 6);
  code.and(0, 0xff3f); // all but "do not fragment" and the reserved bit
  code.jumpIf(0, "!=", 0, pass);
  code.load(1, 0, PACKET, at + 9);
  code.jumpIf(0, "!=", UDP, pass);
  code.load(2, 0, PACKET, at + IPV4_LENGTH + 2);
  code.jumpIf(0, "!=", swap16(port), pass);
  code.load(4, 0, PACKET, at + 12);
  for (const source of broadcasts) jumpIfWord(code, source, 0, pass);
  code.load(4, 0, PACKET, at + 16);
  for (const address of addresses) {
    if (address.length === 4) jumpIfWord(code, address, 0, take);
  }
  code.jump(pass);
}

function takeIpv6(
  code: BpfAssembler,
  { port, addresses }: RedirectRule,
  at: number,
  take: BpfLabel,
  pass: BpfLabel,
): void {
  requireLength(code, at + IPV6_LENGTH + UDP_LENGTH, pass);
  code.load(1, 0, PACKET, at);
  code.and(0, 0xf0);
  code.jumpIf(0, "!=", 0x60, pass);
  code.load(1, 0, PACKET, at + 6);
  code.jumpIf(0, "!=", UDP, pass);
  code.load(2, 0, PACKET, at + IPV6_LENGTH + 2);
  code.jumpIf(0, "!=", swap16(port), pass);
  // Aligned to 2 bytes only, and some machines load no more at once: in words of 4.
  for (let i = 0; i < 4; i++) code.load(4, ([0, 4, 5, 7] as const)[i]!, PACKET, at + 24 + 4 * i);
  for (const address of addresses) {
    if (address.length !== 16) continue;
    const next = code.label();
    for (let i = 0; i < 4; i++) {
      const register = ([0, 4, 5, 7] as const)[i]!;
      code.setLong(8, BigInt(word(address, 4 * i)));
      if (i < 3) code.jumpIfRegister(register, "!=", 8, next);
      else code.jumpIfRegister(register, "==", 8, take);
    }
    code.place(next);
  }
  code.jump(pass);
}

/** Stamps the frame and gives it to the socket of its queue. */
function redirect(code: BpfAssembler, map: number): void {
  const unstamped = code.label();
  code.move(1, CONTEXT);
  code.set(2, -STAMP_LENGTH);
  code.call(XDP_ADJUST_META);
  code.jumpIf(0, "!=", 0, unstamped);
  code.call(KTIME_GET_NS);
  code.load(4, 2, CONTEXT, DATA_META);
  code.load(4, 3, CONTEXT, DATA);
  code.move(4, 2);
  code.add(4, STAMP_LENGTH);
  code.jumpIfRegister(4, ">", 3, unstamped); // for the verifier: it cannot be
  code.store(8, 2, 0, 0);
  code.place(unstamped);
  code.setMap(1, map);
  code.load(4, 2, CONTEXT, RX_QUEUE_INDEX);
  code.set(3, XDP_PASS); // where the queue has no socket (Linux 5.3)
  code.call(REDIRECT_MAP);
  code.exit();
}

/** Goes to `pass` unless the frame has so many bytes. */
function requireLength(code: BpfAssembler, bytes: number, pass: BpfLabel): void {
  code.move(0, PACKET);
  code.add(0, bytes);
  code.jumpIfRegister(0, ">", END, pass);
}

/** Goes to `pass` unless `bytes` stand at `offset`. */
function requireWord(
  code: BpfAssembler,
  size: 2 | 4,
  offset: number,
  bytes: Uint8Array,
  pass: BpfLabel,
): void {
  code.load(size, 0, PACKET, offset);
  // An immediate is extended by its sign, a loaded word by zeros: only a long one can be compared.
  code.setLong(8, BigInt(size === 4 ? word(bytes, 0) : bytes[0]! | (bytes[1]! << 8)));
  code.jumpIfRegister(0, "!=", 8, pass);
}

/** Jumps if register 0 holds the four bytes at `at`. */
function jumpIfWord(code: BpfAssembler, bytes: Uint8Array, at: number, target: BpfLabel): void {
  code.setLong(8, BigInt(word(bytes, at)));
  code.jumpIfRegister(0, "==", 8, target);
}

/** Four bytes as a little-endian machine loads them. */
function word(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>>
    0;
}

function swap16(value: number): number {
  return ((value & 0xff) << 8) | (value >>> 8);
}
