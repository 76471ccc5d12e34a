import { test } from "node:test";
import process from "node:process";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { loadFfi } from "../../../../src/transport/native/ffi/load_ffi.ts";
import { Bpf } from "../../../../src/transport/native/xdp/bpf.ts";
import { BpfAssembler } from "../../../../src/transport/native/xdp/bpf_assembler.ts";
import {
  redirectProgram,
  type RedirectRule,
  XDP_PASS,
  XDP_REDIRECT,
} from "../../../../src/transport/native/xdp/redirect_program.ts";
import { openXdpSystemCalls } from "../../../../src/transport/native/xdp/xdp_system_calls.ts";
import { interpret } from "./bpf_interpreter.ts";
import { addressBytes, type FrameOptions, makeFrame, OWN_MAC } from "./frames.ts";

const RULE: RedirectRule = {
  port: 123,
  addresses: ["192.0.2.1", "198.51.100.200", "2001:db8::1", "fe80::9abc:def0"].map(addressBytes),
  broadcasts: [addressBytes("192.0.2.255")],
  mac: OWN_MAC,
};
const IPV6: FrameOptions = { from: "2001:db8::9", to: "2001:db8::1" };
const VLAN = 0x8100, SERVICE_VLAN = 0x88a8;
const WORLD = { queue: 0, sockets: [0], nanoseconds: 0x123456789abcdefn, hasRoom: true };

/** What is taken, and what goes on. */
const TAKEN: Record<string, FrameOptions> = {
  "IPv4": {},
  "IPv4, another address": { to: "198.51.100.200" },
  "IPv4, an address with high bytes": { from: "255.255.255.254" },
  "IPv4 that may be fragmented": { fragment: 0 },
  "IPv4 with the reserved bit": { fragment: 0x8000 },
  "IPv4 of port 0": { fromPort: 0 },
  "IPv4 without data": { data: new Uint8Array(0) },
  "IPv4, padded": { data: new Uint8Array(1), padding: 17 },
  "IPv4 of 1,472 bytes": { data: new Uint8Array(1472) },
  "IPv4 in a VLAN": { tags: [VLAN] },
  "IPv4 in a service VLAN": { tags: [SERVICE_VLAN] },
  "IPv4 in a VLAN in a service VLAN": { tags: [SERVICE_VLAN, VLAN] },
  "IPv6": IPV6,
  "IPv6, link-local": { ...IPV6, to: "fe80::9abc:def0" },
  "IPv6 without data": { ...IPV6, data: new Uint8Array(0) },
  "IPv6 in a VLAN": { ...IPV6, tags: [VLAN] },
  "IPv6 in two VLANs": { ...IPV6, tags: [VLAN, VLAN] },
};
const PASSED: Record<string, FrameOptions> = {
  "another port": { toPort: 124 },
  "the port with its bytes swapped": { toPort: 0x7b00 },
  "the port as the source": { fromPort: 123, toPort: 50123 },
  "another address": { to: "192.0.2.2" },
  "a broadcast": { to: "192.0.2.255" },
  "a group": { to: "224.0.1.1" },
  "from a broadcast address": { from: "192.0.2.255" },
  "to another machine": { toMac: Uint8Array.of(2, 0, 0, 0, 0, 3) },
  "to another machine, other bytes": { toMac: Uint8Array.of(3, 0, 0, 0, 0, 1) },
  "to everybody's hardware address": { toMac: new Uint8Array(6).fill(255) },
  "TCP": { protocol: 6 },
  "ICMP": { protocol: 1 },
  "IPv4 with options": { options: 4 },
  "IPv4 with all options": { options: 40 },
  "the first fragment": { fragment: 0x2000 },
  "the last fragment": { fragment: 0x0001 },
  "a fragment far behind": { fragment: 0x1f00 },
  "three tags": { tags: [SERVICE_VLAN, VLAN, VLAN] },
  "an unknown tag": { tags: [0x9100] },
  "IPv6 to another port": { ...IPV6, toPort: 124 },
  "IPv6 to another address, first word": { ...IPV6, to: "2001:db9::1" },
  "IPv6 to another address, last word": { ...IPV6, to: "2001:db8::2" },
  "IPv6 to another address, between": { ...IPV6, to: "2001:db8:0:1::1" },
  "IPv6 to a group": { ...IPV6, to: "ff02::101" },
  "IPv6 with hop-by-hop options": { ...IPV6, protocol: 0 },
  "an IPv6 fragment": { ...IPV6, protocol: 44 },
  "IPv6, TCP": { ...IPV6, protocol: 6 },
};
const CASES = [
  ...Object.entries(TAKEN).map(([name, options]) => [name, options, XDP_REDIRECT] as const),
  ...Object.entries(PASSED).map(([name, options]) => [name, options, XDP_PASS] as const),
];

