// Which @std a run uses: the real one from JSR, or the stand-ins in tools/std.
import { join } from "node:path";
import { run } from "./child.mjs";
import { ROOT } from "./runtimes.mjs";

/** Import map that puts the stand-ins in place of @std, for Deno. */
export const IMPORT_MAP = join(ROOT, "tools", "std", "import_map.json");

/** Module that does so on Node, for `--import`. */
export const NODE_HOOKS = join(ROOT, "tools", "std", "node_hooks.mjs");

/**
 * Whether Deno gets @std from JSR. Asking takes 70 ms where JSR cannot be reached.
 *
 * @param {string} deno path of the runtime
 */
export async function reachesJsr(deno) {
  const probe = await run(deno, ["cache", "-q", "jsr:@std/assert@^1"], { timeoutMs: 20_000 });
  return probe.code === 0;
}

/** One sentence about it. */
export function describeStd(reached) {
  return reached
    ? "@std: from JSR on Deno, stand-ins (tools/std) on Bun and Node"
    : "@std: stand-ins (tools/std), as JSR cannot be reached";
}
