// For `node --import`: lets `@std/*` mean the stand-ins and `@ntps/ntps` the TypeScript sources
// instead of dist/, as tsconfig.json's `paths` do on Bun. Node 22.15 or newer.
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";

const root = new URL("../../", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL("deno.json", root), "utf8"));
const standIns = JSON.parse(readFileSync(new URL("import_map.json", import.meta.url), "utf8"));

const targets = new Map();
for (const [path, file] of Object.entries(manifest.exports)) {
  targets.set(manifest.name + path.slice(1), new URL(file, root).href);
}
for (const [name, file] of Object.entries(standIns.imports)) {
  if (file.startsWith("./")) targets.set(name, new URL(file, import.meta.url).href);
}

registerHooks({
  resolve(specifier, context, nextResolve) {
    const target = targets.get(specifier);
    return target ? { url: target, shortCircuit: true } : nextResolve(specifier, context);
  },
});
