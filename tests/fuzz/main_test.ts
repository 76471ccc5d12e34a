import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { run } from "../../tools/child.mjs";
import { runArguments } from "../../tools/launch.mjs";
import { ROOT, RUNTIMES } from "../../tools/runtimes.mjs";
import { TARGETS } from "./fuzz.ts";
import { work } from "./job.ts";
import { readOptions, UsageError } from "./options.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));
const OWN = RUNTIMES.find((name: string) => process.versions[name]) ?? "node";

function fuzz(...args: string[]) {
  const all = runArguments(OWN, MAIN, args, false);
  return run(process.execPath, all, { cwd: ROOT, timeoutMs: 60_000, env: { NO_COLOR: "1" } });
}

test("fuzz command: a table, without --json", async () => {
  const args = ["--count", "200", "--target", "client", "--runtime", OWN];
  const { code, stdout, output } = await fuzz(...args);
  assertEquals(code, 0, output);
  const [head, line, ...rest] = stdout.trimEnd().split("\n");
  assertEquals(head!.trim().split(/  +/), ["packets", "got through", "packets/s", "findings"]);
  assert(new RegExp(`^client ${OWN} +200 +[0-9.]+ % +[0-9,]+ +0$`).test(line!), line);
  assertEquals(rest, []);
});

test("fuzz command: --json gives one object on stdout and nothing else", async () => {
  const count = `${1000 * Object.keys(TARGETS).length}`;
  const args = ["--json", "--count", count, "--seed", "7", "--runtime", OWN];
  const { code, stdout, output } = await fuzz(...args);
  assertEquals(code, 0, output);
  const { name, machine, rows } = JSON.parse(stdout);
  assertEquals(name, "fuzz");
  assertEquals(machine.seed, 7);
  const subjects = Object.keys(TARGETS).map((target) => `${target} ${OWN}`);
  for (const measure of ["rate", "packets", "passed", "findings"]) {
    const values = rows.filter((row: { measure: string }) => row.measure === measure);
    assertEquals(values.map(({ subject }: { subject: string }) => subject).sort(), subjects.sort());
    for (const row of values) {
      assertEquals(Object.keys(row), ["subject", "measure", "value", "unit", "baseline", "ratio"]);
      if (measure === "packets") assertEquals(row.value, 1000);
      if (measure === "findings") assertEquals(row.value, 0);
    }
  }
});

test("fuzz command: that a worker fails is a finding", async () => {
  const job = {
    target: "client",
    runtime: OWN,
    path: process.execPath,
    seed: 3,
    count: 9,
    done: 0,
  };
  const { outcome, found } = await work(job, fileURLToPath(new URL("missing.ts", import.meta.url)));
  assertEquals(outcome, undefined);
  assertEquals(found.length, 1);
  const { target, runtime, seed, count, what, hex } = found[0]!;
  assertEquals([target, runtime, seed, count, hex], ["client", OWN, 3, 9, ""]);
  assert(/^ended with code [1-9]/.test(what) && what.includes("missing.ts"), what);
});

test("fuzz command: --replay passes in one packet", async () => {
  const { code, stdout } = await fuzz("--replay", "23".padEnd(96, "0"));
  assertEquals([code, stdout], [0, "all holds\n"]);
});

test("fuzz command: a wrong option is one sentence and the usage, exit code 2", async () => {
  const { code, stdout, output } = await fuzz("--count", "many");
  assertEquals([code, stdout], [2, ""]);
  assert(output.startsWith("--count many: wants a whole number"), output);
  assert(output.includes("usage:"));
});

const known = { targets: ["decoder", "client"], runtimes: ["bun", "node"] };

test("fuzz command: options", () => {
  const read = (...args: string[]) => readOptions(args, known)!;
  assertEquals(read().count, 20_000_000);
  assertEquals(read("--quick").count, 2_000_000);
  assertEquals(read("--quick", "--count", "5").count, 5);
  assertEquals(read().targets, known.targets);
  assertEquals(read("--target", "client").targets, ["client"]);
  assertEquals(read("--runtime", "node", "--runtime", "bun").runtimes, known.runtimes);
  assertEquals(read("--seed", "4294967295").seed, 4294967295);
  const { seed } = read();
  assert(Number.isInteger(seed) && seed >= 0 && seed <= 0xffffffff);
  assertEquals(readOptions(["--help"], known), undefined);
});

test("fuzz command: options that are wrong", () => {
  const wrong = [
    ["--seed", "4294967296"],
    ["--seed", "-1"],
    ["--count", "0"],
    ["--count", "1e6"],
    ["--count", ""],
    ["--target", "nobody"],
    ["--runtime", "deno"],
    ["--unheard-of"],
    ["stray"],
  ];
  for (const args of wrong) {
    assertThrows(() => readOptions(args, known), UsageError, "", args.join(" "));
  }
});
