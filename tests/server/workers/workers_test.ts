import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { KeyStore } from "../../../src/auth/key_store.ts";
import { SymmetricKey } from "../../../src/auth/symmetric_key.ts";
import { query } from "../../../src/client/query.ts";
import { FunctionClock } from "../../../src/clock/function_clock.ts";
import { SystemClock } from "../../../src/clock/system_clock.ts";
import { NTPError, NTPPacket } from "../../../src/packet/mod.ts";
import { makeAdmissionTables } from "../../../src/server/admission.ts";
import { NTPServer } from "../../../src/server/ntp_server.ts";
import type { ListenOptions, NTPServerOptions } from "../../../src/server/ntp_server_options.ts";
import { WorkersTransport } from "../../../src/server/workers/workers_transport.ts";
import { udpAdapter } from "../../../src/transport/bind_udp.ts";
import { Endpoint } from "../../../src/transport/endpoint.ts";
import { loadNative } from "../../../src/transport/native/load_native.ts";
import { until, Wire } from "./wire.ts";

const { reason: skip } = await loadNative();
const HOST = "127.0.0.1";
const REQUEST = new NTPPacket({ transmitTimestamp: 7n }).encode();
const KEY = new SymmetricKey({ id: 7, type: "AES128", secret: new Uint8Array(16).fill(3) });

/** A module in a file: a clock that for so long ends each thread soon after it has loaded it. */
function writeDyingClock(path: string, forMs: number): void {
  writeFileSync(
    path,
    `
      if (Date.now() < ${Date.now() + forMs}) {
        setTimeout(() => { throw new Error("the clock fell off the wall"); }, 20);
      }
      export default {
        precision: -10,
        now: () => BigInt(Math.floor(Date.now() / 1000) + 2208988800) << 32n,
        read(into) {
          into[0] = Math.floor(Date.now() / 1000) + 2208988800;
          into[1] = 0;
        },
        state: () => ({
          synchronized: true,
          leapIndicator: 0,
          referenceTimestamp: 0n,
          rootDelay: 0,
          rootDispersion: 1,
        }),
      };
    `,
  );
}

/** Runs with a server that has workers. */
async function withServer(
  options: NTPServerOptions,
  listen: ListenOptions,
  run: (server: NTPServer, port: number) => Promise<void>,
): Promise<NTPServer> {
  const server = new NTPServer(options);
  const { port } = await server.listen({ hostname: HOST, port: 0, ...listen });
  try {
    await run(server, port);
  } finally {
    await server.close();
  }
  return server;
}

function signed(packet: Uint8Array, key: SymmetricKey, flip = 0): Uint8Array {
  const digest = key.sign(packet, (packet[0]! >> 3) & 7);
  const bytes = new Uint8Array(packet.length + 4 + digest.length);
  bytes.set(packet);
  new DataView(bytes.buffer).setUint32(packet.length, key.id);
  bytes.set(digest, packet.length + 4);
  bytes[bytes.length - 1]! ^= flip;
  return bytes;
}

/** Requests of all kinds, and things that are none. */
function datagrams(): Uint8Array[] {
  const made: Uint8Array[] = [];
  const plain = (first: number, poll = 6): Uint8Array => {
    const bytes = new Uint8Array(48);
    for (let i = 0; i < 48; i++) bytes[i] = 200 - i;
    bytes[0] = first;
    bytes[2] = poll;
    return bytes;
  };
  for (let version = 0; version < 8; version++) {
    for (let mode = 0; mode < 8; mode++) made.push(plain(0xc0 | (version << 3) | mode));
  }
  for (const poll of [0, 3, 17, 18, 128, 255]) made.push(plain(0x23, poll));
  for (const length of [0, 1, 47]) made.push(plain(0x23).subarray(0, length));
  for (const version of [3, 4]) {
    const request = plain((version << 3) | 3);
    made.push(signed(request, KEY), signed(request, KEY, 1));
    made.push(new Uint8Array([...request, 0, 0, 0, 9, ...new Uint8Array(16)])); // no such key
    made.push(new Uint8Array([...request, 0, 0, 0, 0])); // a crypto-NAK
    made.push(new Uint8Array([...request, 1, 2, 3])); // nothing at all
    made.push(new Uint8Array([...request, 0xff, 1, 0, 28, ...new Uint8Array(24)])); // a field
  }
  return made;
}

/** A reply without what differs from one moment to the next; of a right MAC its key. */
function lasting(reply: Uint8Array | undefined): string {
  if (reply === undefined) return "none";
  const bytes = reply.slice();
  bytes.fill(0, 32, 48);
  if (bytes.length < 60) return bytes.join(" ");
  const version = (bytes[0]! >> 3) & 7;
  const isRight = KEY.verify(reply.subarray(0, 48), reply.subarray(52), version);
  return `${bytes.subarray(0, 52).join(" ")} and a MAC that is ${isRight ? "right" : "wrong"}`;
}

