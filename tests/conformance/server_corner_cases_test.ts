// Whom and what a server answers: rows of the table in README.md, each test named after one.
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import type { BindUdp, UdpTransport } from "../../src/transport/udp_transport.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";
import { SymmetricKey } from "../../src/auth/symmetric_key.ts";
import { query } from "../../src/client/query.ts";
import { signed } from "../../src/client/request.ts";
import { NTPPacket } from "../../src/packet/mod.ts";
import { Stage } from "../client/stage.ts";
import { request, serve, SERVER, Stranger } from "./scene.ts";

/** A datagram of so many bytes that begins with this version and mode. */
function datagram(version: number, mode: number, length = 48): Uint8Array {
  const bytes = new Uint8Array(length);
  if (length > 0) bytes[0] = (version << 3) | mode;
  return bytes;
}

test("only request modes answered: all 8×8 version/mode pairs; modes 6 and 7 never (CVE-2009-3563, CVE-2016-9310)", async () => {
  const stage = new Stage();
  const server = await serve(stage);
  const somebody = await Stranger.at(stage, "192.0.2.7");
  for (let version = 0; version < 8; version++) {
    for (let mode = 0; mode < 8; mode++) {
      const isRequest = version >= 1 && version <= 4 &&
        (mode === 3 || (mode === 0 && version === 1));
      // As short and as long as control messages and mode 7 requests are.
      for (const length of [0, 1, 8, 12, 47, 48, 52, 192, 468]) {
        for (const leap of [0, 0xc0]) {
          const bytes = datagram(version, mode, length);
          if (length > 0) bytes[0]! |= leap;
          const replies = somebody.ask(bytes);
          // Zeros behind the header are no extension field.
          const expected = isRequest && length === 48 ? 1 : 0;
          assertEquals(
            replies.length,
            expected,
            `version ${version}, mode ${mode}, ${length} bytes`,
          );
        }
      }
    }
  }
  const { answered, received } = server.statistics();
  assertEquals([answered, received], [10, 8 * 8 * 9 * 2]);
});

test("server-to-server ping-pong (ntpd-rs 1.6.2)", async () => {
  let sent = 0;
  const stage = new Stage(() => (sent++, [0.01]));
  const transports: UdpTransport[] = [];
  const bind: BindUdp = async (options) => {
    const transport = await stage.network.bind(options);
    transports.push(transport);
    return transport;
  };
  // Kisses and crypto-NAKs, too, could begin a rally.
  const access = [{ prefix: "192.0.2.2", action: "kod" }, {
    prefix: "0.0.0.0/0",
    action: "allow",
  }] as const;
  await serve(stage, { bind, access }, "192.0.2.1");
  await serve(stage, { bind }, "192.0.2.2");
  const [one, two] = [new Endpoint("192.0.2.1", 123), new Endpoint("192.0.2.2", 123)];
  for (let first = 0; first < 256; first++) {
    for (const length of [0, 1, 48, 52, 68, 72, 120]) {
      // Somebody has one server get a datagram that seems to come from the other.
      for (const [from, to] of [[0, two], [1, one]] as const) {
        sent = 0;
        transports[from]!.send(
          datagram(first >> 3, first & 7, length).fill(first, 0, Math.min(1, length)),
          to,
        );
        stage.time.advance(10_000);
        assert(sent <= 2, `${sent} datagrams after one that begins with ${first}`);
      }
    }
  }
  // One that is sent to itself ends as soon.
  sent = 0;
  transports[0]!.send(request(), one);
  stage.time.advance(10_000);
  assertEquals(sent, 2);
});

test("mode 0 only for version 1, not from port 123 (chrony)", async () => {
  const stage = new Stage();
  const server = await serve(stage);
  for (let version = 0; version < 8; version++) {
    for (const port of [123, 122, 124, 1, 40123, 65535]) {
      const somebody = await Stranger.at(stage, `192.0.2.${10 + version}`, port);
      const replies = somebody.ask(datagram(version, 0));
      assertEquals(replies.length, version === 1 && port !== 123 ? 1 : 0, `${version}, ${port}`);
      for (const reply of replies) {
        const { version, mode } = NTPPacket.decode(reply);
        assertEquals([version, mode], [1, 4]);
      }
      // A client that says that it is one may have any port.
      assertEquals(somebody.ask(datagram(3, 3)).length, 1);
    }
  }
  assertEquals(server.statistics().dropped, {
    ...server.statistics().dropped,
    version: 4 * 6,
    mode: 3 * 6 + 1,
  });
});

