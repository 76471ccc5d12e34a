import { connect } from "node:net";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { establishNts } from "../../src/nts/ke/establish_nts.ts";
import { NtsKeyExchangeServer } from "../../src/nts/ke/nts_key_exchange_server.ts";
import { VirtualTime } from "../../src/testing/virtual_time.ts";
import { Authority } from "../nts/ke/authority.mjs";

test("unbounded key-exchange connections (CVE-2024-38528)", async () => {
  const authority = new Authority();
  const time = new VirtualTime(); // nobody is ended by the clock
  const cookieKeys = { seal: () => new Uint8Array(100) };
  const limits = { maxConnections: 20, maxConnectionsPerPrefix: 20, timers: time };
  const identity = authority.issue(["127.0.0.1"]);
  const server = new NtsKeyExchangeServer({ ...identity, cookieKeys, ...limits });
  const { port } = await server.listen({ hostname: "127.0.0.1", port: 0 });
  const silent = Array.from({ length: 200 }, () => connect({ host: "127.0.0.1", port }));
  try {
    await Promise.all(silent.map((socket) =>
      new Promise<void>((resolve) => {
        socket.on("error", () => resolve());
        socket.on("connect", () => resolve());
      })
    ));
    const { cookies } = await establishNts("127.0.0.1", { port, ca: authority.cert });
    assertEquals(cookies.length, 8);
    assert(server.statistics().active <= 20);
  } finally {
    for (const socket of silent) socket.destroy();
    await server.close();
  }
});
