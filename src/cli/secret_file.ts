import { randomBytes } from "node:crypto";
import { lstat, open, rename, rm } from "node:fs/promises";

/** Readable and writable by the owner, and by nobody else. */
const OWNER_ONLY = 0o600;

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
    await (overwrite ? replaceFile(path, text) : writeNewFile(path, text));
  } catch (error) {
    throw fail(reasonOf(error), error);
  }
}

async function writeNewFile(path: string, text: string): Promise<void> {
  const file = await open(path, "wx", OWNER_ONLY);
  try {
    await file.writeFile(text);
    await file.sync();
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

/** Puts a new file into the place of another, which others may be allowed to read, or have open. */
async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}`;
  await writeNewFile(temporary, text);
  try {
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
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
