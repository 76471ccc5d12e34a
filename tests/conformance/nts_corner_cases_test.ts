import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { query } from "../../src/client/query.ts";
import { openReply, protectRequest } from "../../src/nts/request_protection.ts";
import { exportKeys } from "../../src/nts/ke/key_export.ts";
import { MessageReader } from "../../src/nts/ke/message_reader.ts";
import { encodeMessage, type KeRecord } from "../../src/nts/ke/record.ts";
import { encodeResponse, readResponse } from "../../src/nts/ke/response.ts";
import { NtsResponder } from "../../src/nts/nts_responder.ts";
import { NtsSession } from "../../src/nts/nts_session.ts";
import { RotatingCookieKeys } from "../../src/nts/rotating_cookie_keys.ts";
import { NTPError } from "../../src/packet/error.ts";
import { NTPPacket } from "../../src/packet/mod.ts";
import type { NTPServer } from "../../src/server/ntp_server.ts";
import { Responder } from "../../src/server/responder.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";
import { Stage } from "../client/stage.ts";
import { concat, COOKIE, craft, field, fieldsOf, IDENTIFIER, PLACEHOLDER } from "../nts/craft.ts";
import { establishmentOf, keysFor, NtsScene, SERVER } from "../nts/scene.ts";
import { serve, Stranger } from "./scene.ts";

const { c2s, s2c } = keysFor(15);
const UID = new Uint8Array(32).map((_, i) => i + 1);
const identifier = field(IDENTIFIER, UID);

/** A server with NTS, and somebody who sends it what he likes. */
async function ready(): Promise<
  { server: NTPServer; cookie: () => Uint8Array; ask: (bytes: Uint8Array) => Uint8Array[] }
> {
  const stage = new Stage();
  const cookieKeys = new RotatingCookieKeys();
  const server = await serve(stage, { nts: new NtsResponder({ cookieKeys }) });
  const somebody = await Stranger.at(stage, "192.0.2.7");
  const cookie = () => cookieKeys.seal(keysFor(15));
  return { server, cookie, ask: (bytes) => somebody.ask(bytes) };
}

test("empty, oversize or too many cookies; requests for very many cookies (ntpd-rs 1.5.0, 1.7.1, NTPsec 1.2.2)", async () => {
  const { server, cookie, ask } = await ready();
  // No cookie, an empty one, two, and one in an encrypted field make no request.
  const dropped = [
    craft({ key: c2s, fields: [identifier] }),
    craft({ key: c2s, fields: [identifier, field(COOKIE, [])] }),
    craft({ key: c2s, fields: [identifier, field(COOKIE, cookie()), field(COOKIE, cookie())] }),
    craft({ key: c2s, fields: [identifier], encrypted: [field(COOKIE, cookie())] }),
    concat(new NTPPacket({ transmitTimestamp: 1n }).encode(), identifier, field(COOKIE, cookie())),
  ];
  for (const bytes of dropped) assertEquals(ask(bytes), []);
  const { nts, malformed } = server.statistics().dropped;
  assertEquals([nts, malformed], [4, 1]);

  // Placeholders as long as the cookie count, wherever they stand, up to eight cookies in all.
  const placeholder = (length = cookie().length) => field(PLACEHOLDER, new Uint8Array(length));
  const many = (count: number) => Array.from({ length: count }, () => placeholder());
  const asked: [fields: Uint8Array[], encrypted: Uint8Array[], expected: number][] = [
    [[], [], 1],
    [many(3), [], 4],
    [many(2), many(2), 5],
    [many(7), [], 8],
    [many(200), [], 8],
    [[placeholder(1000), placeholder(12)], [], 1],
  ];
  for (const [fields, encrypted, expected] of asked) {
    const request = craft({
      key: c2s,
      fields: [identifier, field(COOKIE, cookie()), ...fields],
      encrypted,
    });
    const [reply] = ask(request);
    assert(reply!.length <= request.length, `${reply!.length} > ${request.length}`);
    const taken = openReply(request, keysFor(15), reply!);
    assertEquals(taken?.length, expected);
    assertEquals(new Set(taken!.map(String)).size, expected);
  }
  // An oversize "cookie" is not ours.
  const large = craft({ key: c2s, fields: [identifier, field(COOKIE, new Uint8Array(40_000))] });
  const [nak] = ask(large);
  assertEquals(NTPPacket.decode(nak!).kissCode, "NTSN");
  assertEquals(nak!.length, 84);

  // The client takes no empty or oversize ones, and no more than eight.
  const request = protectRequest(
    new NTPPacket({ transmitTimestamp: 77n }).encode(),
    keysFor(15),
    new Uint8Array(100),
    1,
    (into) => into.set(UID.subarray(0, into.length)),
  );
  const header = new NTPPacket({ mode: 4, originTimestamp: 77n }).encode();
  const reply = (encrypted: Uint8Array[]) =>
    openReply(request, keysFor(15), craft({ key: s2c, header, fields: [identifier], encrypted }));
  assertEquals(reply([field(COOKIE, []), field(COOKIE, new Uint8Array(4000))]), []);
  assertEquals(reply(Array.from({ length: 99 }, () => field(COOKIE, [1, 2, 3, 4])))?.length, 8);
  assertEquals(reply([Uint8Array.of(2, 4, 0, 0)]), undefined);
  assertEquals(reply([Uint8Array.of(2, 4, 0, 9, 0, 0, 0, 0)]), undefined);
});

