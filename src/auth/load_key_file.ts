import { NTPError } from "../packet/error.ts";
import { fileError } from "../packet/file_error.ts";
import { parseKeyFile } from "./key_file.ts";
import type { KeyFileFormat } from "./key_secret.ts";
import type { KeyStore } from "./key_store.ts";

/** Permission bits of a file's group and of others. */
const NOT_THE_OWNERS = 0o077;

/** Options of {@linkcode loadKeyFile}. */
export interface LoadKeyFileOptions {
  /** Whose rules to read it by; see `KeyFileOptions`. Default: both in one file. */
  format?: KeyFileFormat;
  /**
   * Told that others than the owner may read or change the file, and the remedy. Not on Windows,
   * where permissions do not tell. Default: `console.warn`.
   */
  onWarning?: (message: string) => void;
}

/**
 * Reads a key file of chrony's or ntpd's format; see {@linkcode parseKeyFile}.
 *
 * @param path where it is
 * @param options format, and where warnings go
 * @throws {TypeError} if an option is wrong
 * @throws {NTPError} `not-found`, `permission`, `malformed` (with line and column), or `system`
 *
 * @example A server with the keys of a file
 * ```ts ignore
 * import { loadKeyFile, NTPServer } from "@ntps/ntps";
 *
 * const server = new NTPServer({ keys: await loadKeyFile("/etc/ntps/keys") });
 * await server.listen();
 * ```
 */
export async function loadKeyFile(
  path: string | URL,
  options: LoadKeyFileOptions = {},
): Promise<KeyStore> {
  const { format, onWarning = console.warn } = options;
  const name = typeof path === "string" ? path : decodeURIComponent(path.pathname);
  const { bytes, mode } = await read(path, name);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new NTPError("malformed", `${name}: this is not text in UTF-8, as a key file is`);
  }
  const keys = parseKeyFile(text, { name, ...(format !== undefined && { format }) });
  if (mode !== undefined && (mode & NOT_THE_OWNERS) !== 0) {
    const shown = (mode & 0o777).toString(8).padStart(3, "0");
    onWarning(
      `${name}: others than its owner may use these keys (mode ${shown}): chmod 600 ${name}`,
    );
  }
  return keys;
}

/** A file's content and its permissions, `undefined` where those do not tell. */
async function read(
  path: string | URL,
  name: string,
): Promise<{ bytes: Uint8Array; mode: number | undefined }> {
  // Imported here so that bundles for browsers, which have no files, still load.
  const { open } = await import("node:fs/promises");
  const { platform } = (globalThis as { process?: { platform?: string } }).process ?? {};
  try {
    const file = await open(path, "r"); // both of one file, even if another takes its name meanwhile
    try {
      const { mode } = await file.stat();
      return { bytes: await file.readFile(), mode: platform === "win32" ? undefined : mode };
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw fileError(name, cause);
  }
}
