/** The command line is wrong: the message says what, which value, and what would be right. */
export class UsageError extends Error {
  override name = "UsageError";
}
