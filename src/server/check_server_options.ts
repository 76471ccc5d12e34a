import type { NTPServerOptions } from "./ntp_server_options.ts";

/** Options that are not taken over as they are. */
export interface CheckedServerOptions {
  /** Whether clients in interleaved mode are answered in it; undefined, where there are stamps. */
  readonly interleaves: boolean | undefined;
  /** Whether to count who asks most. */
  readonly countPrefixes: boolean;
}

/** What objects among the options must be able to do, and what they are called. */
const METHODS = {
  clock: ["a Clock", ["now", "read", "state"]],
  nts: ["an NtsResponder", ["open", "seal", "identify"]],
  ntpv5: ["an NTPv5Responder", ["prepare", "check", "answer", "refuse"]],
} as const;

/**
 * Checks the types of a server's options, but for those that have checks of their own.
 *
 * @param options as the caller gave them
 * @throws {TypeError} if one has the wrong type
 */
export function checkServerOptions(options: NTPServerOptions): CheckedServerOptions {
  for (const name of ["clock", "nts", "ntpv5"] as const) {
    const value = options[name] as Record<string, unknown> | null | undefined;
    if (value === undefined) continue;
    const [what, methods] = METHODS[name];
    for (const method of methods) {
      if (typeof value?.[method] === "function") continue;
      throw new TypeError(`${name} is ${what}, and so has ${method}(), unlike ${String(value)}`);
    }
  }
  for (const name of ["decide", "bind", "onError"] as const) {
    const value: unknown = options[name];
    if (value !== undefined && typeof value !== "function") {
      throw new TypeError(`${name} is a function, not ${String(value)}`);
    }
  }
  const { countPrefixes = false, interleaved = "auto" } = options;
  if (typeof countPrefixes !== "boolean") {
    throw new TypeError(`countPrefixes is true or false, not ${String(countPrefixes)}`);
  }
  if (interleaved !== "auto" && typeof interleaved !== "boolean") {
    throw new TypeError(`interleaved is true, false or "auto", not ${String(interleaved)}`);
  }
  return { interleaves: interleaved === "auto" ? undefined : interleaved, countPrefixes };
}
