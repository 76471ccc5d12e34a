// npm run build: dist/ for npm. tsc emits JavaScript and declarations; then what tsc leaves undone:
// `.ts` in the imports of declarations, @std (on npm that scope is another owner's, so the stand-ins
// go in its place), and the mode of the command.
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { run } from "./child.mjs";
import { nodePath, ROOT } from "./runtimes.mjs";

const DIST = join(ROOT, "dist");
const TSC = join(ROOT, "node_modules", "typescript", "bin", "tsc");

/** Import specifiers: `from "x"`, `import "x"`, `import("x")`. */
const SPECIFIER = /(\bfrom\s*|\bimport\s*\(?\s*)"([^"\n]+)"/g;

function files(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? files(path) : [path];
  });
}

/** Targets of `@std/*` in dist, as the import map of the stand-ins has them. */
function standIns() {
  const { imports } = JSON.parse(
    readFileSync(join(ROOT, "tools", "std", "import_map.json"), "utf8"),
  );
  return new Map(
    Object.entries(imports)
      .filter(([, file]) => file.startsWith("./"))
      .map(([name, file]) => [name, join(DIST, "tools", "std", file.replace(/\.ts$/, ".js"))]),
  );
}

/** Comments keep what they say: examples are written for all registries. */
function outsideComments(text, change) {
  return text.split(/(\/\*[^]*?\*\/|^\s*\/\/.*$)/m).map((part, index) =>
    index % 2 ? part : change(part)
  ).join("");
}

function rewrite(path, targets) {
  const before = readFileSync(path, "utf8");
  const after = outsideComments(before, (code) =>
    code.replace(SPECIFIER, (_, lead, specifier) => {
      const target = targets.get(specifier);
      if (target) {
        if (!existsSync(target)) throw new Error(`${path} imports ${specifier}, not built`);
        const way = relative(dirname(path), target).replaceAll("\\", "/");
        return `${lead}"${way.startsWith(".") ? way : `./${way}`}"`;
      }
      if (specifier.startsWith("@std/")) throw new Error(`${path} imports ${specifier}`);
      const local = specifier.startsWith(".") ? specifier.replace(/\.ts$/, ".js") : specifier;
      return `${lead}"${local}"`;
    }));
  // Users whose `lib` is older than Symbol.asyncDispose need not change it.
  const library = path.endsWith(".d.ts") && /\b[aA]syncDispos(e|able)\b/.test(after)
    ? '/// <reference lib="esnext.disposable" />\n'
    : "";
  if (library + after !== before) writeFileSync(path, library + after);
}

/** What package.json promises and dist/ lacks. */
function missingTargets() {
  const { exports, bin, main, types } = JSON.parse(
    readFileSync(join(ROOT, "package.json"), "utf8"),
  );
  const targets = [main, types, ...Object.values(bin)];
  for (const target of Object.values(exports)) {
    targets.push(...(typeof target === "string" ? [target] : Object.values(target)));
  }
  return [...new Set(targets)].filter((target) => !existsSync(join(ROOT, target)));
}

/** Builds; throws with the compiler's output when that fails. */
export async function build() {
  if (!existsSync(TSC)) throw new Error("TypeScript is not installed; run npm ci");
  rmSync(DIST, { recursive: true, force: true });
  const result = await run(await nodePath(), [TSC, "-p", join(ROOT, "tsconfig.build.json")]);
  if (result.code !== 0) throw new Error(`tsc ended with ${result.code}\n${result.output}`);
  const targets = standIns();
  const built = files(DIST);
  for (const path of built) if (/\.(js|d\.ts)$/.test(path)) rewrite(path, targets);
  const missing = missingTargets();
  if (missing.length > 0) {
    throw new Error(`package.json names what was not built: ${missing.join(", ")}`);
  }
  const command = join(DIST, "src", "cli", "main.js");
  const text = readFileSync(command, "utf8");
  if (!text.startsWith("#!")) writeFileSync(command, `#!/usr/bin/env node\n${text}`);
  chmodSync(command, 0o755);
  return built.length;
}

if (process.argv[1] === import.meta.filename || process.argv[1]?.endsWith("build.mjs")) {
  try {
    console.log(`dist: ${await build()} files`);
  } catch (error) {
    console.error(`error: ${error.message}`);
    process.exitCode = 1;
  }
}
