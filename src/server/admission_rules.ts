import {
  type Admission,
  admissionOf,
  type AdmissionTables,
  makeAdmissionTables,
} from "./admission.ts";
import type { NTPServerOptions } from "./ntp_server_options.ts";
import { completeRateLimit } from "./rate_limit_options.ts";
import type { WorkerRules } from "./workers/worker_messages.ts";

/** Memory of limits, by what these say. */
export type KeptTables = Map<string | undefined, AdmissionTables>;

/**
 * Who is let in, and what workers are told of that. A limit keeps its memory while it stays the same, and
 * also when it is gone for a while: memory for a new one each time would add up.
 *
 * @param options access rules and limit
 * @param kept memory of the limits before; written
 * @throws {TypeError} if an option has the wrong type
 * @throws {RangeError} if an option is out of range
 */
export function admissionRules(
  { access, rateLimit }: Pick<NTPServerOptions, "access" | "rateLimit">,
  kept: KeptTables,
): { admission: Admission | undefined; rules: Omit<WorkerRules, "keys"> } {
  const limit = rateLimit && completeRateLimit(rateLimit);
  const text = JSON.stringify(limit);
  const isLimit = rateLimit === undefined || typeof rateLimit === "object"; // else it is told there
  const tables = (isLimit ? kept.get(text) : undefined) ??
    makeAdmissionTables(rateLimit, typeof SharedArrayBuffer !== "undefined");
  const admission = admissionOf(access, rateLimit, tables);
  const rules = access?.map(({ prefix, action }) => ({ prefix, action }));
  // No limit at all, and the last one.
  for (const other of kept.keys()) {
    if (text !== undefined && other !== undefined) kept.delete(other);
  }
  kept.set(text, tables);
  return { admission, rules: { access: rules, rateLimit: limit, tables } };
}
