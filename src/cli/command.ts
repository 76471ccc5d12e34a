import { parseArgs } from "./std.ts";
import { nearest } from "./nearest.ts";
import { type ConfigSections, readConfig } from "./config_file.ts";
import { flag, type Option, text } from "./option.ts";
import { readText } from "./read_text.ts";
import { ConfigError, UsageError } from "./usage_error.ts";
import type { World } from "./world.ts";

/** Options by name, written in camelCase: `maxDelay` is `--max-delay`. */
export type Options = Readonly<Record<string, Option<unknown>>>;

/** The values of options. */
export type Values<O extends Options> = {
  readonly [K in keyof O]: O[K] extends Option<infer T> ? T : never;
};

/** What a subcommand is: its help, its options and what it does. */
export interface CommandParts<O extends Options> {
  /** What it does: one line. */
  readonly summary: string;
  /** What follows the options, such as `HOST…`; empty for nothing. */
  readonly operands: string;
  /** How many operands it takes, at least and at most. */
  readonly operandCount: readonly [least: number, most: number];
  /** What there is to know besides the options: lines. */
  readonly details: string;
  /** Its options, without `--help`. */
  readonly options: O;
  /** Sections of its configuration file; absent: it has none, and no `--config`. */
  readonly config?: ConfigSections;
  /**
   * Checks that the values make sense together.
   *
   * @throws {UsageError} if they do not
   */
  check?(values: Values<O>): void;
  /**
   * Does it.
   *
   * @param reread reads the configuration file anew, and gives all values as they are then
   * @returns exit status
   */
  run(
    values: Values<O>,
    operands: readonly string[],
    world: World,
    reread: () => Promise<Values<O>>,
  ): Promise<number>;
}

/** A subcommand whatever its options. */
export interface Command extends Omit<CommandParts<Options>, "run" | "check"> {
  /**
   * Does it.
   *
   * @param args the arguments behind its name
   * @returns exit status
   * @throws {UsageError} if the arguments make no sense
   */
  run(args: readonly string[], world: World): Promise<number>;
}

/** The option that every command has. */
export const HELP: Option<boolean> = flag({ letter: "h", help: "show this help" });

/** The options of commands that have a configuration file. */
const CONFIG_OPTIONS = {
  config: text({
    value: "FILE",
    initial: undefined,
    help: "read options from this file, in TOML; those given here count for more",
  }),
  check: flag({ help: "only say whether the options make sense" }),
};

/** Makes a subcommand of its parts. */
export function command<O extends Options>(parts: CommandParts<O>): Command {
  const options: Options = parts.config ? { ...CONFIG_OPTIONS, ...parts.options } : parts.options;
  const all = { ...parts, options } as CommandParts<Options>;
  return {
    ...all,
    async run(args, world) {
      const { given, operands } = readArguments(all, args);
      const read = async () => {
        const values = await valuesOf(all, given, args, world);
        parts.check?.(values as Values<O>);
        return values;
      };
      const values = await read();
      if (values["check"] === true && parts.config) {
        world.stdout.write(`${values["config"] ?? "the options"}: nothing is wrong\n`);
        return 0;
      }
      const reread = read as () => Promise<Values<O>>;
      return await parts.run(values as Values<O>, operands, world, reread);
    },
  };
}

/** How the name of an option is written on the command line. */
export function optionName(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/**
 * The values of all options: as given, else as the configuration file has them, else the initial ones.
 *
 * @throws {UsageError} with all that is wrong with the file, a line each
 */
async function valuesOf(
  { config, options }: CommandParts<Options>,
  given: Readonly<Record<string, readonly string[] | undefined>>,
  args: readonly string[],
  world: World,
): Promise<Record<string, unknown>> {
  const path = config && given["config"]?.[0];
  const file = path === undefined
    ? undefined
    : await readConfig(await readText(path, world), path, config!, options);
  const problems = file?.problems ?? [];
  const values: Record<string, unknown> = {};
  for (const [key, option] of Object.entries(options)) {
    const name = optionName(key), texts = given[name.slice(2)], inFile = file?.values.get(key);
    if (texts !== undefined) values[key] = valueOf(option, name, texts, args);
    else if (inFile === undefined) values[key] = option.initial;
    else {
      try {
        const texts = inFile.texts.map((text) => text === "" ? option.bare ?? "" : text);
        values[key] = option.read(texts, inFile.name);
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        const { message } = error;
        problems.push(message.startsWith(inFile.name) ? message : `${inFile.name}: ${message}`);
      }
    }
  }
  if (problems.length > 0) throw new ConfigError(problems.sort(byPlace));
  return values;
}

/** In the order of the lines of the file. */
function byPlace(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}

/** What was given for an option. */
function valueOf(
  option: Option<unknown>,
  name: string,
  texts: readonly string[],
  args: readonly string[],
): unknown {
  if (texts.includes("") && (option.bare === undefined || args.includes(`${name}=`))) {
    const joint = option.bare === undefined ? " " : "=";
    throw new UsageError(`${name} needs a value: ${name}${joint}${option.value}`);
  }
  if (texts.length > 1 && !option.repeatable) throw new UsageError(`${name} is given twice`);
  return option.read(texts.map((text) => text === "" ? option.bare! : text), name);
}

function readArguments(parts: CommandParts<Options>, args: readonly string[]) {
  const given = takeApart(parts.options, args);
  const operands = given["_"]!;
  const [least, most] = parts.operandCount;
  if (operands.length < least) throw new UsageError(`${parts.operands} is missing`);
  if (operands.length > most) throw new UsageError(`"${operands[most]}" is one argument too many`);
  return { given, operands };
}

/** What was given for each option, and the operands as `_`. Flags that were given have no texts. */
function takeApart(
  options: Options,
  args: readonly string[],
): Readonly<Record<string, readonly string[] | undefined>> {
  const entries = Object.entries(options).map(([key, option]) =>
    [optionName(key).slice(2), option] as const
  );
  const flags = entries.filter(([, { value }]) => value === undefined).map(([name]) => name);
  const others = entries.filter(([, { value }]) => value !== undefined).map(([name]) => name);
  const aliases = entries.flatMap(([name, { letter }]) => letter ? [[name, letter]] : []);
  refuseValuesOf(flags, args);
  const parsed: Record<string, unknown> = parseArgs(args, {
    boolean: flags,
    string: [...others, "_"],
    collect: others,
    alias: Object.fromEntries(aliases),
    unknown(arg, key) {
      if (key === undefined) return true;
      const name = arg.startsWith("--") ? `--${key}` : `-${key}`;
      const known = entries.map(([known]) => `--${known}`);
      const meant = name.startsWith("--") ? nearest(name, known) : undefined;
      throw new UsageError(
        `there is no option ${name}; ${meant ? `did you mean ${meant}?` : "--help lists them"}`,
      );
    },
  });
  const given: Record<string, readonly string[] | undefined> = {};
  for (const name of flags) if (parsed[name] === true) given[name] = [];
  for (const name of others) {
    const texts = parsed[name] as string[] | undefined;
    if (texts !== undefined && texts.length > 0) given[name] = texts;
  }
  return { ...given, _: (parsed["_"] as unknown[]).map(String) };
}

/** The parser takes `--json=3` for `--json`. */
function refuseValuesOf(flags: readonly string[], args: readonly string[]): void {
  const end = args.indexOf("--");
  for (const arg of end < 0 ? args : args.slice(0, end)) {
    const name = /^--([^=]+)=/.exec(arg)?.[1];
    if (name !== undefined && flags.includes(name)) {
      throw new UsageError(`--${name} takes no value`);
    }
  }
}
