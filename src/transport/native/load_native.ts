import { loadFfi } from "./ffi/load_ffi.ts";
import { ARCHITECTURES } from "./linux.ts";
import type { NativeSystem } from "./native_udp_transport.ts";
import { watchOf } from "./readiness.ts";
import { selfTest } from "./self_test.ts";
import { openSystemCalls } from "./system_calls.ts";

/** The native transport, or in words why it cannot be had. */
export type NativeAvailability =
  | { readonly system: NativeSystem; readonly reason?: undefined }
  | { readonly system?: undefined; readonly reason: string };

let loading: Promise<NativeAvailability> | undefined;

/**
 * What native sockets take, looked for and tested when first asked for. Never throws and never
 * prompts.
 */
export function loadNative(): Promise<NativeAvailability> {
  return loading ??= load();
}

async function load(): Promise<NativeAvailability> {
  const { os, arch } = platform();
  if (os !== "linux") return { reason: `needs Linux, and this is ${os}` };
  if (!ARCHITECTURES.includes(arch)) {
    return { reason: `needs x86-64 or arm64, and this is ${arch}` };
  }
  const { ffi, reason } = await loadFfi();
  if (ffi === undefined) return { reason };
  try {
    const calls = openSystemCalls(ffi);
    const watch = watchOf(ffi, calls);
    if (watch === undefined) return { reason: "needs an event loop that tells of sockets" };
    const fault = await selfTest({ calls, watch });
    return fault === undefined
      ? { system: { calls, watch } }
      : { reason: `did not pass its self-test: ${fault}` };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}

function platform(): { os: string; arch: string } {
  const { Deno: deno, process } = globalThis as unknown as {
    Deno?: { build: { os: string; arch: string } };
    process?: { platform: string; arch: string };
  };
  // Not asked of process on Deno: touching it there costs 20 ms.
  if (deno !== undefined) return deno.build;
  return { os: process?.platform ?? "no such system", arch: process?.arch ?? "" };
}