test("unique-identifier mismatch or duplicates; NTSN can be spoofed; cookies only from encrypted fields (chrony, ntpd-rs)", async () => {
  const { server, cookie, ask } = await ready();
  const fields = () => [identifier, field(COOKIE, cookie())];
  const bad = [
    craft({ key: c2s, fields: fields().slice(1) }),
    craft({ key: c2s, fields: [identifier, ...fields()] }),
    craft({ key: c2s, fields: [field(IDENTIFIER, UID.subarray(0, 28)), fields()[1]!] }),
    craft({ key: c2s, fields: [field(IDENTIFIER, new Uint8Array(300)), fields()[1]!] }),
    craft({ key: c2s, fields: fields().slice(1), behind: [identifier] }),
    // Several authenticators; a nonce that leaves too little room for ours (RFC 8915 §5.6).
    craft({ key: c2s, fields: fields(), behind: [field(0x0404, new Uint8Array(40))] }),
    craft({ key: c2s, fields: fields(), nonce: new Uint8Array(4) }),
  ];
  for (const [i, bytes] of bad.entries()) assertEquals(ask(bytes), [], `${i}`);
  assertEquals(server.statistics().dropped.nts, bad.length);
  // What stands behind the authenticator is not there; a short nonce with enough room is well.
  const good = [
    craft({ key: c2s, fields: fields(), behind: [identifier, field(COOKIE, cookie())] }),
    craft({ key: c2s, fields: fields(), nonce: new Uint8Array(4), padding: 12 }),
    craft({ key: c2s, fields: [field(IDENTIFIER, new Uint8Array(64)), fields()[1]!] }),
  ];
  for (const [i, bytes] of good.entries()) {
    const [reply] = ask(bytes);
    assertEquals(fieldsOf(reply!).map(({ type }) => type), [0x0104, 0x0404], `${i}`);
    assert(reply!.length <= bytes.length);
    assertEquals(fieldsOf(reply!)[0]!.value, fieldsOf(bytes)[0]!.value);
  }
  // A wrong authenticator is refused, and the refusal has the identifier and nothing else of NTS.
  const wrong = craft({ key: s2c, fields: fields() });
  const [nak] = ask(wrong);
  const { kissCode, originTimestamp, stratum } = NTPPacket.decode(nak!);
  assertEquals([kissCode, originTimestamp, stratum], ["NTSN", 77n, 0]);
  assertEquals(fieldsOf(nak!), [{ type: 0x0104, value: UID }]);
  assertEquals(ask(wrong), []); // as often as other kisses

  // The client believes only what has its identifier once, and its cookies from encrypted fields.
  const keys = keysFor(15);
  const request = protectRequest(
    new NTPPacket({ transmitTimestamp: 77n }).encode(),
    keys,
    cookie(),
    1,
    (into) => into.set(UID.subarray(0, into.length)),
  );
  const header = new NTPPacket({ mode: 4, originTimestamp: 77n }).encode();
  const open = (fields: Uint8Array[], key = s2c, behind: Uint8Array[] = []) =>
    openReply(
      request,
      keys,
      craft({ key, header, fields, behind, encrypted: [field(COOKIE, UID)] }),
    );
  assertEquals(open([identifier])?.length, 1);
  assertEquals(open([identifier, field(COOKIE, cookie())])?.length, 1);
  assertEquals(open([identifier], s2c, [field(COOKIE, cookie())])?.length, 1);
  assertEquals(open([]), undefined);
  assertEquals(open([identifier, identifier]), undefined);
  assertEquals(open([field(IDENTIFIER, UID.map((byte) => byte ^ 1))]), undefined);
  assertEquals(open([field(IDENTIFIER, [...UID, 0, 0, 0, 0])]), undefined);
  assertEquals(open([], s2c, [identifier]), undefined);
  assertEquals(open([identifier], c2s), undefined);

  // A forged NTSN neither ends the wait for the right reply nor leads to a key exchange.
  const { stage, session, cookieKeys, ...scene } = new NtsScene();
  const responder = new Responder({
    clock: stage.time,
    variables: () => ({ ...VARIABLES, referenceTimestamp: stage.time.now() }),
    nts: new NtsResponder({ cookieKeys }),
  });
  for (let i = 0; i < 5; i++) {
    await stage.script(SERVER, (bytes, reply) => {
      const arrival = new Uint32Array(2), answer = new Uint8Array(2048);
      stage.time.read(arrival);
      const client = new Endpoint("192.0.2.7", 1);
      const length = responder.respond(bytes, bytes.length, client, arrival, answer);
      reply(refusalOf(bytes));
      stage.time.after(1, () => reply(answer.slice(0, length)));
    });
    const result = await stage.play(query(SERVER, { ...stage.world, nts: session }));
    assertEquals(result.authentication, "nts");
  }
  const { exchanges, refused, cookies } = session.statistics();
  assertEquals([exchanges, refused, cookies, scene.server.statistics().received], [1, 5, 8, 0]);
});

