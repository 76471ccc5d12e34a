import type { SourcePreference } from "./selection.ts";

/** The preference among other options; what is left out is false. */
export function preferenceOf(options: SourcePreference): Required<SourcePreference> {
  const { prefer = false, require = false, trust = false, noSelect = false } = options;
  return { prefer, require, trust, noSelect };
}
