// Whether JSR would take the package: `deno publish --dry-run`. Where JSR cannot be reached it runs on
// a copy whose deno.json has the stand-ins in place of @std.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./child.mjs";
import { ROOT } from "./runtimes.mjs";

const SKIPPED = ["node_modules", "dist", ".git", ".cache"];

function copy() {
  const folder = mkdtempSync(join(tmpdir(), "ntps-publish-"));
  cpSync(ROOT, folder, {
    recursive: true,
    filter: (path) => !SKIPPED.some((name) => path.split(/[\\/]/).includes(name)),
  });
  const config = join(folder, "deno.json");
  const manifest = JSON.parse(readFileSync(config, "utf8"));
  const map = JSON.parse(readFileSync(join(ROOT, "tools", "std", "import_map.json"), "utf8"));
  manifest.imports = Object.fromEntries(
    Object.entries(map.imports).map((
      [name, file],
    ) => [name, file.replace(/^\.\//, "./tools/std/")]),
  );
  writeFileSync(config, JSON.stringify(manifest));
  return folder;
}

/** Throws with what `deno publish` says when it would not publish. */
export async function checkPublish({ deno, fromJsr, env }) {
  const folder = fromJsr ? ROOT : copy();
  try {
    const args = ["publish", "--dry-run", "--allow-dirty"];
    const { code, output } = await run(deno.path, args, { cwd: folder, env });
    if (code !== 0) throw new Error(output.trim());
    return `${output.match(/^ {3}file:/gm)?.length ?? 0} files`;
  } finally {
    if (folder !== ROOT) rmSync(folder, { recursive: true, force: true });
  }
}
