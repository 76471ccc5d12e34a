// What packaging/ has: each command line and configuration in it is one that the command takes.
import { test } from "node:test";
import { existsSync, readFileSync } from "node:fs";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { readToml } from "../../src/cli/toml.ts";
import { FakeWorld } from "../cli/fake_world.ts";

const FOLDER = new URL("../../packaging/", import.meta.url);
const read = (name: string) => readFileSync(new URL(name, FOLDER), "utf8");
const CONFIG = "/etc/ntps/ntps.toml";
/** All that Deno is permitted; the folder is that of the configuration. */
const FLAGS = ["--no-prompt", "--cached-only", "--unstable-net", "--allow-net"];
/** What it takes besides to tell systemd how it is. */
const SERVICE_FLAGS = ["--allow-ffi", "--allow-env=NOTIFY_SOCKET,WATCHDOG_USEC"];
const deno = JSON.parse(readFileSync(new URL("../../deno.json", import.meta.url), "utf8"));

await readToml("", ""); // virtual time waits for no module

/** The command lines of a file, as words. */
function commandsOf(name: string): string[][] {
  const text = read(name);
  if (name === "ntps.service") return [/^ExecStart=\S+ (.*)$/m.exec(text)![1]!.split(" ")];
  const lists = [...text.matchAll(/(?:ENTRYPOINT|CMD|args:|command:) (\[.*\])/g)];
  return lists.map(([, list]) => JSON.parse(list!));
}

for (const name of ["ntps.service", "Containerfile", "kubernetes.yaml"]) {
  test(`packaging: ${name} starts what the command takes`, async () => {
    const commands = commandsOf(name);
    assert(commands.length > 0);
    for (const words of commands) {
      const at = words.indexOf(`jsr:${deno.name}/cli`);
      if (at >= 0) {
        const flags = words.slice(words.indexOf("run") + 1, at);
        const expected = name === "ntps.service" ? [...FLAGS, ...SERVICE_FLAGS] : FLAGS;
        assertEquals(flags.filter((flag) => flag !== "--allow-read=/etc/ntps"), expected);
        assert(deno.exports["./cli"]);
      }
      const args = words.slice(at + 1);
      if (args.length === 0) continue; // what CMD adds to
      const world = new FakeWorld();
      world.files.set(CONFIG, read("ntps.toml"));
      await world.serve("127.0.0.1", { stratum: 1 });
      const { status, stderr } = await world.run(
        ...args,
        ...(args[0] === "serve" ? ["--check"] : []),
      );
      assertEquals([status, stderr], [0, ""], words.join(" "));
    }
  });
}

test("packaging: the configurations are right, and so are the lines that are commented out", async () => {
  const embedded = /ntps\.toml: \|\n((?: {4}.*\n)+)/.exec(read("kubernetes.yaml"))![1]!;
  const whole = read("ntps.toml").replace(/^# (?=\[|[a-z-]+ = )/gm, "");
  assertMatch(whole, /^refclock = /m);
  for (const text of [embedded.replace(/^ {4}/gm, ""), read("ntps.toml"), whole]) {
    const world = new FakeWorld();
    world.files.set(CONFIG, text);
    const { status, stderr } = await world.run("serve", "--config", CONFIG, "--check");
    // A clock of one's own tells the stratum.
    const isClock = text === whole;
    assertEquals(status, isClock ? 2 : 0, stderr);
    if (isClock) assertMatch(stderr, /--stratum does not go with --refclock/);
  }
});

test("packaging: the service may bind the port, and is reloaded as the command wants", () => {
  const unit = read("ntps.service");
  for (
    const line of [
      "ExecReload=/bin/kill -HUP $MAINPID",
      "Type=notify",
      "WatchdogSec=30",
      "DynamicUser=yes",
      "AmbientCapabilities=CAP_NET_BIND_SERVICE",
      "CapabilityBoundingSet=CAP_NET_BIND_SERVICE",
      "ProtectSystem=strict",
    ]
  ) assert(unit.split("\n").includes(line), line);
  const runtimes = new URL("../../tools/runtimes/package.json", import.meta.url);
  const { dependencies } = JSON.parse(readFileSync(runtimes, "utf8"));
  assert(read("Containerfile").includes(`denoland/deno:${dependencies.deno}\n`));
  assert(existsSync(new URL("ntps.toml", FOLDER)));
});
