// The package is described in several files, for several registries and tools: they must agree.
import { test } from "node:test";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertMatch } from "@std/assert";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

// deno-lint-ignore no-explicit-any
type Json = any;

function read(path: string): Json {
  // tsconfig.json has comments on lines of their own.
  return JSON.parse(readFileSync(ROOT + path, "utf8").replace(/^\s*\/\/.*$/gm, ""));
}

const deno = read("deno.json");
const jsr = read("jsr.json");
const npm = read("package.json");
const tsconfig = read("tsconfig.json");
const standIns = read("tools/std/import_map.json");

function built(source: string, extension: string): string {
  return source.replace(/^\.\//, "./dist/").replace(/\.ts$/, extension);
}

test("manifests: name, version, license and description", () => {
  for (const manifest of [jsr, npm]) {
    assertEquals(
      [manifest.name, manifest.version, manifest.license],
      [deno.name, deno.version, deno.license],
    );
  }
  const lock = read("package-lock.json");
  assertEquals([lock.name, lock.version], [npm.name, npm.version]);
  assertMatch(npm.version, /^\d+\.\d+\.\d+$/);
});

test("manifests: JSR exports what Deno resolves, and all of it exists", () => {
  assertEquals(jsr.exports, deno.exports);
  for (const file of Object.values<string>(deno.exports)) assert(existsSync(ROOT + file), file);
});

test("manifests: npm exports the same, built", () => {
  const { "./package.json": manifest, ...exports } = npm.exports;
  assertEquals(manifest, "./package.json");
  const expected = Object.entries<string>(deno.exports).map(([path, source]) => [
    path,
    { types: built(source, ".d.ts"), default: built(source, ".js") },
  ]);
  assertEquals(exports, Object.fromEntries(expected));
  assertEquals([npm.main, npm.types], [exports["."].default, exports["."].types]);
  assertEquals(npm.bin, { ntps: exports["./cli"].default });
});

test("manifests: tsc, editors and Bun find the sources under the package's own name", () => {
  const own = Object.entries<string>(deno.exports).map(([path, source]) => [
    deno.name + path.slice(1),
    [source],
  ]);
  const std = Object.entries<string>(standIns.imports)
    .filter(([, file]) => file.startsWith("./"))
    .map(([name, file]) => [name, [`./tools/std/${file.slice(2)}`]]);
  assertEquals(tsconfig.compilerOptions.paths, Object.fromEntries([...own, ...std]));
});

test("manifests: deno tasks have the names of npm scripts", () => {
  const { prepack, ...scripts } = npm.scripts;
  assertEquals(prepack, scripts.build);
  assertEquals(Object.keys(deno.tasks).sort(), Object.keys(scripts).sort());
});

test("manifests: scripts and tasks run files that exist", () => {
  for (
    const command of [...Object.values<string>(npm.scripts), ...Object.values<string>(deno.tasks)]
  ) {
    const files = command.split(" ").filter((word) => /\.(ts|mjs)$/.test(word));
    assert(files.length > 0, command);
    for (const file of files) assert(existsSync(ROOT + file), `${command}: ${file} is missing`);
  }
});

test("manifests: only the command depends on something, and nothing on npm's @std", () => {
  assertEquals(Object.keys(npm.dependencies), ["smol-toml"]);
  for (const kind of ["peerDependencies", "optionalDependencies"]) {
    assertEquals(npm[kind], undefined);
  }
  const names = Object.keys(npm.devDependencies);
  // The runtimes would make `npm ci` and `deno task` load hundreds of megabytes.
  const unwanted = names.filter((name) => /^@std\/|^(deno|bun|node)$/.test(name));
  assertEquals(unwanted, []);
  for (const [name, target] of Object.entries<string>(deno.imports)) {
    if (name.startsWith("@std/")) assertMatch(target, /^jsr:@std\/\w+@\^1$/);
  }
});

test("manifests: Deno and npm have the same versions", () => {
  const versions = { ...npm.dependencies, "fast-check": npm.devDependencies["fast-check"] };
  for (const [name, version] of Object.entries<string>(versions)) {
    assertEquals(deno.imports[name], `npm:${name}@${version}`);
    assertEquals(standIns.imports[name], `npm:${name}@${version}`);
  }
});

test("manifests: Deno and tsc are equally strict", () => {
  const { compilerOptions } = tsconfig;
  for (const [name, value] of Object.entries(deno.compilerOptions)) {
    assertEquals([name, compilerOptions[name]], [name, value]);
  }
});

test("manifests: the runtimes to test on are pinned", () => {
  const { dependencies, allowScripts } = read("tools/runtimes/package.json");
  assertEquals(Object.keys(dependencies).sort(), ["bun", "deno", "node"]);
  for (const version of Object.values<string>(dependencies)) {
    assertMatch(version, /^\d+\.\d+\.\d+$/);
  }
  assertEquals(allowScripts, { bun: true, deno: true, node: true });
});
