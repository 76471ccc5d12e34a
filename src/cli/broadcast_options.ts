import type { BroadcastTarget } from "../association/ntp_broadcaster.ts";
import { isMulticast, parseIpAddress } from "../packet/ip_address.ts";
import { type Group, readGroup } from "./group_options.ts";
import { duration, type Option, readWhole } from "./option.ts";
import { UsageError } from "./usage_error.ts";

/** A group to send to. */
export interface MulticastTarget extends Group {
  /** How many hops far; 1 stays on the link. */
  readonly hopLimit: number;
}

/** Options that say what is broadcast to whom. */
export interface BroadcastOptions {
  readonly broadcast: Option<readonly string[]>;
  readonly multicast: Option<readonly MulticastTarget[]>;
  readonly broadcastInterval: Option<number | undefined>;
}

/** Milliseconds between broadcasts, if nothing else is said. */
export const BROADCAST_INTERVAL_MS = 64_000;
/** Seconds between broadcasts, at least and at most. */
const SHORTEST = 1, LONGEST = 131072;

function checkBroadcastAddress(text: string, name: string): void {
  const bytes = new Uint8Array(16);
  const family = parseIpAddress(text, bytes);
  const fail = (why: string) => new UsageError(`${name}: "${text}" ${why}`);
  if (family === 0) throw fail("is no IP address; write that of a subnet, such as 192.0.2.255");
  if (isMulticast(bytes)) throw fail(`is a multicast group: write --multicast ${text}`);
  if (family === 6) throw fail("is IPv6, which has no broadcast; groups do, such as ff02::101");
}

function readMulticastTarget(given: string, name: string): MulticastTarget {
  const [text, hops, ...more] = given.split(",");
  if (more.length > 0) throw new UsageError(`${name} is GROUP[,HOPS], not "${given}"`);
  const group = readGroup(text!, `${name}: `);
  const hopLimit = hops === undefined ? 1 : readWhole(hops, `${name}: HOPS`, 1, 255);
  return { ...group, hopLimit };
}

const interval = duration({
  positive: true,
  initial: undefined,
  initialText: `${BROADCAST_INTERVAL_MS / 1000}s`,
  help: "time between broadcasts, and between multicasts",
});

/** The options that say what is broadcast to whom. */
export const BROADCAST_OPTIONS: BroadcastOptions = {
  broadcast: {
    value: "ADDRESS",
    repeatable: true,
    initial: [],
    help:
      "broadcast the time to this subnet, by its broadcast address; may be given more than once",
    read(given, name) {
      for (const text of given) checkBroadcastAddress(text, name);
      return given;
    },
  },
  multicast: {
    value: "GROUP[,HOPS]",
    repeatable: true,
    initial: [],
    help:
      "multicast the time to this group, HOPS far (1: no router passes it on); may be given more than once",
    read: (given, name) => given.map((one) => readMulticastTarget(one, name)),
  },
  broadcastInterval: {
    ...interval,
    read(given, name) {
      const milliseconds = interval.read(given, name)!;
      if (milliseconds >= SHORTEST * 1000 && milliseconds <= LONGEST * 1000) return milliseconds;
      throw new UsageError(`${name} lies from ${SHORTEST} to ${LONGEST} s, not "${given[0]}"`);
    },
  },
};

/**
 * Where to, once on each interface.
 *
 * @param values values of the options
 * @param interfaces values of `--interface`
 */
export function broadcastTargets(
  { broadcast, multicast }: {
    readonly broadcast: readonly string[];
    readonly multicast: readonly MulticastTarget[];
  },
  interfaces: readonly string[],
): BroadcastTarget[] {
  const targets: BroadcastTarget[] = broadcast.map((address) => ({ address }));
  for (const { text, scope, hopLimit } of multicast) {
    const own = scope === undefined ? interfaces : [scope];
    const target = { address: text, hopLimit };
    if (own.length === 0) targets.push(target);
    for (const networkInterface of own) targets.push({ ...target, networkInterface });
  }
  return targets;
}
