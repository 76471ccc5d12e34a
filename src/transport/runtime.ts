/** Runtimes that have an adapter of their own. */
export type RuntimeName = "deno" | "bun" | "node";

/**
 * The runtime this runs on. Deno and Bun also have `process`, so they are asked for first.
 *
 * @returns undefined on any other, such as a browser
 */
export function currentRuntime(): RuntimeName | undefined {
  const world = globalThis as { Deno?: unknown; Bun?: unknown; process?: { versions?: unknown } };
  if (world.Deno !== undefined) return "deno";
  if (world.Bun !== undefined) return "bun";
  return world.process?.versions === undefined ? undefined : "node";
}

/** Whether this is Windows, which names interfaces by number and binds groups to addresses. */
export function isWindows(): boolean {
  return (globalThis as { process?: { platform?: unknown } }).process?.platform === "win32";
}
