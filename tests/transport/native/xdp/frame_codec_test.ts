import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { Endpoint } from "../../../../src/transport/endpoint.ts";
import {
  BAD_CHECKSUM,
  BAD_KIND,
  BAD_LENGTH,
  BAD_SOURCE,
  FrameCodec,
} from "../../../../src/transport/native/xdp/frame_codec.ts";
import {
  addressBytes,
  type FrameOptions,
  makeFrame,
  onesSum,
  OWN_MAC,
  PEER_MAC,
} from "./frames.ts";

const IPV6: FrameOptions = { from: "2001:db8::9", to: "2001:db8::1" };
const VLAN = 0x8100, SERVICE_VLAN = 0x88a8;
const AT = 256;

/** Puts a frame into memory and reads it. */
function read(frame: Uint8Array, at = AT) {
  const memory = new ArrayBuffer(4096);
  const bytes = new Uint8Array(memory).fill(0xdd);
  bytes.set(frame, at);
  const codec = new FrameCodec(memory, 7, "eth0");
  const source = new Endpoint("", 0);
  const length = codec.read(at, frame.length, source);
  const reply = (data: Uint8Array) => bytes.slice(at, at + codec.reply(data));
  return { codec, bytes, source, length, reply };
}

const GOOD: Record<string, FrameOptions> = {
  "IPv4": {},
  "IPv4 of one byte": { data: Uint8Array.of(9) },
  "IPv4 of none": { data: new Uint8Array(0) },
  "IPv4 of an odd length": { data: new Uint8Array(51).fill(0xfe) },
  "IPv4, padded": { data: Uint8Array.of(1, 2, 3), padding: 15 },
  "IPv4 without checksum": { checksum: "none" },
  "IPv4, checksum left to hardware": { checksum: "partial" },
  "IPv4, long": { data: new Uint8Array(1472).fill(0xff) },
  "IPv4 in a VLAN": { tags: [VLAN] },
  "IPv4 in two": { tags: [SERVICE_VLAN, VLAN] },
  "IPv6": IPV6,
  "IPv6 of an odd length": { ...IPV6, data: new Uint8Array(49).fill(0x80) },
  "IPv6, checksum left to hardware": { ...IPV6, checksum: "partial" },
  "IPv6 in a VLAN": { ...IPV6, tags: [VLAN] },
  "IPv6 in two": { ...IPV6, tags: [VLAN, VLAN] },
  "IPv6, padded": { ...IPV6, padding: 3 },
};

test("frame codec: payload and source of good frames", () => {
  for (const [name, options] of Object.entries(GOOD)) {
    const { codec, source, length } = read(makeFrame(options));
    const { data = Uint8Array.from({ length: 48 }, (_, i) => 7 * i + 1) } = options;
    assertEquals(codec.payload.subarray(0, Math.max(0, length)), data, name);
    assertEquals(length, data.length, name);
    assertEquals(`${source}`, `${new Endpoint(options.from ?? "192.0.2.9", 50123)}`, name);
    assertEquals(
      [...source.bytes.subarray(12)],
      [...addressBytes(source.hostname).slice(-4)],
      name,
    );
  }
});

test("frame codec: replies go back the way they came, and their checksums are right", () => {
  for (const [name, options] of Object.entries(GOOD)) {
    const { data = new Uint8Array(48) } = options;
    for (const length of new Set([data.length, data.length >> 1, 0])) {
      const { reply } = read(makeFrame(options));
      const payload = Uint8Array.from({ length }, (_, i) => 255 - 3 * i);
      const expected = makeFrame({
        ...options,
        from: options.to ?? "192.0.2.1",
        to: options.from ?? "192.0.2.9",
        fromPort: 123,
        toPort: 50123,
        fromMac: OWN_MAC,
        toMac: PEER_MAC,
        data: payload,
        padding: 0,
        checksum: "right",
      });
      // What a socket of this machine would have chosen.
      const network = 14 + 4 * (options.tags?.length ?? 0);
      if (options.from === undefined) {
        expected[network + 8] = 64;
        expected.fill(0, network + 4, network + 6);
        expected.fill(0, network + 10, network + 12);
        const sum = ~onesSum(expected.subarray(network, network + 20)) & 0xffff;
        expected.set([sum >> 8, sum & 255], network + 10);
      } else {
        expected.set([0x60, 0, 0, 0], network);
        expected[network + 7] = 64;
      }
      assertEquals(reply(payload), expected, `${name}, ${length} bytes`);
    }
  }
});

test("frame codec: a checksum that comes out as 0 is sent as 0xffff", () => {
  for (const options of [{}, IPV6]) {
    const probe = makeFrame({ ...options, data: new Uint8Array(2) });
    const at = probe.length - 4;
    // What the checksum of zeros is, put into the data, makes the sum complete.
    const answer = read(probe).reply(new Uint8Array(2));
    const missing = answer.slice(at, at + 2);
    const { reply } = read(makeFrame({ ...options, data: new Uint8Array(2) }));
    assertEquals([...reply(missing).subarray(at, at + 2)], [255, 255]);
  }
});

