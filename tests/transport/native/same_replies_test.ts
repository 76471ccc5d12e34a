// Replies over native sockets are those over the runtime's own, byte for byte.
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { SymmetricKey } from "../../../src/auth/symmetric_key.ts";
import { FunctionClock } from "../../../src/clock/function_clock.ts";
import { NTPPacket } from "../../../src/packet/packet.ts";
import { NTPServer } from "../../../src/server/ntp_server.ts";
import { Endpoint } from "../../../src/transport/endpoint.ts";
import { udpAdapter } from "../../../src/transport/bind_udp.ts";
import { Inbox } from "../inbox.ts";
import { skip } from "./system.ts";

const NOW = 0xec123456_80000000n;
const clock = new FunctionClock(() => NOW);
const key = new SymmetricKey({ id: 7, type: "SHA1", secret: new Uint8Array(20).fill(3) });
/** Where the receive timestamp stands: native sockets know it better. */
const RECEIVE = 32, TRANSMIT = 40;

/** Requests of all kinds, wrong ones among them. */
function requests(): Uint8Array[] {
  const made: Uint8Array[] = [];
  for (let version = 0; version < 8; version++) {
    for (let mode = 0; mode < 8; mode++) {
      const bytes = new NTPPacket({ transmitTimestamp: BigInt(1 + version * 8 + mode) }).encode();
      bytes[0] = version << 3 | mode;
      bytes[2] = version * 37 + mode;
      made.push(bytes);
    }
  }
  const plain = new NTPPacket({ transmitTimestamp: 99n }).encode();
  for (let length = 0; length < 200; length += 7) {
    const bytes = new Uint8Array(length);
    bytes.set(plain.subarray(0, Math.min(48, length)));
    made.push(bytes);
  }
  for (const id of [7, 8]) {
    const signed = new Uint8Array(72);
    signed.set(plain);
    signed[51] = id;
    signed.set(key.sign(plain, 4), 52);
    made.push(signed);
  }
  return made;
}

/** The reply to each request, or undefined: a plain request sent behind it is answered first. */
async function repliesOver(transport: "native" | "portable"): Promise<(Uint8Array | undefined)[]> {
  const server = new NTPServer({ clock, refid: "GPS", keys: [key], transport });
  const { port } = await server.listen({ hostname: "127.0.0.1", port: 0 });
  const inbox = new Inbox();
  const client = await udpAdapter("portable")(inbox.options({ hostname: "127.0.0.1" }));
  const to = new Endpoint("127.0.0.1", port);
  const marker = new NTPPacket({ transmitTimestamp: 0xdeadn }).encode();
  const isMarker = (data: Uint8Array) =>
    data.length === 48 && data[30] === 0xde && data[31] === 0xad;
  try {
    const replies: (Uint8Array | undefined)[] = [];
    for (const request of requests()) {
      const before = inbox.received.length;
      client.send(request, to);
      client.send(marker, to);
      await inbox.until(() => inbox.received.slice(before).some(({ data }) => isMarker(data)));
      const [first] = inbox.received.slice(before);
      replies.push(isMarker(first!.data) ? undefined : first!.data.slice());
    }
    return replies;
  } finally {
    await client.close();
    await server.close();
  }
}

test("native replies are those of portable sockets, byte for byte", { skip }, async () => {
  const [native, portable] = [await repliesOver("native"), await repliesOver("portable")];
  assertEquals(native.length, portable.length);
  // Clients of versions 1 to 4, one of version 1 without mode, a good MAC, and one of no known key.
  assertEquals(native.filter((reply) => reply !== undefined).length, 7);
  native.forEach((reply, i) => {
    const other = portable[i];
    assertEquals(reply?.length, other?.length, `request ${i}`);
    if (reply === undefined || other === undefined) return;
    if (reply.length > 52) return assertEquals(reply.length, 72); // a MAC over other timestamps
    const received = new DataView(reply.buffer, reply.byteOffset).getBigUint64(RECEIVE);
    assert(received <= NOW && NOW - received < 1n << 32n, `${NOW - received}`);
    const cut = (bytes: Uint8Array) => [...bytes.subarray(0, RECEIVE), ...bytes.subarray(TRANSMIT)];
    assertEquals(cut(reply), cut(other), `request ${i}`);
  });
});
