import { test } from "node:test";
import { connect, createServer } from "node:net";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { establishNts } from "../../../src/nts/ke/establish_nts.ts";
import type { EstablishNtsOptions } from "../../../src/nts/ke/establish_options.ts";
import {
  type KeAddress,
  NtsKeyExchangeServer,
} from "../../../src/nts/ke/nts_key_exchange_server.ts";
import type { NtsKeyExchangeServerOptions } from "../../../src/nts/ke/key_exchange_server_options.ts";
import type { NtsKeys } from "../../../src/nts/nts_keys.ts";
import { NTPError } from "../../../src/packet/error.ts";
import { VirtualTime } from "../../../src/testing/virtual_time.ts";
import { Authority } from "./authority.mjs";

const authority = new Authority();
const identity = authority.issue(["nts.example", "127.0.0.1"]);

/** A server on loopback, the keys that it has put into cookies, and how to ask it. */
async function serve(options: Partial<NtsKeyExchangeServerOptions> = {}) {
  const sealed: NtsKeys[] = [];
  const server = new NtsKeyExchangeServer({
    ...identity,
    cookieKeys: {
      seal(keys) {
        sealed.push(keys);
        return new Uint8Array(100).fill(sealed.length);
      },
    },
    ...options,
  });
  const address = await server.listen({ hostname: "127.0.0.1", port: 0 });
  const ask = (options: EstablishNtsOptions = {}, hostname = "nts.example") =>
    establishNts(hostname, {
      port: address.port,
      ca: authority.cert,
      resolve: () => Promise.resolve(["127.0.0.1"]),
      ...options,
    });
  return { server, sealed, address, ask };
}

/** The error of a promise that must be rejected with an `NTPError`. */
async function errorOf(promise: Promise<unknown>): Promise<NTPError> {
  return await assertRejects(() => promise, NTPError);
}

/** Waits for something that happens in this process. */
async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !condition(); i++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert(condition());
}

test("establishNts: both sides have the same keys, and the client eight cookies", async () => {
  const { server, sealed, ask } = await serve();
  try {
    for (const [aead, length] of [[15, 32], [16, 48], [17, 64], [30, 16]] as const) {
      sealed.length = 0;
      const got = await ask({ aeads: [aead] });
      assertEquals([got.aead, got.c2s.length, got.s2c.length], [aead, length, length]);
      assertEquals(sealed.length, 8);
      for (const keys of sealed) {
        assertEquals(keys, { aead, c2s: got.c2s, s2c: got.s2c });
      }
      assert(got.c2s.some((byte, at) => byte !== got.s2c[at]));
      assertEquals(got.cookies.map(([first]) => first), [1, 2, 3, 4, 5, 6, 7, 8]);
      assertEquals([got.hostname, got.port], ["127.0.0.1", 123]);
    }
    const { accepted, answered } = server.statistics();
    assertEquals([accepted, answered], [4, 4]);
    await until(() => server.statistics().active === 0);
  } finally {
    await server.close();
  }
});

test("establishNts: keys differ from session to session", async () => {
  const { server, ask } = await serve();
  try {
    const [one, other] = [await ask(), await ask()];
    assertEquals([one.aead, other.aead], [15, 15]);
    assert(one.c2s.some((byte, at) => byte !== other.c2s[at]));
  } finally {
    await server.close();
  }
});

test("establishNts: server and port are those that the server names", async () => {
  const { server, ask } = await serve({ ntpHostname: "ntp.example", ntpPort: 12300 });
  try {
    const { hostname, port } = await ask({ ntpHostname: "other.example", ntpPort: 1 });
    assertEquals([hostname, port], ["ntp.example", 12300]);
  } finally {
    await server.close();
  }
});

test("establishNts: an IP address is found in the certificate, and not announced", async () => {
  const { server, ask } = await serve();
  try {
    assertEquals((await ask({}, "127.0.0.1")).cookies.length, 8);
    const error = await errorOf(ask({}, "127.0.0.2"));
    assertEquals(error.code, "authentication");
  } finally {
    await server.close();
  }
});

test("establishNts: certificates that are not believed, each with its remedy", async () => {
  const cases: [NtsKeyExchangeServerOptions | object, EstablishNtsOptions, string, RegExp][] = [
    [identity, {}, "other.example", /for others than other\.example: ask it by a name/],
    [
      authority.issue(["nts.example"], { fromDays: -20, toDays: -10 }),
      {},
      "nts.example",
      /has expired, by the clock of this computer/,
    ],
    [
      authority.issue(["nts.example"], { fromDays: 10, toDays: 20 }),
      {},
      "nts.example",
      /not valid yet.*the clock is likely wrong/,
    ],
    [
      identity,
      { ca: new Authority("Another").cert },
      "nts.example",
      /pass that one's certificate as ca/,
    ],
    [identity, { ca: new Authority().cert }, "nts.example", /The key exchange server/], // same name
  ];
  for (const [own, options, hostname, message] of cases) {
    const { server, ask } = await serve(own);
    try {
      const error = await errorOf(ask(options, hostname));
      assertMatch(error.message, message);
      assertEquals(error.code, "authentication");
      await until(() => server.statistics().active === 0);
      const { answered, failed } = server.statistics();
      assertEquals([answered, failed.handshake + failed.early], [0, 1]);
    } finally {
      await server.close();
    }
  }
});