test(
  "workers answer as the main thread does, byte for byte, and count the same",
  { skip },
  async () => {
    const system = new SystemClock();
    const clock = new FunctionClock(() => system.now(), {
      precision: -19,
      state: {
        leapIndicator: 2,
        referenceTimestamp: 0xe000000012345678n,
        rootDelay: 0.125,
        rootDispersion: 0.03,
      },
    });
    const options: NTPServerOptions = {
      clock,
      refid: "GPS",
      stratum: 1,
      keys: new KeyStore([KEY]),
      access: [{ prefix: "127.0.0.0/8", action: "allow" }],
    };
    const wire = await Wire.open();
    const replies: string[][] = [[], []];
    const servers: NTPServer[] = [];
    for (const [i, workers] of [0, 2].entries()) {
      servers.push(
        await withServer(options, { workers }, async (_, port) => {
          for (const data of datagrams()) {
            // Where there is no answer, one to the next request shows that none came before it.
            let reply = await wire.ask(port, data, 30);
            if (reply === undefined) {
              const next = await wire.ask(port, REQUEST);
              reply = next && NTPPacket.decode(next).originTimestamp === 7n ? undefined : next;
            }
            replies[i]!.push(lasting(reply));
          }
        }),
      );
    }
    await wire.close();
    assertEquals(replies[1], replies[0]);
    assert(new Set(replies[0]).size > 10);
    assert(replies[0]!.some((text) => text.endsWith("right")));
    const [own, workers] = servers.map((server) => server.statistics());
    assertEquals(workers!.workers, { serving: 0, restarts: 0 });
    // A reply that was late on a busy machine was asked for once more.
    assertEquals(workers!.cryptoNaks, own!.cryptoNaks);
    assertEquals(workers!.dropped, own!.dropped);
  },
);

test("workers tell the time of the main thread's clock", { skip }, async () => {
  class FastServer extends NTPServer {
    override refid = "FAST";
    readonly #clock = new SystemClock();
    override getTime(): bigint {
      return this.#clock.now() + (500n << 32n);
    }
    override getState() {
      return { rootDispersion: 0.25 };
    }
  }
  const server = new FastServer();
  const { port, transport } = await server.listen({ hostname: HOST, port: 0, workers: 2 });
  assertEquals(transport, "native");
  for (let i = 0; i < 8; i++) {
    const { offset, delay, packet } = await query(HOST, { port, transport: "portable" });
    assertAlmostEquals(offset, 500, 0.1 + delay);
    assertEquals([packet.referenceText, packet.stratum, packet.rootDispersion], ["FAST", 1, 0.25]);
  }
  await server.close();
  assertEquals(server.statistics().answered, 8);
});

test("workers: what the running server says of itself reaches them", { skip }, async () => {
  let isSynchronized = true;
  const system = new SystemClock();
  const clock = new FunctionClock(() => system.now(), {
    state: () => ({ synchronized: isSynchronized }),
  });
  await withServer({ clock, refid: "GPS" }, { workers: 1 }, async (server, port) => {
    const wire = await Wire.open();
    const says = async (text: string, stratum: number) => {
      const packet = NTPPacket.decode((await wire.ask(port, REQUEST))!);
      return packet.referenceText === text && packet.stratum === stratum;
    };
    assert(await says("GPS", 1));
    server.refid = "192.0.2.7";
    server.stratum = 5;
    await until("stratum 5", () => says("192.0.2.7", 5));
    isSynchronized = false;
    await until("not synchronised", async () => {
      const packet = NTPPacket.decode((await wire.ask(port, REQUEST))!);
      return packet.leapIndicator === 3 && packet.stratum === 0 && packet.kissCode === "INIT";
    });
    await wire.close();
  });
});

test(
  "workers share one rate limit, one budget of kisses and one sum of counts",
  { skip },
  async () => {
    const rateLimit = { burst: 20, interval: 64, leak: 0, prefixBurst: 1000 };
    await withServer({ rateLimit }, { workers: 3 }, async (server, port) => {
      let answers = 0, kisses = 0;
      // Each socket has another port, so the kernel chooses another worker.
      for (let i = 0; i < 20; i++) {
        const wire = await Wire.open();
        for (let j = 0; j < 2; j++) {
          const reply = await wire.ask(port, REQUEST, answers < 20 ? 5000 : 100);
          if (reply === undefined) continue;
          if (NTPPacket.decode(reply).kissCode === "RATE") kisses++;
          else answers++;
        }
        await wire.close();
      }
      assertEquals([answers, kisses], [20, 1]);
      await until("all is counted", () => server.statistics().received === 40);
      const { answered, kissed, dropped, workers } = server.statistics();
      assertEquals([answered, kissed, dropped.rate], [20, 1, 19]);
      assertEquals(workers, { serving: 3, restarts: 0 });
    });
  },
);

