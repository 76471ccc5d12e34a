/** Readable and writable by the owner, and by nobody else. */
const OWNER_ONLY = 0o600;

/**
 * Writes a new file that only its owner may read, whole or not at all.
 *
 * @param path where to
 * @param text content
 * @throws what the runtime throws: among others, that there is such a file
 */
export async function writeNewSecretFile(path: string, text: string): Promise<void> {
  // Imported here so that bundles for browsers, which have no files, still load.
  const { open, rm } = await import("node:fs/promises");
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

/**
 * Puts a new file into the place of another, which others may be allowed to read, or have open, or
 * which is not there. Only its owner may read it, and it is there whole or not at all.
 *
 * @param path where to
 * @param text content
 * @throws what the runtime throws
 */
export async function replaceSecretFile(path: string, text: string): Promise<void> {
  const { rename, rm } = await import("node:fs/promises");
  const random = crypto.getRandomValues(new Uint32Array(2));
  const temporary = `${path}.${random[0]!.toString(16)}${random[1]!.toString(16)}`;
  await writeNewSecretFile(temporary, text);
  try {
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
