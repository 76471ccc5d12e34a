import { NTPError } from "../packet/error.ts";
import { parseIpAddress } from "../packet/ip_address.ts";
import { abortedError } from "./aborted_error.ts";

/** Options of {@linkcode resolveHost}. */
export interface ResolveOptions {
  /** Only addresses of this family. Default: both. */
  family?: 4 | 6;
  /** Gives up when it fires. */
  signal?: AbortSignal;
  /**
   * Asks for the addresses of a name. Default: the operating system's resolver, through `node:dns`,
   * which reads the hosts file and asks the name servers.
   *
   * @param hostname a name, not an address
   * @returns IP addresses in the order of preference, possibly with duplicates
   */
  lookup?: (hostname: string) => Promise<readonly string[]>;
}

/**
 * All addresses of a host, in the order in which the system prefers them, without duplicates. An IP
 * address is its own result; then no name server is asked.
 *
 * @param hostname a name or an IP address
 * @returns at least one IP address
 * @throws {TypeError} if `hostname` is no string or `family` neither 4 nor 6
 * @throws {RangeError} if `hostname` is empty
 * @throws {NTPError} `not-found` if there is none (of that family), `permission` if the runtime does
 * not allow to ask, `aborted` if `signal` fired
 *
 * @example The addresses of this machine
 * ```ts
 * import { resolveHost } from "@ntps/ntps";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(await resolveHost("localhost", { family: 4 }), ["127.0.0.1"]);
 * assertEquals(await resolveHost("2001:db8::1"), ["2001:db8::1"]);
 * ```
 */
export async function resolveHost(
  hostname: string,
  options: ResolveOptions = {},
): Promise<string[]> {
  const { family, signal, lookup = systemLookup } = options;
  if (typeof hostname !== "string") {
    throw new TypeError(`hostname is a string, not ${String(hostname)}`);
  }
  if (hostname === "") {
    throw new RangeError("hostname is a name or an address, not an empty string");
  }
  if (family !== undefined && family !== 4 && family !== 6) {
    throw new TypeError(`family is 4 or 6, not ${String(family)}`);
  }
  const what = `resolving ${hostname}`;
  if (signal?.aborted) throw abortedError(what, signal);
  const literal = isAddress(hostname);
  let found: readonly string[];
  try {
    found = literal ? [hostname] : await abortable(lookup(hostname), what, signal);
  } catch (error) {
    throw lookupError(hostname, error);
  }
  const wanted = [...new Set(found)].filter((address) => isAddress(address, family));
  if (wanted.length > 0) return wanted;
  const text = literal
    ? `${hostname} is no IPv${family} address: give one, or leave the family open`
    : found.length === 0
    ? `${hostname} has no address: check the spelling`
    : `${hostname} has no IPv${family} address: leave the family open, or use another host`;
  throw new NTPError("not-found", text);
}

async function systemLookup(hostname: string): Promise<string[]> {
  // Imported here, so that a page that brings its own transport can load this file.
  const { lookup } = await import("node:dns/promises");
  const found = await lookup(hostname, { all: true, verbatim: true });
  return found.map(({ address }) => address);
}

function isAddress(text: string, family?: 4 | 6): boolean {
  const is = parseIpAddress(text, new Uint8Array(16));
  return is !== 0 && (family === undefined || is === family);
}

/** A promise that can be left: nothing can call the resolver off. */
async function abortable<T>(promise: Promise<T>, what: string, signal?: AbortSignal): Promise<T> {
  if (signal === undefined) return await promise;
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(abortedError(what, signal));
    signal.addEventListener("abort", onAbort);
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

function lookupError(hostname: string, error: unknown): NTPError {
  if (error instanceof NTPError) return error;
  const { name, code } = (error ?? {}) as { name?: unknown; code?: unknown };
  const options = { cause: error };
  if (name === "NotCapable" || code === "EPERM") {
    return new NTPError(
      "permission",
      `Deno may not resolve ${hostname}: run it with --allow-net or --allow-net=${hostname}`,
      options,
    );
  }
  if (code === "EAI_AGAIN" || code === "ETIMEOUT" || code === "ESERVFAIL") {
    return new NTPError(
      "not-found",
      `No name server told the address of ${hostname} (${code}): check the network and its DNS`,
      options,
    );
  }
  return new NTPError(
    "not-found",
    `${hostname} is not known to any name server: check the spelling`,
    options,
  );
}
