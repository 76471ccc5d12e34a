// AF_XDP on a veth pair between two namespaces: both are made here, and gone afterwards.
import { test } from "node:test";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { loadNative } from "../../../../src/transport/native/load_native.ts";

const { reason } = await loadNative();
const SERVER = `ntps-${process.pid}-xdp-s`, CLIENT = `ntps-${process.pid}-xdp-c`;
const PATIENCE_MS = 20_000;

function ip(...args: string[]): string {
  return execFileSync("ip", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

function remove(): void {
  for (const name of [SERVER, CLIENT]) {
    try {
      ip("netns", "delete", name);
    } catch {
      // It was never there.
    }
  }
}

function makeWire(): void {
  ip("link", "add", "v1", "netns", SERVER, "type", "veth", "peer", "name", "v0", "netns", CLIENT);
  for (const [namespace, device, n] of [[SERVER, "v1", 1], [CLIENT, "v0", 2]] as const) {
    ip("-n", namespace, "addr", "add", `10.77.1.${n}/24`, "dev", device);
    ip("-n", namespace, "addr", "add", `fd77:1::${n}/64`, "dev", device, "nodad");
    ip("-n", namespace, "link", "set", device, "up");
    ip("-n", namespace, "link", "set", "lo", "up");
  }
}

function lacks(): string | false {
  if (reason !== undefined) return `AF_XDP ${reason}`;
  if (process.getuid?.() !== 0) return "network namespaces and bpf(2) need root";
  try {
    ip("netns", "add", SERVER);
    ip("netns", "add", CLIENT);
    makeWire();
    return false;
  } catch (error) {
    return `no network namespaces: ${error instanceof Error ? error.message : error}`;
  } finally {
    remove();
  }
}

function program(namespace: string, file: string, args: string[]): string[] {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const flags = process.versions["deno"]
    ? ["run", "-q", "-A", "--unstable-net", "--no-check"]
    : process.versions["bun"]
    ? ["run"]
    : ["--disable-warning=ExperimentalWarning"];
  return ["netns", "exec", namespace, process.execPath, ...flags, path, ...args];
}

/** What a server has printed, a line at a time. */
class Server {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  readonly #lines: Record<string, unknown>[] = [];
  #wake: (() => void) | undefined;

  constructor(...args: string[]) {
    this.child = spawn("ip", program(SERVER, "xdp_wire_server.ts", args), {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, NODE_TEST_CONTEXT: undefined },
    });
    createInterface({ input: this.child.stdout! }).on("line", (line) => {
      this.#lines.push(JSON.parse(line));
      this.#wake?.();
    });
    this.ended = new Promise((resolve) => this.child.on("close", resolve));
  }

  /** The next line. */
  async next(): Promise<Record<string, unknown>> {
    if (this.#lines.length === 0) {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error("the server says nothing")), PATIENCE_MS);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.#lines.shift()!;
  }

  ask(command: string): Promise<Record<string, unknown>> {
    this.child.stdin!.write(`${command}\n`);
    return this.next();
  }

  async kill(): Promise<void> {
    if (this.child.exitCode === null) this.child.kill("SIGKILL");
    await this.ended;
  }
}

/** Asks from the other side of the wire, or from the server's own. */
function ask(hostname: string, port: number, lengths: unknown[], namespace = CLIENT): unknown[] {
  const args = [hostname, `${port}`, ...lengths.map(String)];
  const output = execFileSync("ip", program(namespace, "xdp_wire_client.ts", args), {
    encoding: "utf8",
    timeout: PATIENCE_MS,
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
  });
  return JSON.parse(output);
}

const isAttached = (): boolean => ip("-n", SERVER, "link", "show", "v1").includes("prog/xdp");
const skip = lacks();

/** A test between two namespaces, with a server that is gone afterwards. */
function wireTest(name: string, body: (start: (...args: string[]) => Server) => Promise<void>) {
  test(name, { skip }, async () => {
    const servers: Server[] = [];
    try {
      ip("netns", "add", SERVER);
      ip("netns", "add", CLIENT);
      makeWire();
      await body((...args) => {
        const server = new Server(...args);
        servers.push(server);
        return server;
      });
    } finally {
      for (const server of servers) await server.kill();
      remove();
    }
  });
}

for (const mode of ["driver", "generic"]) {
  wireTest(
    `AF_XDP: both families, all lengths, what passes the program by (${mode})`,
    async (start) => {
      const server = start("::", "0", mode);
      const { kind, port } = await server.next() as { kind: string; port: number };
      assertEquals(kind, "xdp");
      assert(isAttached());
      const before = await server.ask("count");
      const lengths = [48, 0, 1, 49, 1400, 48];
      for (const hostname of ["10.77.1.1", "fd77:1::1"]) {
        assertEquals(ask(hostname, port, lengths), lengths, hostname);
      }
      const after = await server.ask("count");
      const { received, sent, errors, oldest, youngest } = after as Record<string, number>;
      assertEquals([received, sent, errors], [12, 12, 0]);
      assertEquals(after["byStack"], before["byStack"], "all of these were taken before the stack");
      assert(youngest! >= -0.001 && oldest! < 5, `ages from ${youngest} to ${oldest} s`);

      // Fragments, replies that are longer than the request, and this machine itself.
      assertEquals(ask("10.77.1.1", port, [4000, "L48"]), [4000, 100]);
      assertEquals(ask("fd77:1::1", port, [4000, "L48"]), [4000, 100]);
      assertEquals(ask("127.0.0.1", port, [48], SERVER), [48]);
      assertEquals(ask("10.77.1.1", port, [48], SERVER), [48]);
      assertEquals((await server.ask("count"))["received"], 18);
      assertEquals(await server.ask("close"), { closed: "closed" });
      assertEquals(await server.ended, 0);
      assert(!isAttached());
    },
  );
}

wireTest("AF_XDP: one address is bound, the others are not heard", async (start) => {
  const server = start("10.77.1.1", "123", "driver");
  assertEquals((await server.next())["port"], 123);
  ip("-n", SERVER, "addr", "add", "10.77.1.9/24", "dev", "v1");
  assertEquals(ask("10.77.1.1", 123, [48]), [48]);
  assertEquals(ask("10.77.1.9", 123, [48]), ["none"]);
});

wireTest("AF_XDP: nothing is left of a server that is killed", async (start) => {
  const server = start("::", "123", "driver");
  await server.next();
  assert(isAttached());
  await server.kill();
  // The kernel takes it away when the last descriptor has gone, which may take it a moment.
  for (let i = 0; i < 100 && isAttached(); i++) await new Promise((done) => setTimeout(done, 20));
  assert(!isAttached());
  let said: Record<string, unknown> = {};
  // The same goes for the queue of the interface, which it frees later still.
  for (let i = 0; i < 20; i++) {
    said = await start("::", "123", "driver").next();
    if (said["code"] !== "address-in-use") break;
    await new Promise((done) => setTimeout(done, 50));
  }
  assertEquals(said["kind"], "xdp", JSON.stringify(said));
});

wireTest("AF_XDP: a second program on the interface is told what is in its way", async (start) => {
  const server = start("::", "123", "driver");
  await server.next();
  const second = start("::", "124", "driver");
  const { code, message } = await second.next();
  assertEquals(code, "address-in-use");
  assertMatch(String(message), /^AF_XDP on v1: another program/);
  assertEquals(await second.ended, 1);
  assertEquals(ask("10.77.1.1", 123, [48]), [48]); // the first does not mind
});

wireTest("AF_XDP: the loopback interface has no frames to take", async (start) => {
  const { code, message } = await start("127.0.0.1", "123", "driver").next();
  assertEquals(code, "unsupported");
  assertStringIncludes(String(message), "loopback interface");
});

wireTest("AF_XDP: an interface that goes down, comes back, and vanishes", async (start) => {
  const server = start("::", "123", "driver");
  await server.next();
  ip("-n", SERVER, "link", "set", "v1", "down");
  assertStringIncludes(
    String((await server.next())["error"]),
    "AF_XDP on v1: the interface is down",
  );
  ip("-n", SERVER, "link", "set", "v1", "up");
  assertEquals(ask("10.77.1.1", 123, [1, 48]).at(-1), 48);
  ip("-n", SERVER, "link", "delete", "v1");
  assertStringIncludes(String((await server.next())["error"]), "v1 has gone");
  assertEquals(ask("127.0.0.1", 123, [48], SERVER), [48]);
  assertEquals(await server.ask("close"), { closed: "closed" });
});