test(
  "workers pass on what is for associations, and it is answered from the port",
  { skip },
  async () => {
    const access = [{ prefix: HOST, action: "allow" as const }];
    const server = await withServer({ access }, { workers: 2 }, async (server, port) => {
      const wires = await Promise.all(Array.from({ length: 4 }, () => Wire.open()));
      const symmetric = new NTPPacket({ mode: 1, transmitTimestamp: 99n }).encode();
      assertEquals(await wires[0]!.ask(port, symmetric, 200), undefined); // nobody takes them
      const seen: string[] = [];
      const end = server.route([1], (data, source, arrival, transport) => {
        assert(Math.abs(arrival[0]! - Number(new SystemClock().now() >> 32n)) <= 2);
        seen.push(`${data.length} ${source}`);
        return transport.send(data.slice().fill(5, 40), source) === "sent";
      });
      for (const wire of wires) {
        const reply = await wire.ask(port, symmetric);
        assertEquals([reply?.length, reply?.[0], reply?.[47]], [48, symmetric[0], 5]);
      }
      assertEquals(seen, wires.map((wire) => `48 ${HOST}:${wire.port}`));
      assertEquals(server.send(symmetric, new Endpoint(HOST, wires[0]!.port)), "sent");
      end();
      assertEquals(await wires[1]!.ask(port, symmetric, 200), undefined);
      await Promise.all(wires.map((wire) => wire.close()));
    });
    const { routed, dropped, received } = server.statistics();
    assertEquals([routed, dropped.mode, received], [4, 2, 6]);
  },
);

test(
  "workers that die are replaced; it is told and counted, and the port stays",
  { skip },
  async () => {
    const errors: string[] = [];
    const onError = (error: Error) => errors.push(error.message);
    const folder = mkdtempSync(join(tmpdir(), "ntps-workers-"));
    const path = join(folder, "clock.mjs");
    writeDyingClock(path, 2000);
    const workers = { count: 2, clockModule: pathToFileURL(path) };
    await withServer({ onError }, { workers }, async (server, port) => {
      await until("both have died", () => (server.statistics().workers?.restarts ?? 0) >= 2);
      await until("both serve again", () => server.statistics().workers?.serving === 2);
      const wire = await Wire.open();
      await until(
        "requests are answered",
        async () => await wire.ask(port, REQUEST, 500) !== undefined,
      );
      await wire.close();
    });
    rmSync(folder, { recursive: true });
    assertStringIncludes(errors[0]!, "died and is restarted now: ");
    assertStringIncludes(errors.join(), "the clock fell off the wall");
  },
);

test("workers may have a clock of their own, by the URL of its module", { skip }, async () => {
  const clockModule = new URL("./fast_clock.ts", import.meta.url);
  const options = { refid: "PPS" };
  await withServer(options, { workers: { count: 1, clockModule } }, async (_, port) => {
    const { offset, delay, packet } = await query(HOST, { port, transport: "portable" });
    assertAlmostEquals(offset, 1000, 0.1 + delay);
    assertEquals([packet.referenceText, packet.precision], ["PPS", -20]);
  });
});

test(
  "workers: a clock's module that is none, or is not there, keeps them from listening",
  { skip },
  async () => {
    for (const name of ["./no_clock.ts", "./nowhere.ts"]) {
      const server = new NTPServer();
      const clockModule = new URL(name, import.meta.url).href;
      const error = await assertRejects(
        () => server.listen({ hostname: HOST, port: 0, workers: { count: 2, clockModule } }),
        NTPError,
        "of 2 did not start",
      );
      assertStringIncludes(error.message, name.slice(2));
      assertEquals(server.addresses, []);
    }
  },
);

test("workers can be told other rules while they serve", { skip }, async () => {
  const clock = new SystemClock();
  const rules = {
    access: undefined,
    rateLimit: undefined,
    tables: makeAdmissionTables(undefined, true),
    keys: undefined,
  };
  const transport = await WorkersTransport.open(
    { hostname: HOST, clock, onDatagram: () => {} },
    { count: 1, clockModule: undefined },
    {
      clock,
      variables: () => ({
        ...clock.state(),
        stratum: 1,
        precision: -20,
        referenceId: 0x47505300,
      }),
      rules,
      interleaves: undefined,
      onClockError: () => {},
      onClosed: () => {},
    },
  );
  const wire = await Wire.open();
  assert(await wire.ask(transport.port, REQUEST) !== undefined);
  transport.setRules({ ...rules, access: [{ prefix: "127.0.0.0/8", action: "deny" }] });
  await until("denied", async () => await wire.ask(transport.port, REQUEST, 50) === undefined);
  transport.setRules(rules);
  await until("allowed", async () => await wire.ask(transport.port, REQUEST, 50) !== undefined);
  await wire.close();
  await transport.close();
});

