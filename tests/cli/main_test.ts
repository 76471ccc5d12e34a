// The command as a process: what only the real world can show.
import { test } from "node:test";
import { chmod, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { assertEquals, assertMatch } from "@std/assert";
import { SystemClock } from "../../src/clock/system_clock.ts";
import { NTPPacket } from "../../src/packet/mod.ts";
import { NTPServer } from "../../src/server/ntp_server.ts";
import { bindUdp } from "../../src/transport/bind_udp.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";
import { loadNative } from "../../src/transport/native/load_native.ts";
import { run, start } from "../child.ts";

const MAIN = "src/cli/main.ts";
const { reason: noWorkers } = await loadNative();

/** A port that nobody has. */
async function freePort(): Promise<number> {
  const transport = await bindUdp({ clock: new SystemClock(), onDatagram() {} });
  await transport.close();
  return transport.port;
}

test("main.ts: asks a server, and its exit status is for scripts", async () => {
  await using server = new NTPServer({ refid: "GPS" });
  const { port } = await server.listen({ hostname: "127.0.0.1", port: 0 });
  const { status, stdout, stderr } = await run(MAIN, ["query", `127.0.0.1:${port}`]);
  assertEquals([status, stderr], [0, ""]);
  assertMatch(stdout, /^host +address .*\n127\.0\.0\.1:\d+ +127\.0\.0\.1:\d+ +1 +GPS .* none\n$/);
  assertEquals(server.statistics().answered, 1);
});

test("main.ts: a wrong option is one line and status 2", async () => {
  const { status, stdout, stderr } = await run(MAIN, ["query", "--prot", "4", "127.0.0.1"]);
  const line = "ntps query: there is no option --prot; did you mean --protocol?\n";
  assertEquals([status, stdout, stderr], [2, "", line]);
});

test("main.ts: serves until a signal comes", async () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    const child = start(MAIN, ["serve", "--port", "0", "--address", "127.0.0.1"]);
    try {
      const [, port] = await child.match(
        / listening at 127\.0\.0\.1:(\d+) \((deno|bun|node|native)[:,].*\); /,
      );
      const asked = await run(MAIN, ["query", `127.0.0.1:${port}`, "--json"]);
      assertEquals(JSON.parse(asked.stdout)[0].packet.referenceText, "127.127.1.1");
      child.kill(signal);
      const { status, stdout, stderr } = await child.ended;
      assertEquals([status, stderr], [0, ""]);
      assertMatch(stdout, new RegExp(` ended by ${signal}: answered 1 in all\n$`));
    } finally {
      child.kill("SIGKILL");
    }
  }
});

test("main.ts: serves by workers, and sums up what they did", { skip: noWorkers }, async () => {
  const args = ["serve", "--workers", "2", "--port", "0", "--address", "127.0.0.1"];
  const child = start(MAIN, args);
  try {
    const [, port] = await child.match(/ listening at 127\.0\.0\.1:(\d+) \(native\); workers: 2; /);
    const { status } = await run(MAIN, [
      "query",
      `127.0.0.1:${port}`,
      "--samples",
      "2",
      "-i",
      "0.1",
    ]);
    assertEquals(status, 0);
    child.kill("SIGINT");
    assertMatch((await child.ended).stdout, / ended by SIGINT: answered 2 in all\n$/);
  } finally {
    child.kill("SIGKILL");
  }
});

test("main.ts: a port that is taken is one line with the remedy and status 1", async () => {
  await using server = new NTPServer();
  const { port } = await server.listen({ hostname: "127.0.0.1", port: 0 });
  const args = ["serve", "-a", "127.0.0.1", "-p", `${port}`];
  const { status, stdout, stderr } = await run(MAIN, args);
  assertEquals([status, stdout], [1, ""]);
  assertMatch(stderr, /^ntps serve: 127\.0\.0\.1:\d+ is in use [^\n]*choose another port[^\n]*\n$/);
});

