import type { World } from "./world.ts";

/** How sure a frequency must be to be kept, in seconds per second: 10 ppm. */
const SURE = 1e-5;

/**
 * Reads a frequency from a drift file: parts per million, positive where the clock must run faster.
 *
 * @param path where it is
 * @param world files
 * @returns seconds per second; undefined if there is no file yet
 * @throws {Error} with one sentence, if it cannot be read, or says something else
 */
export async function readDrift(path: string, world: World): Promise<number | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await world.readFile(path);
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return undefined;
    throw new Error(`cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
  const text = new TextDecoder().decode(bytes).trim();
  const ppm = /^[-+]?\d+(\.\d+)?(\s+\d+(\.\d+)?)?$/.test(text) ? Number(text.split(/\s+/)[0]) : NaN;
  if (Math.abs(ppm) < 1e4) return ppm / 1e6;
  throw new Error(
    `${path} is no drift file: it holds a frequency in parts per million, such as -12.5`,
  );
}

/**
 * Writes a frequency to a drift file, if it is known well.
 *
 * @param path where to
 * @param frequency as of `NTPSync`
 * @param world files
 * @throws {Error} with one sentence, if it cannot be written
 */
export async function writeDrift(
  path: string,
  frequency: { readonly value: number; readonly deviation: number } | undefined,
  world: World,
): Promise<void> {
  if (frequency === undefined || !(frequency.deviation < SURE)) return;
  const [value, deviation] = [frequency.value, frequency.deviation].map((one) => one * 1e6);
  const text = `${value!.toFixed(6)} ${deviation!.toFixed(6)}\n`;
  await world.writeSecretFile(path, text, { overwrite: true });
}
