import { test } from "node:test";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "@std/assert";
import { faultsOf, importsOf } from "./imports.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

function modules(folder: string): string[] {
  return readdirSync(`${ROOT}${folder}`, { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return modules(path);
    return path.endsWith(".ts") ? [path] : [];
  });
}

test("rooms: every module under src imports only what its room may use", () => {
  const all = modules("src");
  assert(all.length > 0);
  assertEquals(all.flatMap((path) => faultsOf(path, readFileSync(ROOT + path, "utf8"))), []);
});

test("rooms: mod.ts imports only from src", () => {
  const outside = importsOf(readFileSync(`${ROOT}mod.ts`, "utf8"))
    .filter(({ specifier }) => !/^\.\/src\/[^/]+\/[^/]+\.ts$/.test(specifier));
  assertEquals(outside, []);
});

test("rooms: imports are found in all their forms, but not in comments", () => {
  const source = `
    import a from "./a.ts";
    import { type B, c } from './b.ts';
    import type {
      D,
    } from "./d.ts";
    import "./e.ts";
    export * from "./f.ts";
    export type { G } from "./g.ts";
    const h = await import("./h.ts");
    const lazy = () => import(
      "./i.ts"
    );
    /** import x from "./comment.ts"; */
    // import x from "./comment.ts";
    export const text = "no import";
    throw new Error(\`got it from "elsewhere"\`);
  `;
  const found = importsOf(source);
  assertEquals(
    found.filter(({ dynamic }) => !dynamic).map(({ specifier }) => specifier),
    ["./a.ts", "./b.ts", "./d.ts", "./e.ts", "./f.ts", "./g.ts"],
  );
  assertEquals(
    found.filter(({ dynamic }) => dynamic).map(({ specifier }) => specifier),
    ["./h.ts", "./i.ts"],
  );
});

/** Whether the module may have the line. */
function allows(path: string, line: string): boolean {
  return faultsOf(path, line).length === 0;
}

test("rooms: a room uses rooms above it, not below it", () => {
  assert(allows("src/server/a.ts", 'import { b } from "../clock/b.ts";'));
  assert(allows("src/server/deep/a.ts", 'import { b } from "../../packet/b.ts";'));
  assert(allows("src/server/a.ts", 'import { b } from "./b.ts";'));
  assert(!allows("src/packet/a.ts", 'import { b } from "../clock/b.ts";'));
  assert(!allows("src/clock/a.ts", 'export * from "../server/b.ts";'));
  assert(!allows("src/server/a.ts", 'const b = await import("../client/b.ts");'));
  assert(!allows("src/server/a.ts", 'import type { B } from "../client/b.ts";'));
});

test("rooms: transport uses packet only", () => {
  assert(allows("src/transport/a.ts", 'import { b } from "../packet/b.ts";'));
  assert(!allows("src/transport/a.ts", 'import { b } from "../clock/b.ts";'));
});

test("rooms: nothing outside of a room, and no missing extension", () => {
  assert(!allows("src/packet/a.ts", 'import { b } from "../../mod.ts";'));
  assert(!allows("src/packet/a.ts", 'import { b } from "../../tools/std/hex.ts";'));
  assert(!allows("src/unheard_of/a.ts", 'import { b } from "../packet/b.ts";'));
  assert(!allows("src/packet/a.ts", 'import { b } from "./b";'));
});

test("rooms: no dependency, and @std in one place", () => {
  assert(!allows("src/server/a.ts", 'import { b } from "fast-check";'));
  assert(!allows("src/server/a.ts", 'import { b } from "npm:fast-check";'));
  assert(!allows("src/server/a.ts", 'import { assert } from "@std/assert";'));
  assert(!allows("src/cli/a.ts", 'import { parseArgs } from "@std/cli/parse-args";'));
  assert(allows("src/cli/std.ts", 'const std = await import("@std/cli/parse-args");'));
});

test("rooms: Node's modules come in dynamically, and never into the protocol", () => {
  assert(allows("src/transport/node.ts", 'import { createSocket } from "node:dgram";'));
  assert(allows("src/cli/main.ts", 'import { stat } from "node:fs/promises";'));
  assert(!allows("src/transport/a.ts", 'import { lookup } from "node:dns";'));
  assert(allows("src/transport/a.ts", 'const dns = await import("node:dns");'));
  assert(!allows("src/server/a.ts", 'const dns = await import("node:dns");'));
  assert(!allows("src/packet/a.ts", 'import { Buffer } from "node:buffer";'));
});
