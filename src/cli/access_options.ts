import { parseIpPrefix } from "../packet/ip_prefix.ts";
import type { AccessRule } from "../server/access.ts";
import { type Option, texts } from "./option.ts";
import { UsageError } from "./usage_error.ts";

/** How the help says what the options mean together. */
export const ACCESS_HELP: string = `
PREFIX is 192.0.2.0/24, 2001:db8::/32, or an address; 0.0.0.0/0 is all of IPv4,
::/0 all of IPv6. Options with a PREFIX may be given more than once, in any
order: the longest PREFIX that an address lies in decides. Addresses in none are
denied if --allow, --limited or --require-auth is given, else answered.
`.trim();

/** Prefixes for which the same shall hold. */
function prefixes(help: string): Option<readonly string[]> {
  return {
    ...texts({ value: "PREFIX", help }),
    read(given, name) {
      for (const text of given) {
        const prefix = parseIpPrefix(text);
        if (typeof prefix === "string") throw new UsageError(`${name}: "${text}" ${prefix}`);
      }
      return given;
    },
  };
}

/** Options that say who is answered. */
export interface AccessOptions<T = Option<readonly string[]>> {
  readonly allow: T;
  readonly limited: T;
  readonly requireAuth: T;
  readonly kod: T;
  readonly deny: T;
}

/** The options that say who is answered. */
export const ACCESS_OPTIONS: AccessOptions = {
  allow: prefixes("answer these addresses"),
  limited: prefixes("answer these within --rate-limit, which then is for these only"),
  requireAuth: prefixes("answer these if they use a key of --keys"),
  kod: prefixes("tell these to go away, by a kiss-o'-death, seldom"),
  deny: prefixes("do not answer these"),
};

/** The rules that the values of the options stand for. */
export function accessRules(given: AccessOptions<readonly string[]>): AccessRule[] {
  const actions = [
    ["allow", given.allow],
    ["limited", given.limited],
    ["require-auth", given.requireAuth],
    ["kod", given.kod],
    ["deny", given.deny],
  ] as const;
  return actions.flatMap(([action, list]) => list.map((prefix) => ({ prefix, action })));
}
