import { fileError } from "../packet/file_error.ts";
import type { World } from "./world.ts";

/**
 * The text of a file.
 *
 * @param path where it is
 * @param world all that it touches
 * @throws {NTPError} `not-found`, `permission` or `system`, with the file's name
 */
export async function readText(path: string, world: World): Promise<string> {
  try {
    return new TextDecoder().decode(await world.readFile(path));
  } catch (cause) {
    throw fileError(path, cause);
  }
}
