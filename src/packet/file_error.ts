import { NTPError } from "./error.ts";

/**
 * What kept a file from being read, as an {@linkcode NTPError} that names it and the remedy.
 *
 * @param path the file
 * @param cause what the runtime threw
 * @returns an error with the code `not-found`, `permission` or `system`; what is not about the file,
 * as it is
 */
export function fileError(path: string | URL, cause: unknown): unknown {
  if (!(cause instanceof Error)) return cause;
  const { code } = cause as { code?: string };
  // Deno's own errors carry a name where Node's carry a code.
  if (code === "ENOENT") {
    return new NTPError("not-found", `${path}: there is no such file`, { cause });
  }
  if (cause.name === "NotCapable") {
    // Of /dev and the like it lets nothing be read without that, whatever --allow-read says.
    const flag = cause.message.includes("--allow-all") ? "--allow-all" : `--allow-read=${path}`;
    return new NTPError("permission", `${path}: Deno may not read it; run it with ${flag}`, {
      cause,
    });
  }
  if (code === "EACCES" || code === "EPERM") {
    return new NTPError("permission", `${path}: this user may not read it`, { cause });
  }
  if (cause instanceof TypeError || code === undefined) return cause;
  return new NTPError("system", `${path}: ${cause.message}`, { cause });
}
