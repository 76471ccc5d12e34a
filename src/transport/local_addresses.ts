import { currentRuntime } from "./runtime.ts";

/** The only part of Deno in use here. */
interface DenoPermissions {
  readonly Deno?: {
    readonly permissions: {
      querySync(what: { name: "sys"; kind: string }): { readonly state: string };
    };
  };
}

/**
 * The IP addresses of this machine by which others can reach it: not those of the loopback interface,
 * since a server at `127.0.0.1` is nobody else's.
 *
 * @returns none where the runtime does not tell: a browser, or Deno without `--allow-sys`, which is
 * not asked for
 */
export async function localAddresses(): Promise<string[]> {
  const runtime = currentRuntime();
  if (runtime === undefined) return [];
  if (runtime === "deno") {
    const { permissions } = (globalThis as DenoPermissions).Deno!;
    const { state } = permissions.querySync({ name: "sys", kind: "networkInterfaces" });
    if (state !== "granted") return [];
  }
  // Imported here, so that a page that brings its own transport can load this file.
  const { networkInterfaces } = await import("node:os");
  const listed = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return listed.filter(({ internal }) => !internal).map(({ address }) => address.split("%")[0]!);
}