test("redirect program: what is taken, and what goes on", () => {
  const program = redirectProgram(RULE, 3);
  for (const [name, options, result] of CASES) {
    assertEquals(interpret(program, makeFrame(options), WORLD).result, result, name);
  }
});

test("redirect program: frames of all lengths, and nothing is read behind their end", () => {
  const program = redirectProgram(RULE, 3);
  for (
    const options of [{}, { tags: [VLAN] }, { tags: [VLAN, VLAN] }, IPV6, { ...IPV6, tags: [VLAN] }]
  ) {
    const frame = makeFrame({ ...options, data: new Uint8Array(0) });
    for (let length = 0; length <= frame.length; length++) {
      const { result } = interpret(program, frame.subarray(0, length), WORLD);
      assertEquals(result, length === frame.length ? XDP_REDIRECT : XDP_PASS, `${length} bytes`);
    }
  }
});

test("redirect program: random bytes never stop it", () => {
  const program = redirectProgram(RULE, 3);
  let state = 0x2545f491;
  const random = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  const templates = CASES.map(([, options]) => makeFrame(options));
  for (let i = 0; i < 3000; i++) {
    const frame = templates[random() % templates.length]!.slice();
    for (let k = random() % 4; k >= 0; k--) frame[random() % Math.min(frame.length, 64)] = random();
    const { result, steps } = interpret(program, frame, WORLD);
    assert(result === XDP_PASS || result === XDP_REDIRECT, `${result}`);
    assert(steps < 200, `${steps} steps`);
  }
});

test("redirect program: a stamp before the frame where there is room", () => {
  const program = redirectProgram(RULE, 3);
  assertEquals(interpret(program, makeFrame(), WORLD).stamp, WORLD.nanoseconds);
  const without = interpret(program, makeFrame(), { ...WORLD, hasRoom: false });
  assertEquals([without.result, without.stamp], [XDP_REDIRECT, undefined]);
  assertEquals(interpret(program, makeFrame({ toPort: 1 }), WORLD).stamp, undefined);
});

test("redirect program: a queue without socket passes everything on", () => {
  const program = redirectProgram(RULE, 3);
  const world = { ...WORLD, queue: 3, sockets: [0, 1] };
  assertEquals(interpret(program, makeFrame(), world).result, XDP_PASS);
  assertEquals(interpret(program, makeFrame(), { ...world, queue: 1 }).result, XDP_REDIRECT);
});

test("redirect program: without a hardware address each is taken; without addresses nothing", () => {
  const frame = makeFrame({ toMac: Uint8Array.of(9, 9, 9, 9, 9, 9) });
  const open = redirectProgram({ ...RULE, mac: undefined }, 3);
  assertEquals(interpret(open, frame, WORLD).result, XDP_REDIRECT);
  const none = redirectProgram({ ...RULE, addresses: [] }, 3);
  assertEquals(interpret(none, makeFrame(), WORLD).result, XDP_PASS);
  assertEquals(interpret(none, makeFrame(IPV6), WORLD).result, XDP_PASS);
});

