import { readWord } from "../packet/header.ts";
import { type IpPrefix, maskByte, parseIpPrefix } from "../packet/ip_prefix.ts";

/**
 * What becomes of requests from a prefix: `"allow"`, answered; `"limited"`, answered within the rate
 * limit; `"require-auth"`, answered if authenticated; `"kod"`, told to go away (kiss-o'-death DENY),
 * seldom; `"deny"`, met with silence.
 */
export type AccessAction = "allow" | "limited" | "require-auth" | "kod" | "deny";

/** One rule. The rule with the longest prefix that an address lies in decides. */
export interface AccessRule {
  /**
   * CIDR: `"192.0.2.0/24"`, `"2001:db8::/32"`, or an address alone. An IPv4 rule covers
   * IPv4-mapped IPv6 addresses too; an IPv6 rule covers no IPv4 address, not even `"::/0"`.
   */
  prefix: string;
  /** What becomes of requests from there. */
  action: AccessAction;
}

const ACTIONS: readonly AccessAction[] = ["allow", "limited", "require-auth", "kod", "deny"];

/** A rule as numbers. */
interface Prefix extends IpPrefix {
  readonly text: string;
  readonly action: AccessAction;
}

function parsePrefix(rule: AccessRule, i: number): Prefix {
  const name = `access rule ${i + 1}`;
  if (rule === null) throw new TypeError(`${name} is an object with prefix and action, not null`);
  const { prefix: text, action } = rule;
  if (typeof text !== "string") throw new TypeError(`${name}: prefix is a string, not ${text}`);
  if (!ACTIONS.includes(action)) {
    throw new TypeError(`${name} (${text}): action is one of ${ACTIONS.join(", ")}, not ${action}`);
  }
  const prefix = parseIpPrefix(text);
  if (typeof prefix === "string") {
    throw new RangeError(`${name}: ${JSON.stringify(text)} ${prefix}`);
  }
  return { ...prefix, text, action };
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < 16; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return 0;
}

/** A copy in which each prefix stands before those within it. */
function inOrder(prefixes: readonly Prefix[]): Prefix[] {
  return [...prefixes].sort((a, b) => compareBytes(a.bytes, b.bytes) || a.length - b.length);
}

/** The first address behind a prefix; `undefined` behind the last one of all. */
function addressBehind({ bytes, length }: Prefix): Uint8Array | undefined {
  const next = bytes.slice();
  for (let at = Math.ceil(length / 8) - 1, step = 256 - maskByte(length, at) || 1; at >= 0; at--) {
    const sum = next[at]! + step;
    next[at] = sum;
    if (sum < 256) return next;
    step = 1;
  }
  return undefined;
}

/**
 * Rules by prefix, compiled once into a sorted table of address ranges: a look-up is a binary
 * search over numbers and allocates nothing.
 *
 * @example All of one network but a part of it
 * ```ts
 * import { AccessList, Endpoint } from "@ntps/ntps";
 * import { assertEquals } from "@std/assert";
 *
 * const access = new AccessList([
 *   { prefix: "192.0.2.0/24", action: "allow" },
 *   { prefix: "192.0.2.128/25", action: "deny" },
 * ]);
 * const actionFor = (address: string) => access.actionFor(new Endpoint(address, 123).bytes);
 * assertEquals(actionFor("192.0.2.1"), "allow");
 * assertEquals(actionFor("192.0.2.200"), "deny");
 * assertEquals(actionFor("198.51.100.1"), "deny"); // since something is allowed
 * ```
 */
export class AccessList {
  /** First address of each range, four words each, ascending. */
  readonly #starts: Uint32Array;
  readonly #actions: readonly AccessAction[];
  readonly #words = new Uint32Array(4);
  /** Whether any rule says `"limited"`: then the rate limit is for those only. */
  readonly limitsSome: boolean;

  /**
   * Compiles rules.
   *
   * @param rules in any order: the longest prefix decides
   * @param otherwise action for addresses that no rule covers. Default: `"deny"` if a rule allows
   * something (`allow`, `limited`, `require-auth`), else `"allow"`
   * @throws {TypeError} if a rule has the wrong type
   * @throws {RangeError} if a prefix is no prefix, or if two rules have the same
   */
  constructor(rules: readonly AccessRule[], otherwise?: AccessAction) {
    if (!Array.isArray(rules)) throw new TypeError(`access is a list of rules, not ${rules}`);
    const prefixes = inOrder(rules.map(parsePrefix));
    prefixes.forEach(({ bytes, length, text }, i) => {
      const before = prefixes[i - 1];
      if (before?.length === length && compareBytes(before.bytes, bytes) === 0) {
        throw new RangeError(`Two access rules are for the same prefix: ${before.text}, ${text}`);
      }
    });
    const allowsSome = prefixes.some(({ action }) => action !== "deny" && action !== "kod");
    this.limitsSome = prefixes.some(({ action }) => action === "limited");
    const action = otherwise ?? (allowsSome ? "deny" : "allow");
    const rest = ["::/0", "0.0.0.0/0"].map((prefix, i) => parsePrefix({ prefix, action }, i));
    const ranges = flatten(inOrder([...rest, ...prefixes]));
    this.#actions = ranges.map(({ action }) => action);
    this.#starts = new Uint32Array(4 * ranges.length);
    ranges.forEach(({ start }, i) => {
      for (let w = 0; w < 4; w++) this.#starts[4 * i + w] = readWord(start, 4 * w);
    });
  }

  /**
   * What becomes of requests from an address. Allocates nothing.
   *
   * @param address 16 bytes, IPv4 in its IPv4-mapped form
   */
  actionFor(address: Uint8Array): AccessAction {
    const starts = this.#starts, words = this.#words;
    for (let w = 0; w < 4; w++) words[w] = readWord(address, 4 * w);
    let low = 0, high = this.#actions.length; // the range lies in [low, high)
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      let w = 0;
      while (w < 3 && words[w] === starts[4 * middle + w]) w++;
      if (words[w]! < starts[4 * middle + w]!) high = middle;
      else low = middle;
    }
    return this.#actions[low]!;
  }
}

/** Nested prefixes, each before those within it, as ranges side by side. */
function flatten(prefixes: readonly Prefix[]): { start: Uint8Array; action: AccessAction }[] {
  const ranges: { start: Uint8Array; action: AccessAction }[] = [];
  const open: { action: AccessAction; end: Uint8Array | undefined }[] = [];
  const begin = (start: Uint8Array, action: AccessAction) => {
    const last = ranges.at(-1);
    if (last !== undefined && compareBytes(last.start, start) === 0) ranges.pop();
    ranges.push({ start, action });
  };
  const close = (upTo: Uint8Array | undefined) => {
    for (let inner; (inner = open.at(-1)) !== undefined;) {
      const { end } = inner;
      if (end === undefined || (upTo !== undefined && compareBytes(end, upTo) > 0)) return;
      open.pop();
      begin(end, open.at(-1)!.action);
    }
  };
  for (const prefix of prefixes) {
    close(prefix.bytes);
    begin(prefix.bytes, prefix.action);
    open.push({ action: prefix.action, end: addressBehind(prefix) });
  }
  close(undefined);
  return ranges;
}
