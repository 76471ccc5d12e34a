/**
 * Stands in for `@std/cli/parse-args` where JSR cannot be reached, and on Bun and Node: the same
 * options and results, except that a dot in a name makes no nested object.
 *
 * @module
 */

/** What {@linkcode parseArgs} shall take an argument for. */
export interface ParseOptions<
  B extends string = string,
  S extends string = string,
  C extends string = string,
  N extends string = string,
  D extends boolean = boolean,
> {
  /** Whether what follows `--` goes into the result's `"--"` instead of `_`. */
  "--"?: D;
  /** Other names of options. */
  alias?: Record<string, string | readonly string[]>;
  /** Options without a value; `true`: all that begin with `--` and have no `=`. */
  boolean?: boolean | B | readonly B[];
  /** Values of options that are not given. */
  default?: Record<string, unknown>;
  /** Whether everything after the first argument that is no option goes into `_`. */
  stopEarly?: boolean;
  /** Options whose value is kept as text. */
  string?: S | readonly S[];
  /** Options that may be given more than once; their value is an array. */
  collect?: C | readonly C[];
  /** Options that `--no-NAME` sets to false. */
  negatable?: N | readonly N[];
  /** Called for what is not declared; returning false leaves it out of the result. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** What {@linkcode parseArgs} returns. */
export type Args<
  B extends string = string,
  S extends string = string,
  C extends string = string,
  N extends string = string,
  D extends boolean = boolean,
> =
  & Record<string, unknown>
  & { [K in Exclude<B, C>]: boolean }
  & { [K in Exclude<S, C>]?: K extends N ? string | false : string }
  & { [K in Extract<S, C>]: K extends N ? string[] | false : string[] }
  & { _: (string | number)[] }
  & (D extends true ? { "--": string[] } : unknown);

type Value = string | number | boolean;

/** Takes command-line arguments apart. */
export function parseArgs<
  B extends string = never,
  S extends string = never,
  C extends string = never,
  N extends string = never,
  D extends boolean = false,
>(args: readonly string[], options: ParseOptions<B, S, C, N, D> = {}): Args<B, S, C, N, D> {
  const parser = new Parser(options as ParseOptions);
  const end = args.indexOf("--");
  parser.parse(end < 0 ? args : args.slice(0, end));
  return parser.finish(end < 0 ? [] : args.slice(end + 1)) as Args<B, S, C, N, D>;
}

class Parser {
  readonly #options: ParseOptions;
  readonly #aliases = new Map<string, string[]>();
  readonly #booleans: Set<string>;
  readonly #strings: Set<string>;
  readonly #collected: Set<string>;
  readonly #negatables: Set<string>;
  readonly #result: Record<string, unknown> & { _: (string | number)[] } = { _: [] };

  constructor(options: ParseOptions) {
    this.#options = options;
    for (const [name, others] of Object.entries(options.alias ?? {})) {
      const names = [name, ...(typeof others === "string" ? [others] : others)];
      for (const one of names) this.#aliases.set(one, names.filter((other) => other !== one));
    }
    const { boolean: booleans } = options;
    this.#booleans = this.#names(typeof booleans === "boolean" ? [] : booleans);
    this.#strings = this.#names(options.string);
    this.#collected = this.#names(options.collect);
    this.#negatables = this.#names(options.negatable);
  }

  #names(names: string | readonly string[] = []): Set<string> {
    const all = (typeof names === "string" ? [names] : names).filter((name) => name !== "");
    return new Set(all.flatMap((name) => [name, ...(this.#aliases.get(name) ?? [])]));
  }

  parse(args: readonly string[]): void {
    for (let at = 0; at < args.length; at++) {
      const arg = args[at]!;
      const next = args[at + 1];
      if (/^--[^]/.test(arg)) at += this.#long(arg, next);
      else if (/^-[^]/.test(arg)) at += this.#short(arg, next);
      else {
        if (this.#options.unknown?.(arg) !== false) {
          this.#result._.push(this.#strings.has("_") ? arg : number(arg));
        }
        if (this.#options.stopEarly) {
          this.#result._.push(...args.slice(at + 1));
          return;
        }
      }
    }
  }

  /** `--name`, `--name=value`, `--name value`, `--no-name`; returns how many more it has used. */
  #long(arg: string, next: string | undefined): 0 | 1 {
    const equals = arg.indexOf("=", 3);
    if (equals > 0 && equals < arg.length - 1) {
      const negated = arg.startsWith("--no-") && equals > 5;
      const name = arg.slice(negated ? 5 : 2, equals);
      const value = arg.slice(equals + 1);
      this.#set(name, this.#booleans.has(name) ? value !== "false" : value, arg);
      return 0;
    }
    const name = arg.slice(2, equals > 0 ? -1 : undefined);
    const positive = name.startsWith("no-") ? name.slice(3) : "";
    if (this.#negatables.has(positive)) {
      this.#set(positive, false, arg, false);
      return 0;
    }
    const takesValue = !this.#booleans.has(name) && this.#options.boolean !== true;
    return this.#withNext(name, arg, next, takesValue && !next?.startsWith("-"));
  }

  /** `-abc`, `-n5`, `-n=5`, `-n 5`; returns how many more it has used. */
  #short(arg: string, next: string | undefined): 0 | 1 {
    for (let at = 1; at < arg.length - 1; at++) {
      const name = arg[at]!;
      const rest = arg.slice(at + 1);
      const value = attached(name, rest);
      this.#set(name, value ?? this.#bare(name), arg);
      if (value !== undefined && rest !== "-") return 0;
    }
    const name = arg.at(-1)!;
    if (name === "-") return 0;
    const isOption = next !== undefined && /^--?[^-]/.test(next);
    return this.#withNext(name, arg, next, !this.#booleans.has(name) && !isOption);
  }

  #withNext(name: string, arg: string, next: string | undefined, takesValue: boolean): 0 | 1 {
    if (next && takesValue) {
      this.#set(name, next, arg);
      return 1;
    }
    if (next === "true" || next === "false") {
      this.#set(name, next === "true", arg);
      return 1;
    }
    this.#set(name, this.#bare(name), arg);
    return 0;
  }

  #bare(name: string): "" | true {
    return this.#strings.has(name) ? "" : true;
  }

  #set(name: string, value: Value, arg: string, collects = true): void {
    const { boolean: booleans, unknown } = this.#options;
    const known = this.#booleans.has(name) || this.#strings.has(name) || this.#aliases.has(name) ||
      (booleans === true && arg.startsWith("--") && !arg.includes("="));
    if (!known && unknown?.(arg, name, value) === false) return;
    const final = typeof value === "string" && !this.#strings.has(name) ? number(value) : value;
    const collected = collects && this.#collected.has(name);
    for (const key of [name, ...(this.#aliases.get(name) ?? [])]) {
      const before = this.#result[key];
      this.#result[key] = !collected ? final : Array.isArray(before) ? [...before, final] : [final];
    }
  }

  finish(rest: readonly string[]): Record<string, unknown> {
    const result = this.#result;
    for (const [name, value] of Object.entries(this.#options.default ?? {})) {
      if (Object.hasOwn(result, name)) continue;
      for (const key of [name, ...(this.#aliases.get(name) ?? [])]) result[key] = value;
    }
    for (const name of this.#booleans) {
      if (!Object.hasOwn(result, name)) result[name] = this.#collected.has(name) ? [] : false;
    }
    for (const name of this.#strings) {
      if (!Object.hasOwn(result, name) && this.#collected.has(name)) result[name] = [];
    }
    if (this.#options["--"]) result["--"] = [...rest];
    else result._.push(...rest);
    return result;
  }
}

/** The value that is written behind the letter without a space, if there is one. */
function attached(letter: string, rest: string): string | undefined {
  if (rest === "-") return rest;
  const isLetter = /[A-Za-z]/.test(letter);
  const equals = rest.indexOf("=");
  if (isLetter && equals >= 0 && equals < rest.length - 1) return rest.slice(equals + 1);
  if (isLetter && /-?\d+(\.\d*)?(e-?\d+)?$/.test(rest)) return rest;
  return /^\W/.test(rest) && rest.length > 1 ? rest : undefined;
}

function number(text: string): string | number {
  const looksNumeric = /^0x[0-9a-f]+$/i.test(text) ||
    /^[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?$/.test(text);
  return looksNumeric ? Number(text) : text;
}
