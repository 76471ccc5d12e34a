import { NTPError } from "../../../packet/error.ts";

/** The C library of Linux: glibc, then musl. */
export const LIBC_NAMES: readonly string[] = [
  "libc.so.6",
  "libc.musl-x86_64.so.1",
  "libc.musl-aarch64.so.1",
];

/** What opens a library under the first of some names that can be opened. */
export function openFirst<L>(
  names: readonly (string | null)[],
  open: (name: string | null) => L,
): L {
  const errors: unknown[] = [];
  for (const name of names) {
    try {
      return open(name);
    } catch (error) {
      errors.push(error);
    }
  }
  const text = errors.map((error) => error instanceof Error ? error.message : String(error));
  throw new NTPError(
    "unsupported",
    `Could not open the library ${names.join(" or ")}: ${text.join("; ")}`,
    { cause: errors[0] },
  );
}

/** `errno` of the thread that asks, as memory. */
export const ERRNO_LOCATION = {
  __errno_location: { parameters: [], result: "pointer" },
} as const;