test("redirect program: hundreds of addresses", () => {
  const addresses = Array.from({ length: 300 }, (_, i) => [
    addressBytes(`10.0.${i >> 8}.${i & 255}`),
    addressBytes(`2001:db8::${(i + 16).toString(16)}`),
  ]).flat();
  const program = redirectProgram({ ...RULE, addresses }, 3);
  for (const to of ["10.0.0.0", "10.0.1.43"]) {
    assertEquals(interpret(program, makeFrame({ to }), WORLD).result, XDP_REDIRECT, to);
  }
  for (const to of ["2001:db8::10", "2001:db8::13b"]) {
    assertEquals(interpret(program, makeFrame({ ...IPV6, to }), WORLD).result, XDP_REDIRECT, to);
  }
  assertEquals(interpret(program, makeFrame({ to: "10.0.1.44" }), WORLD).result, XDP_PASS);
});

test("BPF assembler: instructions as RFC 9669 lays them out", () => {
  const code = new BpfAssembler(), end = code.label();
  code.move(6, 1);
  code.set(0, -2);
  code.load(2, 3, 6, -4);
  code.store(8, 10, -16, 3);
  code.jumpIf(0, "!=", 5, end);
  code.setLong(4, 0x1122334455667788n);
  code.setMap(1, 9);
  code.place(end);
  code.exit();
  assertEquals([...code.assemble()], [
    ...[0xbf, 0x16, 0, 0, 0, 0, 0, 0],
    ...[0xb7, 0x00, 0, 0, 0xfe, 0xff, 0xff, 0xff],
    ...[0x69, 0x63, 0xfc, 0xff, 0, 0, 0, 0],
    ...[0x7b, 0x3a, 0xf0, 0xff, 0, 0, 0, 0],
    ...[0x55, 0x00, 4, 0, 5, 0, 0, 0],
    ...[0x18, 0x04, 0, 0, 0x88, 0x77, 0x66, 0x55],
    ...[0, 0, 0, 0, 0x44, 0x33, 0x22, 0x11],
    ...[0x18, 0x11, 0, 0, 9, 0, 0, 0],
    ...[0, 0, 0, 0, 0, 0, 0, 0],
    ...[0x95, 0, 0, 0, 0, 0, 0, 0],
  ]);
});

test("BPF assembler: a label without place, or with two, is refused", () => {
  const code = new BpfAssembler(), label = code.label();
  code.jump(label);
  assertThrows(() => code.assemble(), TypeError, "no place");
  code.place(label);
  assertThrows(() => code.place(label), TypeError, "already");
});

const { ffi, reason } = await loadFfi();

/** A loaded program of this kernel's, or why there is none. */
function load(): { bpf: Bpf; program: number; close(): void } | string {
  if (process.platform !== "linux") return "needs Linux";
  if (ffi === undefined) return reason;
  try {
    const calls = openXdpSystemCalls(ffi);
    const bpf = new Bpf(calls, process.arch);
    const map = bpf.createSocketMap(1);
    const program = bpf.load(redirectProgram(RULE, map));
    return {
      bpf,
      program,
      close() {
        calls.close(program);
        calls.close(map);
      },
    };
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (code === "EPERM" || code === "ENOSYS") return `needs bpf(2): ${message}`;
    throw error;
  }
}

const loaded = load();
const skip = typeof loaded === "string" ? loaded : false;

test("redirect program: the kernel takes it, and it does the same there", { skip }, () => {
  if (typeof loaded === "string") return;
  try {
    for (const [name, options, result] of CASES) {
      // No queue has a socket here, so what is taken goes on too; but it was stamped before.
      const frame = makeFrame(options), stamp = result === XDP_REDIRECT ? 8 : 0;
      const run = loaded.bpf.run(loaded.program, frame);
      assertEquals(run.result, XDP_PASS, name);
      assertEquals(
        [run.frame.length, run.frame.subarray(stamp)],
        [frame.length + stamp, frame],
        name,
      );
    }
  } finally {
    loaded.close();
  }
});

test("redirect program: what the verifier refuses is told in its words", { skip }, () => {
  if (ffi === undefined) return;
  const code = new BpfAssembler();
  code.load(4, 0, 7, 0); // register 7 was never written
  code.exit();
  const bpf = new Bpf(openXdpSystemCalls(ffi), process.arch);
  assertThrows(() => bpf.load(code.assemble()), Error, "R7 !read_ok");
});