test("frame codec: what is not right is not delivered", () => {
  const cases: [string, FrameOptions, number][] = [
    ["IPv4, header checksum", { headerChecksum: "wrong" }, BAD_CHECKSUM],
    ["IPv4, checksum", { checksum: "wrong" }, BAD_CHECKSUM],
    ["IPv6, checksum", { ...IPV6, checksum: "wrong" }, BAD_CHECKSUM],
    ["IPv6, none", { ...IPV6, checksum: "none" }, BAD_CHECKSUM],
    ["IPv4, UDP longer than its packet", { udpLengthError: 1 }, BAD_LENGTH],
    ["IPv4, UDP shorter than its header", { udpLengthError: -49 }, BAD_LENGTH],
    ["IPv4, longer than the frame", { ipLengthError: 1 }, BAD_LENGTH],
    ["IPv4, shorter than its headers", { ipLengthError: -49 }, BAD_LENGTH],
    ["IPv6, UDP longer than its packet", { ...IPV6, udpLengthError: 1 }, BAD_LENGTH],
    ["IPv6, longer than the frame", { ...IPV6, ipLengthError: 1 }, BAD_LENGTH],
    ["IPv6, a jumbogram", { ...IPV6, ipLengthError: -56 }, BAD_LENGTH],
    ["IPv4 with options", { options: 4 }, BAD_KIND],
    ["IPv4, a fragment", { fragment: 0x2000 }, BAD_KIND],
    ["IPv4, TCP", { protocol: 6 }, BAD_KIND],
    ["IPv6, TCP", { ...IPV6, protocol: 6 }, BAD_KIND],
    ["three tags", { tags: [VLAN, VLAN, VLAN] }, BAD_KIND],
    ["from a group's hardware address", { fromMac: Uint8Array.of(3, 0, 0, 0, 0, 2) }, BAD_SOURCE],
    ["from nobody", { from: "0.0.0.0" }, BAD_SOURCE],
    ["from loopback", { from: "127.0.0.1" }, BAD_SOURCE],
    ["from a group", { from: "224.0.1.1" }, BAD_SOURCE],
    ["from what is reserved", { from: "240.0.0.1" }, BAD_SOURCE],
    ["from everybody", { from: "255.255.255.255" }, BAD_SOURCE],
    ["IPv6 from nobody", { ...IPV6, from: "::" }, BAD_SOURCE],
    ["IPv6 from loopback", { ...IPV6, from: "::1" }, BAD_SOURCE],
    ["IPv6 from a group", { ...IPV6, from: "ff02::1" }, BAD_SOURCE],
  ];
  for (const [name, options, reason] of cases) {
    const { length, source } = read(makeFrame(options));
    assertEquals(length, reason, name);
    assertEquals(source.port, 0, name);
  }
});

test("frame codec: IPv4-mapped and compatible IPv6 sources are nobody on a wire", () => {
  for (const from of ["::ffff:0:0", "::c000:209"]) {
    const frame = makeFrame({ ...IPV6, from: "2001:db8::9" });
    const source = new Uint8Array(16);
    source.set(from === "::ffff:0:0" ? [0xff, 0xff, 192, 0, 2, 9] : [0, 0, 192, 0, 2, 9], 10);
    frame.set(source, 22);
    assertEquals(read(frame).length, BAD_SOURCE, from);
  }
});

test("frame codec: frames cut anywhere are refused, and nothing behind them is read", () => {
  for (const options of [{}, IPV6, { tags: [VLAN, VLAN] }]) {
    const frame = makeFrame(options);
    for (let length = 0; length < frame.length; length++) {
      const memory = new ArrayBuffer(AT + length + (length & 1));
      new Uint8Array(memory).set(frame.subarray(0, length), AT);
      const codec = new FrameCodec(memory, 7, "eth0");
      assert(codec.read(AT, length, new Endpoint("", 0)) < 0, `${length} bytes`);
    }
  }
});

test("frame codec: one wrong bit anywhere is noticed, or is of no matter", () => {
  for (const options of [{}, IPV6]) {
    const frame = makeFrame(options);
    // Not looked at: hardware addresses, and of IPv6 traffic class, flow label and hop limit, which no
    // checksum covers.
    const free = new Set([...Array(12).keys(), ...(options === IPV6 ? [14, 15, 16, 17, 21] : [])]);
    for (let bit = 0; bit < 8 * frame.length; bit++) {
      if (free.has(bit >> 3)) continue;
      const wrong = frame.slice();
      wrong[bit >> 3]! ^= 1 << (bit & 7);
      assert(read(wrong).length < 0, `bit ${bit & 7} of byte ${bit >> 3}`);
    }
  }
});

test("frame codec: at an odd address nothing is read", () => {
  assertEquals(read(makeFrame(), AT + 1).length, BAD_LENGTH);
  assertEquals(read(makeFrame(), AT + 2).length, 48);
});

test("frame codec: a link-local source has the interface as its scope", () => {
  const { source } = read(makeFrame({ from: "fe80::9", to: "fe80::1" }));
  assertEquals([source.hostname, source.scope], ["fe80::9%eth0", 7]);
  assertEquals(read(makeFrame(IPV6)).source.scope, 0);
});

test("frame codec: only the frame is written to", () => {
  const frame = makeFrame({ data: new Uint8Array(51) });
  const { bytes, reply } = read(frame);
  reply(new Uint8Array(51).fill(9));
  assert(bytes.subarray(0, AT).every((byte) => byte === 0xdd));
  assert(bytes.subarray(AT + frame.length).every((byte) => byte === 0xdd));
});
