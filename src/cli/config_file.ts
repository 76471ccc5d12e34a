import { nearest } from "./nearest.ts";
import type { Option } from "./option.ts";
import { placeOf, readToml, type TomlTable } from "./toml.ts";
import { UsageError } from "./usage_error.ts";

/**
 * Which options of a command are in which section of its configuration file. Those that are in none
 * are in the first. An option whose name begins with that of its section loses it there.
 */
export type ConfigSections = Readonly<Record<string, readonly string[]>>;

/** The value of an option, as a configuration file has it. */
export interface ConfigValue {
  /** What stands for it on the command line; none for a flag that is set. */
  readonly texts: readonly string[];
  /** How to call it in an error: file, line, column and name. */
  readonly name: string;
}

/** How options are written in a file: `rateLimit` is `rate-limit`. */
function keyOf(option: string): string {
  return option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/**
 * The options of a command by section and key.
 *
 * @param sections which are in which
 * @param options all
 */
export function configKeys(
  sections: ConfigSections,
  options: Readonly<Record<string, unknown>>,
): Map<string, Map<string, string>> {
  const keys = new Map(Object.keys(sections).map((name) => [name, new Map<string, string>()]));
  const [first] = keys.keys();
  for (const option of Object.keys(options)) {
    const [section = first!] = Object.entries(sections).find(([, all]) => all.includes(option)) ??
      [];
    const key = keyOf(option);
    const short = key.startsWith(`${section}-`) ? key.slice(section.length + 1) : key;
    keys.get(section)!.set(short, option);
  }
  return keys;
}

/** What a value of TOML is on the command line; an error says what there should be. */
function textsOf(value: unknown, option: Option<unknown>): readonly string[] | undefined | Error {
  if (option.value === undefined) {
    if (typeof value !== "boolean") return new Error("is true or false");
    return value ? [] : undefined;
  }
  if (typeof value === "boolean" && option.bare !== undefined) return value ? [""] : undefined;
  const values = Array.isArray(value) ? value : [value];
  if (Array.isArray(value) && !option.repeatable) return new Error("is one value, not a list");
  const isText = (one: unknown) => typeof one === "string" || typeof one === "number";
  if (!values.every(isText)) {
    return new Error(option.repeatable ? "is a text, or a list of texts" : "is a text or a number");
  }
  if (values.length === 0) return undefined;
  return values.map((one) => typeof one === "number" ? decimal(one) : one);
}

/** A number without an exponent, which no option knows. */
function decimal(number: number): string {
  const text = String(number);
  return text.includes("e") ? number.toFixed(12).replace(/\.?0+$/, "") : text;
}

/**
 * Reads a configuration file.
 *
 * @param text its content
 * @param path its name, for errors
 * @param sections which options are in which section
 * @param options of the command
 * @returns the values by option, and all that is wrong: an unknown section or key, a wrong type
 */
export async function readConfig(
  text: string,
  path: string,
  sections: ConfigSections,
  options: Readonly<Record<string, Option<unknown>>>,
): Promise<{ values: Map<string, ConfigValue>; problems: string[] }> {
  const values = new Map<string, ConfigValue>(), problems: string[] = [];
  let content: TomlTable;
  try {
    content = await readToml(text, path);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { values, problems: [error.message] };
  }
  const keys = configKeys(sections, options);
  for (const [section, table] of Object.entries(content)) {
    const known = keys.get(section);
    const isTable = typeof table === "object" && table !== null && !Array.isArray(table) &&
      !(table instanceof Date);
    if (known === undefined || !isTable) {
      const [kind, names] = isTable
        ? ["section", [...keys.keys()]] as const
        : ["key outside of all sections", [] as string[]] as const;
      const meant = nearest(section, names);
      const remedy = meant
        ? `did you mean [${meant}]?`
        : `there are [${[...keys.keys()].join("], [")}]`;
      const place = isTable ? placeOf(text, section) : placeOf(text, "", section);
      problems.push(`${path}:${place}: there is no ${kind} "${section}"; ${remedy}`);
      continue;
    }
    for (const [key, value] of Object.entries(table as TomlTable)) {
      const where = `${path}:${placeOf(text, section, key)}`;
      const option = known.get(key);
      if (option === undefined) {
        const meant = nearest(key, [...known.keys()]) ?? elsewhere(keys, key);
        problems.push(
          `${where}: there is no "${key}" in [${section}]${
            meant ? `; did you mean ${meant}?` : ""
          }`,
        );
        continue;
      }
      const texts = textsOf(value, options[option]!);
      if (texts instanceof Error) {
        problems.push(`${where}: ${key} ${texts.message}, not ${JSON.stringify(value)}`);
      } else if (texts !== undefined) values.set(option, { texts, name: `${where}: ${key}` });
    }
  }
  return { values, problems };
}

/** The same key of another section. */
function elsewhere(keys: Map<string, Map<string, string>>, key: string): string | undefined {
  for (const [section, known] of keys) if (known.has(key)) return `that of [${section}]`;
  return undefined;
}