test("version 0 and above 4 dropped (unless v5 is on); reply version = request's (chrony, ntpd-rs)", async () => {
  const stage = new Stage();
  const server = await serve(stage);
  const somebody = await Stranger.at(stage, "192.0.2.7");
  for (let version = 0; version < 8; version++) {
    const replies = somebody.ask(datagram(version, 3));
    if (version >= 1 && version <= 4) assertEquals(NTPPacket.decode(replies[0]!).version, version);
    else assertEquals(replies, []);
  }
  assertEquals([server.statistics().answered, server.statistics().dropped.version], [4, 4]);
  for (const version of [1, 2, 3, 4] as const) {
    const { packet } = await stage.play(query(SERVER, { ...stage.world, version }));
    assertEquals(packet.version, version);
  }
});

test("length not a multiple of 4; extension field too short; trailing MAC of 20/24 bytes; crypto-NAK of 4 (chrony, ntpd-rs 1.7.0)", async () => {
  const stage = new Stage();
  const server = await serve(stage);
  const somebody = await Stranger.at(stage, "192.0.2.7");
  /** What comes of a request with this behind it: the length of the reply, 0 for none. */
  const behind = (...words: number[]) => {
    const bytes = new Uint8Array(48 + 4 * words.length);
    bytes.set(request());
    const view = new DataView(bytes.buffer);
    words.forEach((word, i) => view.setUint32(48 + 4 * i, word));
    return somebody.ask(bytes)[0]?.length ?? 0;
  };
  const zeros = (words: number) => new Array<number>(words).fill(0);

  for (let length = 49; length < 120; length++) {
    if (length % 4 === 0) continue;
    const bytes = new Uint8Array(length);
    bytes.set(request());
    assertEquals(somebody.ask(bytes), [], `${length} bytes`);
  }
  const { dropped } = server.statistics();
  assertEquals(dropped.malformed, 71 - 17);

  // Extension fields: of 28 bytes and more where nothing stands behind, of 16 and more elsewhere.
  const EF = 0x01040000;
  assertEquals(behind(EF + 28, ...zeros(6)), 48);
  assertEquals(behind(EF + 32, ...zeros(7)), 48);
  assertEquals(behind(EF + 16, ...zeros(3), EF + 28, ...zeros(6)), 48);
  for (const length of [0, 4, 12, 15, 17, 18, 30, 32, 0xffff, 0xfffc]) {
    assertEquals(behind(EF + length, ...zeros(6)), 0, `a field that claims ${length} of 28 bytes`);
  }
  assertEquals(behind(EF + 16, ...zeros(3)), 0);
  assertEquals(behind(EF + 12, ...zeros(2), EF + 28, ...zeros(6)), 0);
  assertEquals(behind(EF + 28, ...zeros(6), EF + 8, 0), 0);

  // MACs: of 20 and 24 bytes, alone or behind fields; their key is nobody's.
  assertEquals(behind(1, ...zeros(4)), 52);
  assertEquals(behind(1, ...zeros(5)), 52);
  assertEquals(behind(EF + 16, ...zeros(3), 1, ...zeros(4)), 52);
  assertEquals(behind(EF + 28, ...zeros(6), 1, ...zeros(5)), 52);
  for (const words of [2, 3, 4]) assertEquals(behind(1, ...zeros(words - 1)), 0, `${words} words`);
  // Of 4 bytes: a crypto-NAK asks for nothing.
  assertEquals(behind(0), 0);
  assertEquals(behind(EF + 28, ...zeros(6), 0), 0);
});

test("version 3 MS-SNTP authenticators of 20/72 bytes (chrony)", async () => {
  const stage = new Stage();
  const key = new SymmetricKey({ id: 1107, type: "MD5", secret: new Uint8Array(16).fill(3) });
  const server = await serve(stage, { keys: [key] });
  const somebody = await Stranger.at(stage, "192.0.2.7");
  const ask = (length: number, flags = 0) => {
    const bytes = new Uint8Array(48 + length);
    bytes.set(request({ version: 3 }));
    new DataView(bytes.buffer).setUint32(48, 1107);
    if (length > 20) new DataView(bytes.buffer).setUint32(52, flags);
    return somebody.ask(bytes);
  };
  // A domain's member asks for a signature that only its domain controller could give. A plain reply
  // or a crypto-NAK would pass for a wrong one.
  assertEquals([ask(20), ask(72), ask(72, 0x00010100)], [[], [], []]);
  assertEquals(server.statistics().dropped.authentication, 3);
  // A digest of the same length by a key that is known is a MAC.
  const [reply] = somebody.ask(signed(request({ version: 3 }), key, 3));
  assertEquals([reply!.length, NTPPacket.decode(reply!).mac?.keyId], [68, 1107]);
});

