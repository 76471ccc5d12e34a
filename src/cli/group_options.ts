import { type MulticastGroup, parseGroup } from "../transport/multicast_group.ts";
import { type Option, texts } from "./option.ts";
import { asUsage, UsageError } from "./usage_error.ts";

/** How the help says what a group is. */
export const GROUP_HELP: string = `
GROUP is a multicast address: 224.0.1.1, ff05::101, ff02::101%eth0. By which
network interface it is reached is said behind the percent sign (IPv6 alone), by
--interface, or else by the routes.
`.trim();

/** A multicast group as the command line names it. */
export interface Group extends MulticastGroup {
  /** As it was given. */
  readonly text: string;
}

/**
 * Reads a group.
 *
 * @param text `224.0.1.1`, `ff05::101`, `ff02::101%eth0`
 * @param name what stands before the message of an error
 * @throws {UsageError} if it is none
 */
export function readGroup(text: string, name = ""): Group {
  const [, address, scope] = /^([\d.]+)%(.*)$/.exec(text) ?? [];
  if (scope !== undefined) {
    throw new UsageError(
      `${name}"${text}": only IPv6 has a percent sign; write ${address} --interface ${scope}`,
    );
  }
  return { text, ...asUsage(() => parseGroup(text), name) };
}

/** The option that says where groups are. */
export const networkInterface: Option<readonly string[]> = texts({
  value: "NAME",
  initialText: "the routes'",
  help:
    "network interface of groups that name none, by its name or an address; may be given more than once",
});
