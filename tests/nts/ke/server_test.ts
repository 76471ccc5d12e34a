import { test } from "node:test";
import { connect as connectTls } from "node:tls";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { establishNts } from "../../../src/nts/ke/establish_nts.ts";
import type { NtsKeyExchangeServerOptions } from "../../../src/nts/ke/key_exchange_server_options.ts";
import { MessageReader } from "../../../src/nts/ke/message_reader.ts";
import { NtsKeyExchangeServer } from "../../../src/nts/ke/nts_key_exchange_server.ts";
import { encodeMessage, numbersRecord, RECORD } from "../../../src/nts/ke/record.ts";
import { encodeRequest } from "../../../src/nts/ke/request.ts";
import { readResponse } from "../../../src/nts/ke/response.ts";
import type { TlsName } from "../../../src/nts/ke/tls/tls_engine.ts";
import { NTPError } from "../../../src/packet/error.ts";
import { VirtualTime } from "../../../src/testing/virtual_time.ts";
import { currentRuntime } from "../../../src/transport/runtime.ts";
import { Authority } from "./authority.mjs";
import { RawClient } from "./raw_client.ts";

const authority = new Authority();
const identity = authority.issue(["nts.example"]);

async function serve(options: Partial<NtsKeyExchangeServerOptions> = {}) {
  const cookieKeys = { seal: () => new Uint8Array(100) };
  const server = new NtsKeyExchangeServer({ ...identity, cookieKeys, ...options });
  const { port } = await server.listen({ hostname: "127.0.0.1", port: 0 });
  return { server, port, open: () => RawClient.open(port, "nts.example", authority.cert) };
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !condition(); i++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert(condition());
}

const PROTOCOL = numbersRecord(true, RECORD.nextProtocol, [0]);

