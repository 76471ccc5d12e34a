import { NTPError } from "../packet/error.ts";
import { fileError } from "../packet/file_error.ts";
import { LeapSeconds } from "./leap_seconds.ts";

/**
 * Checks the `#h` line of a `leap-seconds.list`: five 32-bit words in hexadecimal, the SHA-1 of the
 * digits of the `#$` line, the `#@` line and the first two columns of the table. It tells a damaged
 * file, not a forged one.
 *
 * @param text the file's content
 * @returns true if the hash is right, false if there is none
 * @throws {NTPError} `malformed` if the hash is wrong or is not five words
 *
 * @example A text without a hash
 * ```ts
 * import { verifyLeapSecondsHash } from "@ntps/ntps";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(await verifyLeapSecondsHash("#@ 4023129600\n3692217600 37\n"), false);
 * ```
 */
export async function verifyLeapSecondsHash(text: string): Promise<boolean> {
  let covered = "", stated: string | undefined;
  for (const line of text.split("\n")) {
    if (line.startsWith("#$") || line.startsWith("#@")) covered += line.slice(2);
    else if (/^#h\s/.test(line)) stated = line.slice(2).trim().toLowerCase();
    else if (!line.startsWith("#")) covered += line.replace(/#.*/, "");
  }
  if (stated === undefined) return false;
  const digest = new DataView(
    await crypto.subtle.digest("SHA-1", new TextEncoder().encode(covered.replace(/\s/g, ""))),
  );
  // Published files drop the leading zeros of a word, so words are compared, not text.
  const words = stated.split(/\s+/);
  const matches = words.length === 5 &&
    words.every((word, i) =>
      /^[0-9a-f]{1,8}$/.test(word) && parseInt(word, 16) === digest.getUint32(4 * i)
    );
  if (!matches) {
    throw new NTPError(
      "malformed",
      `leap-seconds.list: its SHA-1 is not the one in its line "#h ${stated}"; fetch it again`,
    );
  }
  return true;
}

/**
 * Reads a `leap-seconds.list` file; on Debian, tzdata keeps one at
 * `/usr/share/zoneinfo/leap-seconds.list`. Its hash is verified where it has one. An expired table
 * is read all the same: see {@linkcode LeapSeconds.isExpired}.
 *
 * @param path where the file is
 * @throws {NTPError} `not-found`, `permission`, `malformed` (with the line), or `system`
 *
 * @example With the built-in table to fall back on
 * ```ts
 * import { LeapSeconds, loadLeapSeconds, NTPError, SystemClock } from "@ntps/ntps";
 * import { assertEquals } from "@std/assert";
 *
 * const leapSeconds = await loadLeapSeconds("/no/such/leap-seconds.list").catch((error) => {
 *   assertEquals(error instanceof NTPError && error.code, "not-found");
 *   return LeapSeconds.builtIn;
 * });
 * const clock = new SystemClock({ leapSeconds });
 * ```
 */
export async function loadLeapSeconds(path: string | URL): Promise<LeapSeconds> {
  // Imported here so that bundles for browsers, which have no files, still load.
  const { readFile } = await import("node:fs/promises");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw fileError(path, cause);
  }
  try {
    const table = LeapSeconds.parse(text);
    await verifyLeapSecondsHash(text);
    return table;
  } catch (cause) {
    if (!(cause instanceof NTPError)) throw cause;
    throw new NTPError(cause.code, `${path}: ${cause.message}`, { cause });
  }
}
