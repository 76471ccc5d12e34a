import { NTPError } from "../packet/error.ts";

/** The error of what an `AbortSignal` ended; the signal's reason is its cause. */
export function abortedError(what: string, signal: AbortSignal): NTPError {
  const reason: unknown = signal.reason;
  const why = reason instanceof Error && reason.name !== "AbortError" ? `: ${reason.message}` : "";
  return new NTPError("aborted", `Aborted while ${what}${why}`, { cause: reason });
}