test("NtsKeyExchangeServer: a request in pieces, byte by byte, is answered like any other", async () => {
  const { server, open } = await serve();
  try {
    const client = await open();
    const request = encodeRequest({ aeads: [15] });
    for (const byte of request) {
      client.write(Uint8Array.of(byte));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await client.closed;
    const reader = new MessageReader(10_000);
    assertEquals(reader.push(Uint8Array.from(client.received)), "complete");
    const response = readResponse(reader.records, [15]);
    assert(typeof response === "object", String(response));
    assertEquals(response.cookies.length, 8);
    assertEquals(server.statistics().answered, 1);
  } finally {
    await server.close();
  }
});

test("NtsKeyExchangeServer: AEAD 30 only for clients that say how they export keys, or have no other", async () => {
  const { server, open } = await serve();
  const askFor = async (...records: Parameters<typeof encodeMessage>[0]) => {
    const client = await open();
    client.write(encodeMessage([PROTOCOL, ...records]));
    await client.closed;
    const reader = new MessageReader(10_000);
    reader.push(Uint8Array.from(client.received));
    const response = readResponse(reader.records, [15, 30]);
    assert(typeof response === "object", String(response));
    return [response.aead, response.compliantExporter];
  };
  const aeads = (...list: number[]) => numbersRecord(true, RECORD.aead, list);
  const says = numbersRecord(false, RECORD.compliantExporter, []);
  try {
    assertEquals(await askFor(aeads(30, 15), says), [30, true]);
    assertEquals(await askFor(aeads(30, 15)), [15, false]);
    assertEquals(await askFor(aeads(30)), [30, false]);
    assertEquals(await askFor(aeads(15, 30), says), [15, false]);
  } finally {
    await server.close();
  }
});

test("NtsKeyExchangeServer: what is wrong with a request is told, and counted", async () => {
  const cases: [sent: Uint8Array, failure: string, received: number[]][] = [
    [encodeMessage([]), "malformed", [0x80, 2, 0, 2, 0, 1, 0x80, 0, 0, 0]],
    [Uint8Array.of(0x80, 0, 0, 0, 9), "malformed", [0x80, 2, 0, 2, 0, 1, 0x80, 0, 0, 0]],
    [new Uint8Array(5000), "malformed", [0x80, 2, 0, 2, 0, 1, 0x80, 0, 0, 0]],
    [
      encodeMessage([PROTOCOL, numbersRecord(true, 0x4001, [])]),
      "critical",
      [0x80, 2, 0, 2, 0, 0, 0x80, 0, 0, 0],
    ],
    [
      encodeMessage([numbersRecord(true, RECORD.nextProtocol, [5])]),
      "protocol",
      [0x80, 1, 0, 0, 0x80, 0, 0, 0],
    ],
    [
      encodeMessage([PROTOCOL, numbersRecord(true, RECORD.aead, [1, 2])]),
      "aead",
      [0x80, 1, 0, 2, 0, 0, 0x80, 4, 0, 0, 0x80, 0, 0, 0],
    ],
  ];
  for (const [sent, failure, received] of cases) {
    const { server, open } = await serve();
    try {
      const client = await open();
      client.write(sent);
      await client.closed;
      assertEquals(client.received, received, failure);
      const { answered, failed } = server.statistics();
      assertEquals([answered, failed[failure as "aead"]], [0, 1]);
    } finally {
      await server.close();
    }
  }
});

test("NtsKeyExchangeServer: a client without ntske/1 is not served", async () => {
  const { server, port } = await serve();
  try {
    await new Promise<void>((resolve) => {
      const socket = connectTls({
        host: "127.0.0.1",
        port,
        servername: "nts.example",
        ca: authority.cert,
      });
      socket.on("error", () => {});
      socket.on("data", () => assert(false, "something was answered"));
      socket.on("secureConnect", () => socket.write(encodeRequest({ aeads: [15] })));
      socket.on("close", () => resolve());
    });
    await until(() => server.statistics().failed.handshake === 1);
    assertEquals(server.statistics().answered, 0);
  } finally {
    await server.close();
  }
});

test("NtsKeyExchangeServer: a request that is never complete ends by the clock", async () => {
  const time = new VirtualTime();
  // Only one of the limits is ever reached.
  const limits = { handshakeTimeoutMs: 1e9, requestTimeoutMs: 700, closeTimeoutMs: 1e9 };
  const { server, open } = await serve({ timers: time, ...limits });
  try {
    const slow = await open();
    slow.write(Uint8Array.of(0x80));
    for (let i = 0; i < 500 && server.statistics().failed.timeout === 0; i++) {
      await new Promise((resolve) => setTimeout(resolve, 10)); // until the server is done with TLS
      await time.run(100);
    }
    await slow.closed;
    assertEquals([server.statistics().active, server.statistics().failed.timeout], [0, 1]);
  } finally {
    await server.close();
  }
  assertEquals(time.pending, 0);
});

test("NtsKeyExchangeServer: who closes early is counted as such", async () => {
  const { server, open } = await serve();
  try {
    const client = await open();
    await until(() => server.statistics().active === 1);
    client.close();
    await until(() => server.statistics().active === 0);
    const { failed } = server.statistics();
    assertEquals(failed.early + failed.handshake, 1);
  } finally {
    await server.close();
  }
});

test("NtsKeyExchangeServer: 1,000 clients that are slow within TLS do not keep the next one out", async () => {
  const time = new VirtualTime();
  const { server, port, open } = await serve({
    maxConnections: 50,
    maxConnectionsPerPrefix: 50,
    timers: time,
  });
  // As many at a time as there is room for; each has said a part of a request.
  for (let i = 0; i < 20; i++) {
    await Promise.all(
      Array.from({ length: 50 }, async () => (await open()).write(Uint8Array.of(0x80, 1))),
    );
  }
  try {
    const options = {
      port,
      ca: authority.cert,
      resolve: () => Promise.resolve(["127.0.0.1"]),
    };
    assertEquals((await establishNts("nts.example", options)).cookies.length, 8);
    const { active, failed } = server.statistics();
    assert(active <= 50 && failed.evicted >= 950, JSON.stringify(server.statistics()));
  } finally {
    await server.close();
  }
});

/** What TLS this runtime has: OpenSSL by foreign functions ends Node, which does not need it. */
const AVAILABLE: Readonly<Record<string, readonly TlsName[]>> = {
  deno: ["libssl"],
  bun: ["node:tls", "libssl"],
  node: ["node:tls"],
};

test("TLS: each that this runtime has understands each other one", async () => {
  const names = AVAILABLE[currentRuntime()!]!;
  for (const ours of names) {
    const { server, port } = await serve({ tls: ours });
    try {
      for (const theirs of names) {
        const { cookies } = await establishNts("nts.example", {
          port,
          ca: authority.cert,
          tls: theirs,
          resolve: () => Promise.resolve(["127.0.0.1"]),
        });
        assertEquals(cookies.length, 8, `${theirs} to ${ours}`);
      }
    } finally {
      await server.close();
    }
  }
  if (names.includes("node:tls")) return;
  const error = await assertRejects(
    () => establishNts("127.0.0.1", { tls: "node:tls" }),
    NTPError,
  );
  assertEquals(error.code, "unsupported");
  assertMatch(error.message, /exports no keys: use libssl$/);
});
