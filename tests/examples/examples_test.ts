import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { NTPServer, query } from "../../mod.ts";
import { run, start } from "../child.ts";

test("examples/demo.ts prints what the query found, and ends by itself", async () => {
  const { status, stdout, stderr } = await run("examples/demo.ts");
  assertEquals([status, stderr], [0, ""]);
  assertMatch(stdout, /^The server listens at 127\.0\.0\.1, port \d+\.\n/);
  assertMatch(stdout, /\nat stratum 1, by the reference GPS\.\n/);
  assertMatch(stdout, /\nThe server received 4 requests, answered 4, and is closed\.\n$/);
});

test("examples/server.ts serves the time of the receiver until SIGINT", async () => {
  const child = start("examples/server.ts", ["0"]);
  try {
    const [, port] = await child.match(/^Serving GNSS time at \S+, port (\d+)\./);
    const { packet, offset, rootDistance } = await query("127.0.0.1", { port: Number(port) });
    assertEquals([packet.stratum, packet.referenceText], [1, "GNSS"]);
    // Both read the clock of this machine, so the bound holds whatever the load.
    assert(Math.abs(offset) < rootDistance + 0.001, `${offset} ± ${rootDistance}`);
    assert(packet.rootDispersion < 0.000_2);
    child.kill("SIGINT");
    const { status, stdout, stderr } = await child.ended;
    assertEquals([status, stderr], [0, ""]);
    assertStringIncludes(stdout, "Answered 1 requests.\n");
  } finally {
    child.kill("SIGKILL");
  }
});

test("examples/server.ts, started in its folder, says how to take another port", async () => {
  await using server = new NTPServer();
  const { port } = await server.listen({ port: 0 });
  // A port that is taken, since the tests may have the privilege for 123.
  const { status, stdout, stderr } = await run("examples/server.ts", [`${port}`], {
    cwd: "examples",
  });
  assertEquals([status, stdout], [1, ""]);
  assertMatch(stderr, /^\S+ is in use by another socket/);
  assertMatch(stderr, /\n {2}(deno run -A --unstable-net|bun run|node) \S+server\.ts 12300\n$/);
});

test("examples/client.ts asks the server of its arguments", async () => {
  await using server = new NTPServer({ refid: "PPS" });
  const { port } = await server.listen({ hostname: "127.0.0.1", port: 0 });
  const { status, stdout, stderr } = await run("examples/client.ts", ["127.0.0.1", `${port}`]);
  assertEquals([status, stderr], [0, ""]);
  assertMatch(stdout, /^127\.0\.0\.1: stratum 1, reference PPS\nIt is 20\d\d-.*Z\.\n/);
  assertMatch(stdout, /\nThe clock of this computer is \d+\.\d{3} ms (ahead|behind),\n/);
  assertMatch(stdout, /\ngive or take \d+\.\d{3} ms\.\n$/);
  assertEquals(server.statistics().answered, 3);
});

test("examples/client.ts tells what went wrong in one sentence", async () => {
  await using server = new NTPServer({ stratum: 16 });
  const { port } = await server.listen({ hostname: "127.0.0.1", port: 0 });
  const { status, stdout, stderr } = await run("examples/client.ts", ["127.0.0.1", `${port}`]);
  assertEquals([status, stdout], [1, ""]);
  assertMatch(stderr, /^127\.0\.0\.1:\d+ does not know the time: [^\n]+\n$/);
});

test("examples/simulation.ts simulates a day, and the clock stays right", async () => {
  const { status, stdout, stderr } = await run("examples/simulation.ts");
  assertEquals([status, stderr], [0, ""]);
  assertMatch(stdout, /^The machine's own clock is \d\.\d{3} s wrong\.\n/);
  assertMatch(stdout, /\nand never by more than \d\.\d ms\.\n/);
  assertMatch(stdout, /\nThe auction closed -?\d\.\d ms after its end\.\n$/);
});

test("examples/stratum2.ts serves what it follows, a stratum below", async () => {
  await using source = new NTPServer({ refid: "GPS", stratum: 1 });
  const { port } = await source.listen({ hostname: "127.0.0.1", port: 0 });
  const child = start("examples/stratum2.ts", ["0", `127.0.0.1:${port}`]);
  try {
    const [, served] = await child.match(/^Serving at port (\d+), stratum 2\./m);
    const { packet, offset, rootDistance } = await query("127.0.0.1", { port: Number(served) });
    assertEquals([packet.stratum, packet.referenceText], [2, "127.0.0.1"]);
    assert(Math.abs(offset) < rootDistance + 0.001, `${offset} ± ${rootDistance}`);
    child.kill("SIGINT");
    const { status, stdout, stderr } = await child.ended;
    assertEquals([status, stderr], [0, ""]);
    assertMatch(stdout, /^Sources: 127\.0\.0\.1 selected$/m);
    assertMatch(stdout, /\nWrong by \d+\.\d{3} ms at most\.\n$/);
  } finally {
    child.kill("SIGKILL");
  }
});