test("establishNts: without ca a private authority is not believed", async () => {
  const { server, address } = await serve();
  try {
    const error = await errorOf(establishNts("127.0.0.1", { port: address.port }));
    assertEquals(error.code, "authentication");
    assertMatch(error.message, /nobody who is trusted has signed/);
  } finally {
    await server.close();
  }
});

test("establishNts: no algorithm in common", async () => {
  const { server, ask } = await serve({ aeads: [15] });
  try {
    const error = await errorOf(ask({ aeads: [17, 30] }));
    assertEquals(error.code, "key-exchange");
    assertMatch(error.message, /none of the algorithms asked for \(AEAD 17, 30\): allow others$/);
    assertEquals(server.statistics().failed.aead, 1);
  } finally {
    await server.close();
  }
});

test("establishNts: a server that cannot make cookies says so, and its owner is told", async () => {
  const errors: Error[] = [];
  const { server, ask } = await serve({
    cookieKeys: {
      seal() {
        throw new RangeError("out of wax");
      },
    },
    onError: (error) => errors.push(error),
  });
  try {
    const error = await errorOf(ask());
    assertMatch(error.message, /error 2/);
    assertEquals(errors.map(({ message }) => message), ["out of wax"]);
    assertEquals(server.statistics().failed.internal, 1);
  } finally {
    await server.close();
  }
});

