import type { KeyFileFormat } from "../auth/key_secret.ts";
import type { KeyStore } from "../auth/key_store.ts";
import type { SymmetricKey } from "../auth/symmetric_key.ts";
import { choice, type Option } from "./option.ts";
import { say } from "./say.ts";
import { UsageError } from "./usage_error.ts";
import type { World } from "./world.ts";

/** Daemons whose key files are read. */
export const KEY_FILE_FORMATS: readonly KeyFileFormat[] = ["chrony", "ntpd"];

/** A key as the command line names it. */
export interface KeyName {
  /** Its identifier. */
  readonly id: number;
  /** The key file that it is in. */
  readonly path: string;
}

/** The option that names one key. */
export const key: Option<KeyName | undefined> = {
  letter: "k",
  value: "ID:FILE",
  initial: undefined,
  help: "ask with this key of a key file; only answers that are authenticated with it count",
  read([given], name) {
    const [, digits, path] = /^(\d{1,10}):(.+)$/.exec(given!) ?? [];
    const id = Number(digits);
    if (id >= 1 && id <= 0xffffffff) return { id, path: path! };
    throw new UsageError(
      `${name} is ID:FILE, such as 1:/etc/ntps/keys, with an ID from 1 to 4294967295, not "${given}"`,
    );
  },
};

/** The option that says by whose rules key files are read. */
export const keyFormat: Option<KeyFileFormat | undefined> = choice<KeyFileFormat>({
  value: "FORMAT",
  choices: KEY_FILE_FORMATS,
  initial: undefined,
  initialText: "either",
  help: "chrony or ntpd: by whose rules to read it",
});

/**
 * Refuses a format without a file.
 *
 * @param name the option that names a file
 * @param file its value
 * @param format that of `--key-format`
 * @throws {UsageError} if there is a format but no file
 */
export function checkKeyFormat(name: string, file: unknown, format: unknown): void {
  if (format === undefined || file !== undefined) return;
  throw new UsageError(`--key-format is for a key file, and there is no ${name}`);
}

/**
 * Loads a key file; if others may read it, that is said on standard error.
 *
 * @param path where it is
 * @param format whose it is
 * @param commandName who says it
 * @param world all that it touches
 * @throws {NTPError} if it cannot be read, or something is wrong in it
 */
export function loadKeys(
  path: string,
  format: KeyFileFormat | undefined,
  commandName: string,
  world: World,
): Promise<KeyStore> {
  return world.loadKeyFile(path, {
    ...(format !== undefined && { format }),
    onWarning: (message) => say(world.stderr, `${commandName}: ${message}`),
  });
}

/** More identifiers than these would hide the point of a message. */
const MOST_IDS = 20;

/**
 * A key of a key file.
 *
 * @param keys what is in the file
 * @param name which one, and of which file
 * @throws {UsageError} if there is none with this identifier
 */
export function keyNamed(keys: KeyStore, { id, path }: KeyName): SymmetricKey {
  const found = keys.get(id);
  if (found !== undefined) return found;
  const ids = [...keys].map((key) => key.id);
  const more = ids.length > MOST_IDS ? ` and ${ids.length - MOST_IDS} more` : "";
  const there = ids.length === 1 ? `is only ${ids[0]}` : `are ${ids.slice(0, MOST_IDS).join(", ")}`;
  throw new UsageError(`there is no key ${id} in ${path}; there ${there}${more}`);
}