test("main.ts: a key that keygen wrote authenticates queries to serve", async () => {
  const folder = await mkdtemp(join(tmpdir(), "ntps-main-"));
  try {
    const [keys, others] = [join(folder, "keys"), join(folder, "others")];
    const made = await run(MAIN, ["keygen", keys]);
    assertEquals([made.status, made.stderr], [0, ""]);
    assertEquals(made.stdout, `wrote key 1 (AES128) to ${keys}\n`);
    if (process.platform !== "win32") assertEquals((await stat(keys)).mode & 0o777, 0o600);
    const again = await run(MAIN, ["keygen", keys]);
    assertEquals([again.status, again.stdout], [1, ""]);
    assertMatch(again.stderr, /^ntps keygen: cannot write \S+: it exists; --force [^\n]*\n$/);
    await writeFile(others, (await run(MAIN, ["keygen"])).stdout, { mode: 0o600 });

    const serve = ["serve", "-p", "0", "-a", "127.0.0.1", "--refid", "GPS", "--rate-limit"];
    const child = start(MAIN, [...serve, "--keys", keys, "--require-auth", "127.0.0.0/8"]);
    try {
      const [, port] = await child.match(/ listening at 127\.0\.0\.1:(\d+) .* stratum 1, /);
      const ask = (file: string, ...more: string[]) =>
        run(MAIN, ["query", `127.0.0.1:${port}`, "--key", `1:${file}`, ...more]);
      const right = await ask(keys);
      assertEquals([right.status, right.stderr], [0, ""]);
      assertMatch(right.stdout, / auth .*\n.* key 1 /);
      const wrong = await ask(others, "--timeout", "1s");
      assertEquals([wrong.status, wrong.stdout], [1, ""]);
      assertMatch(wrong.stderr, /^ntps query: \S+ does not accept key 1 \(crypto-NAK\)/);
      child.kill("SIGINT");
      const { stdout, stderr } = await child.ended;
      assertEquals(stderr, "");
      assertMatch(stdout, / ended by SIGINT: answered 1, crypto-NAKs 1 in all\n$/);
    } finally {
      child.kill("SIGKILL");
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("main.ts: a key file that others may read is warned of", {
  skip: process.platform === "win32",
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), "ntps-main-"));
  try {
    const keys = join(folder, "keys");
    await writeFile(keys, "1 MD5 secret\n");
    await chmod(keys, 0o644);
    const { status, stderr } = await run(MAIN, ["query", "--key", `2:${keys}`, "127.0.0.1"]);
    const lines = [
      `ntps query: ${keys}: others than its owner may use these keys (mode 644): chmod 600 ${keys}`,
      `ntps query: there is no key 2 in ${keys}; there is only 1`,
    ];
    assertEquals([status, stderr], [2, lines.map((line) => `${line}\n`).join("")]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("main.ts: listens until a signal comes, and says the rest on standard error", async () => {
  const port = await freePort();
  const args = ["listen", "--port", `${port}`, "--unauthenticated", "--delay", "1ms", "--json"];
  const child = start(MAIN, args);
  const clock = new SystemClock();
  const sender = await bindUdp({ hostname: "127.0.0.1", clock, onDatagram() {} });
  // It does not say on standard output when it has begun.
  const timer = setInterval(() => {
    const transmitTimestamp = clock.now();
    const packet = new NTPPacket({ mode: 5, stratum: 1, precision: -20, transmitTimestamp });
    sender.send(packet.encode(), new Endpoint("127.0.0.1", port));
  }, 100);
  try {
    await child.match(/\n/);
    child.kill("SIGINT");
    const { status, stdout, stderr } = await child.ended;
    assertEquals(status, 0, stderr);
    assertEquals(JSON.parse(stdout.split("\n")[0]!).packet.modeDescription, "broadcast");
    assertMatch(stderr, /^ntps listen: listening at port \d+ to broadcasts/m);
    assertMatch(stderr, /\nntps listen: ended by SIGINT: \d+ samples? of 1 server\n$/);
  } finally {
    clearInterval(timer);
    await sender.close();
    child.kill("SIGKILL");
  }
});

test("main.ts: reads standard input and files", async () => {
  const bytes = new NTPPacket({ mode: 4, stratum: 1, referenceId: 0x50505300 }).encode();
  const { status, stdout, stderr } = await run(MAIN, ["decode", "-"], { input: bytes });
  assertEquals([status, stderr], [0, ""]);
  assertMatch(stdout, /reference identifier +PPS +pulse per second\n/);

  const missing = await run(MAIN, ["decode", "no/such/file"]);
  const line =
    'ntps decode: "no/such/file" is neither hexadecimal, in pairs of digits, nor a file\n';
  assertEquals([missing.status, missing.stderr], [1, line]);
  const folder = await run(MAIN, ["decode", "src"]);
  const itIs = 'ntps decode: cannot read "src": it is a folder\n';
  assertEquals([folder.status, folder.stderr], [1, itIs]);
});

test("main.ts: a reader that has had enough is no error", async () => {
  const child = start(MAIN, ["serve", "--port", "0", "--address", "127.0.0.1"]);
  try {
    const [, port] = await child.match(/ listening at 127\.0\.0\.1:(\d+) /);
    child.closeStdout();
    // The next line that it writes finds nobody to read it.
    await run(MAIN, ["query", `127.0.0.1:${port}`]);
    const { stderr } = await child.ended;
    assertEquals(stderr, "");
  } finally {
    child.kill("SIGKILL");
  }
});
