import { UsageError } from "./usage_error.ts";

/** An option of a command: parsing, checks and help all follow from it. */
export interface Option<T> {
  /** What it does: a few words. */
  readonly help: string;
  /** The letter of its short form. */
  readonly letter?: string | undefined;
  /** What stands for its value in the help; absent: a flag, which has no value. */
  readonly value?: string;
  /** The value that its name alone stands for; absent: there must be a value. */
  readonly bare?: string;
  /** Whether it may be given more than once. */
  readonly repeatable?: boolean;
  /** What holds when it is not given. */
  readonly initial: T;
  /** The same as the help shows it. */
  readonly initialText?: string | undefined;
  /**
   * Its value.
   *
   * @param texts what was given: one text, or more if it is repeatable; none for a flag
   * @param name how to call it in an error
   * @throws {UsageError} if it makes no sense
   */
  read(texts: readonly string[], name: string): T;
}

/** What all options have. */
interface Basics {
  readonly help: string;
  readonly letter?: string;
}

/** An option without a value: false unless given. */
export function flag(basics: Basics): Option<boolean> {
  return { ...basics, initial: false, read: () => true };
}

/** An option whose value is any text. */
export function text<D extends string | undefined>(
  spec: Basics & { value: string; initial: D; initialText?: string },
): Option<string | D> {
  return { initialText: spec.initial, ...spec, read: ([given]) => given! };
}

/** An option that may be given more than once, for a list of texts. */
export function texts(
  spec: Basics & { value: string; initialText?: string },
): Option<readonly string[]> {
  return { ...spec, repeatable: true, initial: [], read: (given) => given };
}

/** What {@linkcode choice} needs. */
interface ChoiceSpec<T extends string> extends Basics {
  readonly value: string;
  readonly choices: readonly T[];
  readonly initialText?: string;
  /** Finds the choice that is meant, where it has other names. Default: as it is written. */
  readonly find?: (given: string) => T | undefined;
}

/** An option whose value is one of a few words. */
export function choice<T extends string>(spec: ChoiceSpec<T> & { initial: T }): Option<T>;
export function choice<T extends string>(
  spec: ChoiceSpec<T> & { initial: undefined },
): Option<T | undefined>;
export function choice<T extends string>(
  spec: ChoiceSpec<T> & { initial: T | undefined },
): Option<T | undefined> {
  const { choices, find = (given) => choices.find((one) => one === given) } = spec;
  return {
    initialText: spec.initial,
    ...spec,
    read([given], name) {
      const found = find(given!);
      if (found !== undefined) return found;
      throw new UsageError(`${name} is one of ${choices.join(", ")}, not "${given}"`);
    },
  };
}

/** An option whose value is a whole number. */
export function whole<D extends number | undefined>(
  spec: Basics & { value: string; least: number; most: number; initial: D; initialText?: string },
): Option<number | D> {
  return {
    initialText: spec.initial?.toString(),
    ...spec,
    read: ([given], name) => readWhole(given!, name, spec.least, spec.most),
  };
}

/**
 * A whole number in decimal.
 *
 * @param given the text
 * @param name how to call it in an error
 * @throws {UsageError} if it is none, or not from `least` to `most`
 */
export function readWhole(given: string, name: string, least: number, most: number): number {
  const number = /^\d{1,10}$/.test(given) ? Number(given) : NaN;
  if (number >= least && number <= most) return number;
  throw new UsageError(`${name} is a whole number from ${least} to ${most}, not "${given}"`);
}

const MILLISECONDS: Readonly<Record<string, number>> = { "": 1000, ms: 1, s: 1000, min: 60_000 };

/** How the help says what a duration looks like. */
export const DURATION_HELP = "TIME is a number of seconds, or has a unit: 500ms, 5s, 2min.";

/** Longest time that timers can wait, in milliseconds. */
const LONGEST = 2 ** 31 - 1;

/**
 * A duration, in milliseconds.
 *
 * @param given the text
 * @returns NaN if it is none
 */
export function readDuration(given: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?|\.\d+) ?(ms|s|min|)$/.exec(given) ?? [];
  return Number(number) * MILLISECONDS[unit ?? ""]!;
}

/** An option whose value is a duration; in milliseconds. */
export function duration<D extends number | undefined>(
  spec: Basics & { positive: boolean; initial: D; initialText: string },
): Option<number | D> {
  return {
    ...spec,
    value: "TIME",
    read([given], name) {
      const milliseconds = readDuration(given!);
      if (milliseconds <= LONGEST && (milliseconds > 0 || !spec.positive)) return milliseconds;
      const bounds = spec.positive ? "above 0 and up to 24 days" : "up to 24 days";
      throw new UsageError(
        `${name} is a time such as 500ms, 5s or 2min, ${bounds}, not "${given}"`,
      );
    },
  };
}