/** A server that is none. */
async function impostor(onBytes: Uint8Array | undefined): Promise<{
  port: number;
  close(): Promise<void>;
}> {
  const sockets = new Set<{ destroy(): unknown }>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", () => {
      if (onBytes === undefined) return;
      socket.end(onBytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return {
    port: (server.address() as { port: number }).port,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

test("establishNts: what is no TLS server", async () => {
  const cases = ["SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n", ""];
  for (const text of cases) {
    const other = await impostor(new TextEncoder().encode(text));
    try {
      const { port } = other;
      const error = await errorOf(establishNts("127.0.0.1", { port, ca: authority.cert }));
      assertEquals(error.code, "key-exchange", error.message);
    } finally {
      await other.close();
    }
  }
});

test("establishNts: silence ends by the clock, and by a signal", async () => {
  const other = await impostor(undefined);
  try {
    const options = { port: other.port, ca: authority.cert };
    const error = await errorOf(establishNts("127.0.0.1", { ...options, timeoutMs: 50 }));
    assertEquals(error.code, "timeout");
    assertMatch(error.message, /did not answer within 50 ms$/);
    const controller = new AbortController();
    const asked = errorOf(establishNts("127.0.0.1", { ...options, signal: controller.signal }));
    setTimeout(() => controller.abort(), 50);
    assertEquals((await asked).code, "aborted");
    const { signal } = controller;
    assertEquals(
      (await errorOf(establishNts("127.0.0.1", { ...options, signal }))).code,
      "aborted",
    );
  } finally {
    await other.close();
  }
});

test("establishNts: nobody listens", async () => {
  const { server, address } = await serve();
  await server.close();
  const error = await errorOf(establishNts("127.0.0.1", { port: address.port }));
  assertEquals(error.code, "refused");
});

test("establishNts: addresses are tried in turn, and the most telling error is told", async () => {
  const { server, ask } = await serve();
  try {
    const both = () => Promise.resolve(["127.0.0.9", "127.0.0.1"]);
    assertEquals((await ask({ resolve: both })).cookies.length, 8);
    const error = await errorOf(ask({ resolve: both }, "other.example"));
    assertEquals(error.code, "authentication");
  } finally {
    await server.close();
  }
});

test("establishNts: wrong arguments", async () => {
  const cases: [EstablishNtsOptions, RegExp][] = [
    [{ port: 0 }, /^port is a whole number from 1 to 65535, not 0$/],
    [{ aeads: [] }, /^aeads has one or more of 15, 16, 17, 30/],
    [{ aeads: [1] }, /not 1$/],
    [{ aeads: [15, 15] }, /each once/],
    [{ timeoutMs: 0 }, /^timeoutMs lies above 0/],
    [{ ca: "/etc/ca.pem" }, /^ca is the text of certificates in PEM/],
    [{ family: 5 as 4 }, /^family is 4 or 6/],
    [{ ntpHostname: "a b" }, /^ntpHostname is a host name/],
    [{ ntpPort: 70000 }, /^ntpPort is/],
    [{ signal: {} as AbortSignal }, /^signal is an AbortSignal/],
    [{ tls: "openssl" as "libssl" }, /^tls is "node:tls" or "libssl"/],
  ];
  for (const [options, message] of cases) {
    const error = await assertRejects(() => establishNts("nts.example", options), Error);
    assert(error instanceof TypeError || error instanceof RangeError);
    assertMatch(error.message, message);
  }
  await assertRejects(() => establishNts(""), TypeError);
});

test("NtsKeyExchangeServer: a new certificate holds from the next connection on", async () => {
  const { server, ask } = await serve(authority.issue(["old.example"]));
  try {
    assertEquals((await ask({}, "old.example")).cookies.length, 8);
    const renewed = authority.issue(["new.example"]);
    server.setCertificate(renewed);
    assertEquals((await ask({}, "new.example")).cookies.length, 8);
    assertEquals((await errorOf(ask({}, "old.example"))).code, "authentication");
    // One that cannot be used changes nothing.
    for (const wrong of [{ ...renewed, key: "no key" }, { ...renewed, key: identity.key }]) {
      let error: unknown;
      try {
        server.setCertificate(wrong);
      } catch (thrown) {
        error = thrown;
      }
      assert(error instanceof NTPError && error.code === "malformed", String(error));
    }
    assertEquals((await ask({}, "new.example")).cookies.length, 8);
  } finally {
    await server.close();
  }
});

test("NtsKeyExchangeServer: of a client that may export keys wrongly AEAD 30 is not taken", async () => {
  const { server, ask } = await serve();
  try {
    assertEquals((await ask({ aeads: [30, 15] })).aead, 30); // says that it does it right
  } finally {
    await server.close();
  }
});

/** Opens connections that say nothing, from many addresses of the loopback. */
async function silent(count: number, { port }: KeAddress, perAddress: number) {
  const sockets = await Promise.all(
    Array.from({ length: count }, (_, i) =>
      new Promise<ReturnType<typeof connect>>((resolve) => {
        const from = Math.floor(i / perAddress);
        const localAddress = `127.1.${from >> 8}.${from & 255}`;
        const socket = connect({ host: "127.0.0.1", port, localAddress });
        socket.on("error", () => resolve(socket));
        socket.on("connect", () => resolve(socket));
      })),
  );
  return () => sockets.forEach((socket) => socket.destroy());
}

test("NtsKeyExchangeServer: 1,000 silent connections do not keep the next one out (CVE-2024-38528)", async () => {
  const time = new VirtualTime(); // nobody is ended by the clock
  const { server, address, ask } = await serve({ maxConnections: 200, timers: time });
  const close = await silent(1000, address, 10);
  try {
    await until(() => server.statistics().accepted === 1000);
    const { active, failed } = server.statistics();
    assertEquals([active, failed.evicted], [200, 800]);
    assertEquals((await ask()).cookies.length, 8);
    assertEquals(server.statistics().failed.evicted, 801);
  } finally {
    close();
    await server.close();
  }
  assertEquals([server.statistics().active, time.pending], [0, 0]);
});

test("NtsKeyExchangeServer: one address cannot take the places of others", async () => {
  const time = new VirtualTime();
  const { server, address } = await serve({ maxConnectionsPerPrefix: 5, timers: time });
  const closeOthers = await silent(20, address, 1);
  const close = await silent(50, address, 50);
  try {
    await until(() => server.statistics().accepted === 70);
    const { active, failed } = server.statistics();
    // The first of the others has the same address.
    assertEquals([active, failed.evicted], [24, 46]);
  } finally {
    close();
    closeOthers();
    await server.close();
  }
});

test("NtsKeyExchangeServer: each part of an exchange has its time", async () => {
  const time = new VirtualTime();
  const { server, address } = await serve({ timers: time, handshakeTimeoutMs: 3000 });
  const close = await silent(3, address, 3);
  try {
    await until(() => server.statistics().active === 3);
    await time.run(2999);
    assertEquals(server.statistics().active, 3);
    await time.run(2);
    assertEquals([server.statistics().active, server.statistics().failed.timeout], [0, 3]);
  } finally {
    close();
    await server.close();
  }
});

test("NtsKeyExchangeServer: listens at free and at given ports, and tells when it cannot", async () => {
  const { server, address } = await serve();
  const other = new NtsKeyExchangeServer({
    ...identity,
    cookieKeys: { seal: () => new Uint8Array(9) },
  });
  try {
    assertEquals(server.addresses, [address]);
    const taken = { hostname: "127.0.0.1", port: address.port };
    const error = await errorOf(other.listen(taken));
    assertEquals(error.code, "address-in-use");
    assertEquals(
      (await errorOf(other.listen({ hostname: "192.0.2.7" }))).code,
      "address-unavailable",
    );
  } finally {
    await server.close();
    await other.close();
  }
  assertEquals((await errorOf(other.listen({ port: 0 }))).code, "closed");
});

test("NtsKeyExchangeServer: a certificate that cannot be used is told when it begins to listen", async () => {
  const cookieKeys = { seal: () => new Uint8Array(9) };
  for (const wrong of [{ ...identity, cert: "?" }, { ...identity, key: "?" }]) {
    const server = new NtsKeyExchangeServer({ ...wrong, cookieKeys });
    const error = await errorOf(server.listen({ hostname: "127.0.0.1", port: 0 }));
    assertEquals(error.code, "malformed");
    assertMatch(error.message, /^The certificate and its key cannot be used: /);
    await server.close();
  }
});
