/** The command line is wrong: the message says what, which value, and what would be right. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** A configuration file is wrong. */
export class ConfigError extends UsageError {
  override name = "ConfigError";
  /** All that is wrong with it. */
  readonly problems: readonly string[];

  /** @param problems a sentence each, which says where */
  constructor(problems: readonly string[]) {
    super(problems.join("; "));
    this.problems = problems;
  }
}

/**
 * Calls a function of the library with arguments from the command line.
 *
 * @param action throws `TypeError` or `RangeError` if they are wrong
 * @param name what stands before the message then
 * @throws {UsageError} instead of these
 */
export function asUsage<T>(action: () => T, name = ""): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    throw new UsageError(`${name}${error.message}`);
  }
}
