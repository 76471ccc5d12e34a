import { test } from "node:test";
import { existsSync, readFileSync } from "node:fs";
import process from "node:process";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { run } from "../../tools/child.mjs";
import { parseJunit } from "../../tools/junit.mjs";
import { differences, table } from "../../tools/suite_report.mjs";

const NODE = `<?xml version="1.0" encoding="utf-8"?>
<testsuites>
	<testcase name="a &lt;b> &amp; &quot;c&quot;" time="0.1" classname="test" file="/repo/tests/x_test.ts"/>
	<testcase name="skipped" time="0" classname="test" file="/repo/tests/x_test.ts">
		<skipped type="skipped" message="no <such> thing"/>
	</testcase>
	<testcase name="failed" time="0" classname="test" file="/repo/tests/y_test.ts" failure="a > b">
		<failure type="testCodeFailure" message="a > b">
at &lt;testcase name="not one"/>
		</failure>
	</testcase>
	<!-- <testcase name="comment" file="/repo/tests/y_test.ts"/> -->
</testsuites>`;

const BUN = `<testsuites name="bun test" tests="2" failures="1">
  <testsuite name="tests/x_test.ts" file="tests/x_test.ts" tests="2" failures="1">
    <testcase name="passed" classname="" time="0.003" file="tests/x_test.ts" line="6" />
    <testcase name="failed" classname="" time="0.003" file="tests/x_test.ts" line="7">
      <failure type="AssertionError" message="x&#10;y">z</failure>
    </testcase>
  </testsuite>
</testsuites>`;

const DENO = `<testsuites name="deno test" tests="2" failures="0" errors="0" time="0.138">
    <testsuite name="./tests/x_test.ts" tests="2" disabled="1" errors="0" failures="0">
        <testcase name="passed" classname="./tests/x_test.ts" time="0.002" line="6" col="1">
        </testcase>
        <testcase name="skipped" classname="./tests/x_test.ts" time="0.000" line="8" col="1">
            <skipped/>
        </testcase>
    </testsuite>
</testsuites>`;

test("suite: a report of Node is read", () => {
  assertEquals(parseJunit(NODE, "/repo"), [
    { file: "tests/x_test.ts", name: 'a <b> & "c"', status: "passed" },
    { file: "tests/x_test.ts", name: "skipped", status: "skipped" },
    { file: "tests/y_test.ts", name: "failed", status: "failed" },
  ]);
});

test("suite: a report of Bun is read", () => {
  assertEquals(parseJunit(BUN, "/repo"), [
    { file: "tests/x_test.ts", name: "passed", status: "passed" },
    { file: "tests/x_test.ts", name: "failed", status: "failed" },
  ]);
});

test("suite: a report of Deno is read", () => {
  assertEquals(parseJunit(DENO, "/repo"), [
    { file: "tests/x_test.ts", name: "passed", status: "passed" },
    { file: "tests/x_test.ts", name: "skipped", status: "skipped" },
  ]);
});

/** A run in which all tests passed. */
function row(name: string, tests: string[]): Parameters<typeof differences>[0][number] {
  return {
    runtime: { name, version: "1.0.0" },
    cases: tests.map((test) => ({ file: "tests/x_test.ts", name: test, status: "passed" })),
    passed: tests.length,
    failed: 0,
    skipped: 0,
    seconds: "1.0",
  };
}

test("suite: a test that a runtime did not run is found", () => {
  assertEquals(differences([row("deno", ["a", "b"]), row("bun", ["b", "a"])]), []);
  assertEquals(differences([row("deno", ["a", "b"]), row("bun", ["a"])]), [
    "tests/x_test.ts: b (deno 1, bun 0)",
  ]);
  assertEquals(differences([row("deno", ["a"]), row("bun", ["a", "a"])]), [
    "tests/x_test.ts: a (deno 1, bun 2)",
  ]);
});

test("suite: the table has a line for each runtime", () => {
  const lines = table([row("deno", ["a"]), row("bun", ["a", "b"])]).split("\n");
  assertEquals(lines.length, 4);
  assertMatch(lines[3]!, /^bun 1\.0\.0 +2 +2 +0 +0 +1\.0$/);
});

test("suite: a child that runs too long is ended, and its own children too", {
  skip: process.platform === "win32" ? "needs a shell" : false,
}, async () => {
  const started = performance.now();
  const result = await run("sh", ["-c", "sleep 60 & echo $!; wait"], { timeoutMs: 300 });
  assertEquals([result.code, result.timedOut], [124, true]);
  assert(performance.now() - started < 30_000);
  const grandchild = Number(result.stdout);
  assert(grandchild > 0);
  for (let tries = 0; isAlive(grandchild); tries++) {
    assert(tries < 100, "the grandchild is still there");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
});

/** Whether the process is there; a zombie that nobody has collected yet is not. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const stat = `/proc/${pid}/stat`;
  try {
    return !existsSync(stat) || !/\) Z /.test(readFileSync(stat, "utf8"));
  } catch {
    return false;
  }
}

test("suite: a command that is not there has an exit code of its own", async () => {
  const result = await run("ntps-no-such-command", []);
  assertEquals(result.code, 127);
  assertMatch(result.output, /ntps-no-such-command/);
});
