import { currentRuntime } from "../../runtime.ts";
import type { FfiAvailability } from "./ffi.ts";

let loading: Promise<FfiAvailability> | undefined;

/**
 * Foreign functions of this runtime, loaded when first asked for; each thread has its own. Never
 * throws and never prompts.
 *
 * @returns them, or why there are none: which permission is missing, which version has them
 */
export function loadFfi(): Promise<FfiAvailability> {
  return loading ??= load();
}

async function load(): Promise<FfiAvailability> {
  try {
    switch (currentRuntime()) {
      case "deno":
        return (await import("./deno_ffi.ts")).denoFfi();
      case "bun":
        return await (await import("./bun_ffi.ts")).bunFfi();
      case "node":
        return (await import("./node_ffi.ts")).nodeFfi();
      default:
        return { reason: "needs Deno, Bun or Node" };
    }
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}