test("workers know when each other's replies left (interleaved mode)", { skip }, async () => {
  await withServer({ interleaved: true }, { workers: 2 }, async (_, port) => {
    const transmit = (first: bigint, receive: bigint, origin: bigint) =>
      new NTPPacket({
        originTimestamp: origin,
        receiveTimestamp: receive,
        transmitTimestamp: first,
      }).encode();
    let interleaved = 0;
    // Each request comes from another port, so that often another worker takes it.
    for (let i = 0; i < 8; i++) {
      const [wire, other] = [await Wire.open(), await Wire.open()];
      const before = NTPPacket.decode((await wire.ask(port, transmit(5n, 0n, 1n)))!);
      await until("the stamp has come", async () => {
        const request = transmit(7n, 6n, before.receiveTimestamp);
        const reply = NTPPacket.decode((await other.ask(port, request))!);
        if (reply.originTimestamp !== 6n) return false;
        assert(reply.transmitTimestamp > before.receiveTimestamp);
        assert(reply.transmitTimestamp < reply.receiveTimestamp);
        interleaved++;
        return true;
      });
      await Promise.all([wire.close(), other.close()]);
    }
    assertEquals(interleaved, 8);
  });
});

test("workers: the port is bound by nobody else, is free afterwards, and may be shared if asked", {
  skip,
}, async () => {
  const server = await withServer({}, { workers: 2 }, async (_, port) => {
    const other = new NTPServer();
    await assertRejects(
      () => other.listen({ hostname: HOST, port, workers: 2 }),
      NTPError,
      "in use by another socket",
    );
    assertEquals(other.statistics().workers, undefined);
    const sharing = { hostname: HOST, port, workers: 1, reusePort: true };
    await other.listen(sharing);
    await other.close();
  });
  const { port } = await server.listen({ hostname: HOST, port: 0, workers: 1 });
  await server.close();
  await server.listen({ hostname: HOST, port });
  await query(HOST, { port, transport: "portable" });
  await server.close();
  assertEquals(server.statistics().answered, 1);
});

test(
  "workers end with the signal, and when the server is closed before they serve",
  { skip },
  async () => {
    const ending = new AbortController();
    const server = new NTPServer();
    await server.listen({ hostname: HOST, port: 0, workers: 1, signal: ending.signal });
    ending.abort();
    await until("the worker has ended", () => server.statistics().workers?.serving === 0);
    assertEquals(server.addresses, []);
    const listening = server.listen({ hostname: HOST, port: 0, workers: 2 });
    await server.close();
    assertEquals((await assertRejects(() => listening, NTPError)).code, "closed");
  },
);

test("workers: what cannot go to another thread is refused with the remedy", async () => {
  class OwnKey extends SymmetricKey {}
  const ownKey = new OwnKey({ id: 1, type: "MD5", secret: new Uint8Array(4) });
  const cases: [NTPServerOptions, ListenOptions, string][] = [
    [{ decide: () => undefined }, {}, "decide: a function cannot go to another thread"],
    [{ keys: [ownKey] }, {}, "only SymmetricKeys"],
    [{ bind: udpAdapter("portable") }, {}, "leave out bind"],
    [{}, { groups: ["224.0.1.1"] }, "each worker would answer"],
    [{}, { multicast: true }, "each worker would answer"],
    [{ transport: "portable" }, {}, 'say "native" or "auto"'],
    [{ transport: "xdp" }, {}, 'say "native" or "auto"'],
  ];
  for (const [options, listen, message] of cases) {
    const server = new NTPServer(options);
    const all = { hostname: HOST, port: 0, ...listen, workers: 1 };
    await assertRejects(() => server.listen(all), TypeError, message);
    await assertRejects(
      () => server.listen({ ...all, workers: -1 }),
      RangeError,
      "a whole number from 0 to 64, not -1",
    );
  }
});

test("workers: wrong options are refused by name and value", async () => {
  const listen = (workers: unknown) =>
    new NTPServer().listen({ hostname: HOST, port: 0, workers } as ListenOptions);
  for (const count of [-1, 65, 1.5, NaN]) {
    await assertRejects(() => listen(count), RangeError, `not ${count}`);
    await assertRejects(() => listen({ count }), RangeError, `not ${count}`);
  }
  for (const wrong of ["2", true, null, {}]) {
    await assertRejects(() => listen(wrong), TypeError, "workers is a number");
  }
  await assertRejects(() => listen({ count: 1, clockModule: 7 }), TypeError, "is a URL, not 7");
  await assertRejects(
    () => listen({ count: 1, clockModule: "./clock.ts" }),
    RangeError,
    "import.meta.url",
  );
});