test("an NTS packet while NTS is off (CVE-2023-4012)", async () => {
  const stage = new Stage();
  const server = await serve(stage);
  const somebody = await Stranger.at(stage, "192.0.2.7");
  const field = (type: number, length: number) => ({ type, value: new Uint8Array(length).fill(1) });
  const identifier = field(0x0104, 32), cookie = field(0x0204, 100);
  const placeholder = field(0x0304, 100), authenticator = field(0x0404, 36);
  for (
    const extensionFields of [
      [identifier, cookie, authenticator],
      [identifier, cookie, ...Array(7).fill(placeholder), authenticator],
      [authenticator],
      [cookie],
      [identifier, identifier, cookie, cookie, authenticator, authenticator],
    ]
  ) {
    // Unknown extension fields are ignored (RFC 7822 §3); the client sees that nothing is signed.
    const replies = somebody.ask(request({ extensionFields }));
    assertEquals(replies.map(({ length }) => length), [48]);
    const { extensionFields: none, mac, stratum } = NTPPacket.decode(replies[0]!);
    assertEquals([none, mac, stratum], [[], undefined, 1]);
  }
  assertEquals(server.statistics().answered, 5);

  // And the other way round: who did not ask with NTS makes nothing of a reply that has it.
  const other = new Stage();
  await other.script(SERVER, (bytes, reply) => {
    const { transmitTimestamp: originTimestamp } = NTPPacket.decode(bytes);
    const now = other.time.now();
    const extensionFields = [identifier, authenticator];
    const times = { originTimestamp, receiveTimestamp: now, transmitTimestamp: now };
    reply(new NTPPacket({ mode: 4, stratum: 1, ...times, extensionFields }).encode());
  });
  const { authentication } = await other.play(query(SERVER, other.world));
  assertEquals(authentication, "none");
});

test("prefixes not on a 4-bit boundary; IPv4-mapped IPv6 in access lists (CVE-2015-1821, ntpd-rs)", async () => {
  for (let length = 1; length <= 32; length++) {
    const first = (0xa5a5a5a5 & (length === 32 ? -1 : ~(0xffffffff >>> length))) >>> 0;
    const last = (first | (length === 32 ? 0 : 0xffffffff >>> length)) >>> 0;
    const dotted = (word: number) =>
      [24, 16, 8, 0].map((shift) => (word >>> shift) & 255).join(".");
    const prefix = `${dotted(first)}/${length}`;
    const stage = new Stage();
    let deliver: (bytes: Uint8Array, source: Endpoint, arrival: Uint32Array) => void = () => {};
    const server = await serve(stage, {
      access: [{ prefix, action: "deny" }],
      bind: (options) => {
        deliver = options.onDatagram;
        return stage.network.bind(options);
      },
    });
    const cases: [number, number][] = [[first, 1], [last, 1]];
    if (first > 0) cases.push([first - 1, 0]);
    if (last < 0xffffffff) cases.push([last + 1, 0]);
    for (const [word, denied] of cases) {
      // As IPv4 sockets tell the source, and as sockets of both families do in two ways.
      const hex = [word >>> 16, word & 0xffff].map((half) => half.toString(16)).join(":");
      for (const text of [dotted(word), `::ffff:${dotted(word)}`, `::ffff:${hex}`]) {
        const before = server.statistics().dropped.access;
        deliver(request(), new Endpoint(text, 40123), new Uint32Array([3_900_000_000, 0]));
        assertEquals(server.statistics().dropped.access - before, denied, `${text} in ${prefix}`);
      }
    }
  }
});

test("bounded client table; no log flood a stranger can cause (CVE-2010-0293, CVE-2010-0294)", async () => {
  const stage = new Stage();
  const told: string[] = [];
  let decisions = 0;
  let deliver: (bytes: Uint8Array, source: Endpoint, arrival: Uint32Array) => void = () => {};
  const server = await serve(stage, {
    rateLimit: { capacity: 1024, leak: 0, prefixInterval: 1 / 4096, prefixBurst: 65535 },
    onError: ({ message }) => told.push(message),
    decide: ({ source, bytes }) => {
      decisions++;
      if (bytes[12] === 1) throw new Error("hook");
      return { action: "serve", reason: source.hostname };
    },
    bind: (options) => {
      deliver = options.onDatagram;
      return stage.network.bind(options);
    },
  });
  const source = new Endpoint("10.0.0.0", 0); // port 0, which nobody can reply to
  const arrival = new Uint32Array(2);
  const kinds = [
    request(),
    request({ referenceId: 0x01000000 }),
    datagram(4, 6),
    datagram(4, 3, 50),
  ];
  for (let i = 0; i < 40_000; i++) {
    source.assign(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, i % 8 === 0 ? 0 : 40123);
    arrival[0] = 3_900_000_000 + Math.floor(i / 4000); // ten seconds
    deliver(kinds[i & 3]!, source, arrival);
  }
  const { received, dropped, decisions: counted } = server.statistics();
  assertEquals(received, 40_000);
  assertEquals([dropped.mode, dropped.malformed], [10_000, 10_000]);
  assert(decisions > 10_000, "most are newcomers to a table of 1024");
  assertEquals(Object.keys(counted).length, 101);
  const tens = told.filter((message) => message === "hook").length;
  assertEquals([tens, told.length], [10, 10], "once a second, and nothing for port 0");
});
