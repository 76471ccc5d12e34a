// What a Deno says that lacks a flag. Each case is a process of its own.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { currentRuntime } from "../../src/transport/runtime.ts";

const skip = currentRuntime() !== "deno" && "runs on Deno only";
const SOURCES = new URL("../../src/", import.meta.url);

/** Deno's node:child_process gives a Deno all permissions. */
interface DenoNamespace {
  execPath(): string;
  Command: new (
    path: string,
    options: { args: string[]; env: Record<string, string> },
  ) => { outputSync(): { code: number; stdout: Uint8Array; stderr: Uint8Array } };
}

/** Runs `body`, which shows an error by throwing it; gives its code and message. */
function run(flags: string[], body: string): { code: string; message: string } {
  const folder = mkdtempSync(join(tmpdir(), "ntps-deno-"));
  try {
    const file = join(folder, "main.ts");
    writeFileSync(
      file,
      `import { bindUdp, udpAdapter } from "${SOURCES}transport/bind_udp.ts";
      import { Endpoint } from "${SOURCES}transport/endpoint.ts";
      import { resolveHost } from "${SOURCES}transport/resolve.ts";
      const base = { clock: { read() {} }, onDatagram() {} };
      try {
        ${body}
      } catch (error) {
        console.log(JSON.stringify({ code: error.code, message: error.message }));
      }
      Deno.exit();`,
    );
    const { Deno } = globalThis as unknown as { Deno: DenoNamespace };
    const args = ["run", "--no-config", "--no-check", "--no-prompt", ...flags, file];
    const command = new Deno.Command(Deno.execPath(), { args, env: { NO_COLOR: "1" } });
    const { code, stdout, stderr } = command.outputSync();
    const decoder = new TextDecoder();
    assertEquals(code, 0, decoder.decode(stderr));
    return JSON.parse(decoder.decode(stdout));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("Deno without --unstable-net: the flag, and the other adapter", { skip }, () => {
  const { code, message } = run(["--allow-net"], "await bindUdp({ ...base, port: 0 });");
  assertEquals(code, "unsupported");
  for (const text of ["--unstable-net", '"unstable": ["net"]', '"node"']) {
    assertStringIncludes(message, text);
  }
});

test("Deno without --allow-net: the flag", { skip }, () => {
  const body = "await bindUdp({ ...base, port: 12300 });";
  const { code, message } = run(["--unstable-net"], body);
  assertEquals(code, "permission");
  assertStringIncludes(message, "--allow-net=[::]:12300");
});

test("Deno without --allow-net: node:dgram must not end the process", { skip }, () => {
  const body = 'await udpAdapter("node")({ ...base, hostname: "127.0.0.1", port: 12300 });';
  const { code, message } = run([], body);
  assertEquals(code, "permission");
  assertStringIncludes(message, "--allow-net=127.0.0.1:12300");
});

for (const name of ["deno", "node"]) {
  test(`Deno with another --allow-net: sending over "${name}" is an event`, { skip }, () => {
    const { code, message } = run(
      ["--unstable-net", "--allow-net=127.0.0.1:0"],
      `setTimeout(() => Deno.exit(3), 10_000);
      throw await new Promise(async (onError) => {
        const options = { ...base, hostname: "127.0.0.1", onError };
        const transport = await udpAdapter("${name}")(options);
        transport.send(new Uint8Array(48), new Endpoint("192.0.2.1", 123));
      });`,
    );
    assertEquals(code, "permission");
    assertStringIncludes(message, "--allow-net=192.0.2.1:123");
  });
}

test("Deno without --allow-sys: network interfaces", { skip }, () => {
  const { code, message } = run(
    ["--allow-net"],
    `const transport = await bindUdp({ ...base, hostname: "0.0.0.0", multicast: true });
    transport.joinGroup("224.0.1.1", "eth0");`,
  );
  assertEquals(code, "permission");
  assertStringIncludes(message, "eth0");
  assertStringIncludes(message, "--allow-sys=networkInterfaces");
});

test("Deno without --allow-net: names", { skip }, () => {
  const { code, message } = run([], 'await resolveHost("localhost");');
  assertEquals(code, "permission");
  assertStringIncludes(message, "--allow-net=localhost");
});