const VARIABLES = {
  leapIndicator: 0,
  stratum: 1,
  precision: -20,
  rootDelay: 0,
  rootDispersion: 0,
  referenceId: 0x47505300,
} as const;

/** Who sees a request can refuse it in the server's name. */
function refusalOf(request: Uint8Array): Uint8Array {
  const { transmitTimestamp, extensionFields } = NTPPacket.decode(request);
  return new NTPPacket({
    mode: 4,
    leapIndicator: 3,
    stratum: 0,
    referenceId: 0x4e54534e,
    originTimestamp: transmitTimestamp,
    receiveTimestamp: 1n,
    transmitTimestamp: 2n,
    extensionFields: [extensionFields[0]!],
  }).encode();
}

test("old cookies survive a rotation (ntpd-rs)", async () => {
  const scene = new NtsScene();
  const { stage, server, session, cookieKeys } = scene;
  await server.listen({ hostname: SERVER });
  const ask = () => stage.play(query(SERVER, { ...stage.world, nts: session }));
  for (let i = 0; i < 6; i++) {
    cookieKeys.rotate();
    for (let j = 0; j < 8; j++) assertEquals((await ask()).authentication, "nts");
  }
  assertEquals([scene.exchanges, server.statistics().ntsNaks], [1, 0]);
});

test("out of cookies → key exchange again; records split across TLS reads; unknown non-critical records (ntpd-rs, NTPsec 1.2.5)", async () => {
  const stage = new Stage();
  const cookieKeys = new RotatingCookieKeys();
  let exchanges = 0;
  const session = new NtsSession({
    establish: () => {
      exchanges++;
      return Promise.resolve(establishmentOf(cookieKeys, 15, 2));
    },
    now: () => stage.time.elapsedMs,
  });
  const options = { ...stage.world, nts: session, timeoutMs: 500 };
  const ask = () => stage.play(query(SERVER, options));
  for (let i = 0; i < 2; i++) await assertRejects(ask, NTPError, "no process listens");
  assertEquals([exchanges, session.statistics().cookies], [1, 0]);
  // Not at once: ten seconds after the one before, then fifteen, and so on (RFC 8915 §4.2).
  const early = await assertRejects(ask, NTPError, "no NTS cookies left");
  assertEquals([early.code, exchanges], ["authentication", 1]);
  await stage.time.run(10_000);
  await assertRejects(ask, NTPError, "no process listens");
  assertEquals(exchanges, 2);
  await serve(stage, { nts: new NtsResponder({ cookieKeys }) });
  assertEquals((await ask()).authentication, "nts");
  assertEquals(session.statistics().cookies, 8);

  const response = { ...establishmentOf(cookieKeys), compliantExporter: false, server: undefined };
  const message = encodeResponse({ ...response, port: undefined });
  for (let cut = 1; cut < message.length; cut++) {
    const reader = new MessageReader(16_384);
    assertEquals(reader.push(message.subarray(0, cut)), "incomplete");
    assertEquals(reader.push(message.subarray(cut)), "complete");
    const read = readResponse(reader.records, [15]);
    assert(typeof read !== "string" && read.cookies.length === 8);
  }
  const whole = new MessageReader(16_384);
  whole.push(message);
  const unknown: KeRecord = { critical: false, type: 0x7777, body: new Uint8Array(5) };
  const [first, ...others] = whole.records;
  const more = new MessageReader(16_384);
  assertEquals(more.push(encodeMessage([first!, unknown, ...others])), "complete");
  assert(typeof readResponse(more.records, [15]) !== "string");
});

test("AES-128-GCM-SIV: the exporter context must carry id 30 (chrony 4.6.1)", async () => {
  // Each side derives the keys by itself: that both ask their TLS for the same shows in a reply.
  const contexts: number[][] = [];
  const keys = exportKeys({
    exportKeyingMaterial: (length, _label, context) => {
      contexts.push([...context]);
      return new Uint8Array(length).fill(context.at(-1)! + 1);
    },
  }, 30);
  assertEquals(contexts, [[0, 0, 0, 30, 0], [0, 0, 0, 30, 1]]);
  const stage = new Stage();
  const cookieKeys = new RotatingCookieKeys();
  await serve(stage, { nts: new NtsResponder({ cookieKeys }) });
  const cookies = [cookieKeys.seal(keys)];
  const session = new NtsSession({
    establish: () => Promise.resolve({ ...keys, cookies, hostname: SERVER, port: 123 }),
  });
  const { authentication } = await stage.play(query(SERVER, { ...stage.world, nts: session }));
  assertEquals(authentication, "nts");
});
