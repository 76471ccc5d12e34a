// How the version is raised, and that the workflows call what there is.
import { test } from "node:test";
import { readdirSync, readFileSync } from "node:fs";
import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { compare, FILES, raise, versionOf } from "../../tools/version_manifests.mjs";

const ROOT = new URL("../../", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, ROOT), "utf8");
const texts = (): Record<string, string> =>
  Object.fromEntries(FILES.map((path: string) => [path, read(path)]));

test("all manifests name one version", () => {
  assertMatch(versionOf(texts()), /^\d+\.\d+\.\d+/);
});

test("a release changes every manifest, and nothing else in them", () => {
  const before = texts(), after = raise(before, "7.8.9", "2026-11-24");
  assertEquals(versionOf(after), "7.8.9");
  const was = versionOf(before);
  for (const path of FILES) {
    if (path === "CHANGELOG.md") continue;
    const count = path === "package-lock.json" ? 2 : 1;
    assertEquals(after[path]!.split("7.8.9").length - 1, count, path);
    assertEquals(after[path]!.replaceAll("7.8.9", was), before[path], path);
  }
  for (const path of ["deno.json", "jsr.json", "package.json", "package-lock.json"]) {
    assertEquals(JSON.parse(after[path]!).version, "7.8.9");
  }
  assertEquals(JSON.parse(after["package-lock.json"]!).packages[""].version, "7.8.9");
});

test("what was unreleased stands under the new version, with its date", () => {
  const { "CHANGELOG.md": changelog } = raise(texts(), "7.8.9", "2026-11-24");
  assertStringIncludes(changelog!, "## [Unreleased]\n\n## [7.8.9] - 2026-11-24\n\n### Added\n");
});

test("a release that is none is refused, and says why", () => {
  const good = texts();
  assertThrows(() => raise(good, "1.2", "2026-11-24"), Error, "MAJOR.MINOR.PATCH");
  assertThrows(() => raise(good, "0.0.1", "2026-11-24"), Error, "not above");
  const released = raise(good, "7.8.9", "2026-11-24");
  assertThrows(() => raise(released, "8.0.0", "2026-11-25"), Error, "say what has changed");
  assertThrows(() => raise(released, "7.8.9", "2026-11-25"), Error, "not above");
  const torn = { ...good, "jsr.json": good["jsr.json"]!.replace(versionOf(good), "3.3.3") };
  assertThrows(() => raise(torn, "9.0.0", "2026-11-24"), Error, "3.3.3 in jsr.json");
  const without = { ...good, "CHANGELOG.md": "# Changelog\n" };
  assertThrows(() => raise(without, "9.0.0", "2026-11-24"), Error, "no section");
});

test("versions are ordered as Semantic Versioning has it", () => {
  const order =
    "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 " +
    "1.0.0-rc.1 1.0.0 1.0.1 1.2.0 1.10.0 2.0.0";
  const versions = order.split(" ");
  for (const [i, a] of versions.entries()) {
    for (const [j, b] of versions.entries()) {
      assertEquals(Math.sign(compare(a, b)), Math.sign(i - j), `${a} ${b}`);
    }
  }
});

test("workflows call commands that there are, with least permissions and an end", () => {
  const folder = new URL(".github/workflows/", ROOT);
  const { scripts, engines } = JSON.parse(read("package.json"));
  const files = readdirSync(folder);
  assertEquals(files.sort(), ["publish.yml", "test.yml"]);
  for (const file of files) {
    const text = readFileSync(new URL(file, folder), "utf8");
    assertMatch(text, /^permissions:\n {2}contents: read$/m);
    const jobs = text.split(/^ {4}runs-on: /m).length - 1;
    assertEquals(text.split(/^ {4}timeout-minutes: \d+$/m).length - 1, jobs);
    const called = [...text.matchAll(/npm run ([\w:-]+)|npm (test)\b/g)];
    assert(called.length > 0);
    for (const [, script, alone] of called) assert(scripts[script ?? alone!], `${script ?? alone}`);
    for (const [, version] of text.matchAll(/node-version: (\d+)/g)) {
      assert(Number(version) >= parseInt(/\d+/.exec(engines.node)![0]), version);
    }
    for (const [, action] of text.matchAll(/uses: (\S+)/g)) {
      assertMatch(action!, /^actions\/\w+(-\w+)*@v\d+$/);
    }
  }
});
