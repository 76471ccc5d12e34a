import { lstat } from "node:fs/promises";
import { replaceSecretFile, writeNewSecretFile } from "../auth/secret_file.ts";

/**
 * Writes a file that only its owner may read, whole or not at all.
 *
 * @param path where to
 * @param text content
 * @param options `overwrite`: whether to replace a file that is there
 * @throws {Error} with one sentence, if it cannot, or if there is a file that is not to be replaced
 */
export async function writeSecretFile(
  path: string,
  text: string,
  { overwrite }: { overwrite: boolean },
): Promise<void> {
  const fail = (why: string, cause?: unknown) =>
    new Error(`cannot write ${path}: ${why}`, { cause });
  const before = await lstat(path).catch(() => undefined);
  // A device, say: to put a file into its place would break the machine.
  if (before !== undefined && !before.isFile()) throw fail("it is no regular file");
  try {
    await (overwrite ? replaceSecretFile(path, text) : writeNewSecretFile(path, text));
  } catch (error) {
    throw fail(reasonOf(error), error);
  }
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case "EEXIST":
      return "it exists; --force replaces it, and the keys in it are lost";
    case "ENOENT":
    case "ENOTDIR":
      return "there is no such folder";
    case "EACCES":
    case "EPERM":
      return "this user may not write there";
    default:
      return message;
  }
}
