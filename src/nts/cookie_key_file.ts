import { replaceSecretFile } from "../auth/secret_file.ts";
import { NTPError } from "../packet/error.ts";
import { fileError } from "../packet/file_error.ts";
import {
  RotatingCookieKeys,
  type RotatingCookieKeysOptions,
  type SavedCookieKey,
} from "./rotating_cookie_keys.ts";

/** Options of {@linkcode openCookieKeyFile}. */
export interface CookieKeyFileOptions
  extends Omit<RotatingCookieKeysOptions, "saved" | "onRotate"> {
  /** Told when a new key could not be saved; it is used all the same. Default: `console.warn`. */
  onError?: (error: NTPError) => void;
}

const HEAD = "# Keys of NTS cookies, the newest first. Secret: for the server only.";

/**
 * Keys for cookies that are kept in a file, so that cookies stay good when the server starts anew. If
 * there is no such file, it is made; a new key is saved when it is made, once a day. The file is for
 * its owner only (mode 600), and one server's: several behind one address take `SharedCookieKeys`.
 *
 * @param path where the file is, or is to be
 * @param options as of `RotatingCookieKeys`, and where errors go
 * @throws {TypeError} if an option has the wrong type
 * @throws {RangeError} if an option is out of range
 * @throws {NTPError} `permission`, also when others than its owner may read the file; `malformed`, or
 * `system`
 *
 * @example A server whose clients do not notice that it starts anew
 * ```ts ignore
 * import { NTPServer } from "@ntps/ntps";
 * import { NtsResponder, openCookieKeyFile } from "@ntps/ntps/nts";
 *
 * const cookieKeys = await openCookieKeyFile("/var/lib/ntps/cookie-keys");
 * const server = new NTPServer({ nts: new NtsResponder({ cookieKeys }) });
 * await server.listen();
 * ```
 */
export async function openCookieKeyFile(
  path: string,
  options: CookieKeyFileOptions = {},
): Promise<RotatingCookieKeys> {
  const { onError = console.warn, ...rotation } = options;
  const text = await readSecret(path);
  let saving: Promise<void> = Promise.resolve();
  const save = (keys: readonly SavedCookieKey[]) => {
    const content = formatKeys(keys);
    saving = saving.then(() => replaceSecretFile(path, content)).catch((cause) => {
      onError(new NTPError("system", `${path}: a new key could not be saved`, { cause }));
    });
  };
  if (text !== undefined) {
    return new RotatingCookieKeys({ ...rotation, saved: parseKeys(text, path), onRotate: save });
  }
  // The first keys must be there before anything depends on them.
  let first: readonly SavedCookieKey[] = [];
  new RotatingCookieKeys({ ...rotation, onRotate: (keys) => first = keys });
  try {
    await replaceSecretFile(path, formatKeys(first));
  } catch (cause) {
    const what = (cause as { code?: string }).code === "ENOENT"
      ? new NTPError("not-found", `${path}: there is no such folder`, { cause })
      : new NTPError("system", `${path}: the keys of cookies cannot be saved there`, { cause });
    throw what;
  }
  return new RotatingCookieKeys({ ...rotation, saved: first, onRotate: save });
}

/** A secret file's text; `undefined` where there is none. */
async function readSecret(path: string): Promise<string | undefined> {
  const { open } = await import("node:fs/promises");
  const { platform } = (globalThis as { process?: { platform?: string } }).process ?? {};
  try {
    const file = await open(path, "r");
    try {
      const { mode } = await file.stat();
      if (platform !== "win32" && (mode & 0o077) !== 0) {
        throw new NTPError(
          "permission",
          `${path}: others than its owner may read these keys: remove it, and new ones are made`,
        );
      }
      return await file.readFile("utf8");
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof NTPError) throw cause;
    const error = fileError(path, cause);
    if (error instanceof NTPError && error.code === "not-found") return undefined;
    throw error;
  }
}

function formatKeys(keys: readonly SavedCookieKey[]): string {
  const lines = keys.map(({ id, createdMs, secret }) => {
    const digits = Array.from(secret, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return `${id} ${createdMs} ${digits}`;
  });
  return `${[HEAD, ...lines].join("\n")}\n`;
}

/** Errors tell no part of a key. */
function parseKeys(text: string, path: string): SavedCookieKey[] {
  const keys: SavedCookieKey[] = [];
  text.split("\n").forEach((line, index) => {
    if (line === "" || line.startsWith("#")) return;
    const [, id, createdMs, digits] = /^(\d{1,10}) (\d{1,15}) ([0-9a-f]{64})$/.exec(line) ?? [];
    if (digits === undefined || Number(id) > 0xffffffff) {
      throw new NTPError("malformed", `${path}:${index + 1}: this is not ID MILLISECONDS KEY`);
    }
    const secret = Uint8Array.from(
      { length: 32 },
      (_, i) => parseInt(digits.slice(2 * i, 2 * i + 2), 16),
    );
    keys.push({ id: Number(id), createdMs: Number(createdMs), secret });
  });
  if (keys.length === 0) throw new NTPError("malformed", `${path}: there is no key in it`);
  return keys;
}
