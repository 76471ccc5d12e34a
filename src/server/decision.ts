import type { Endpoint } from "../transport/endpoint.ts";

/**
 * A request as the decision hook sees it, after access rules, rate limit and authentication. All is
 * borrowed: valid until the hook returns.
 */
export interface RequestView {
  /** Where it came from. */
  readonly source: Endpoint;
  /** Protocol version, 1 to 4; 5 where the server has NTPv5. */
  readonly version: number;
  /** Key that authenticated it; 0, none did. */
  readonly keyId: number;
  /** Whether NTS authenticated it. */
  readonly nts: boolean;
  /** The whole datagram. Not to be written. */
  readonly bytes: Uint8Array;
}

/**
 * What a decision hook wants done: serve as usual; drop without a word; kiss (reply with a
 * kiss-o'-death, without the bounds that the server's own kisses have); or adjust the reply, to
 * test how clients take it.
 */
export type Decision =
  | { readonly action: "serve" | "drop"; readonly reason: string }
  | {
    readonly action: "kiss";
    readonly reason: string;
    /** One to four characters, such as `"RATE"`, `"DENY"` or `"RSTR"`. */
    readonly kissCode: string;
  }
  | {
    readonly action: "adjust";
    readonly reason: string;
    /** Changes the reply's header in place, 48 bytes; a MAC is made afterwards. */
    readonly adjust: (reply: Uint8Array) => void;
  };

/**
 * Decides about a request. `undefined` serves it. An exception costs the request its answer, is
 * counted and reported, and ends nothing.
 *
 * @example A server that sends every third client away
 * ```ts
 * import { type DecisionHook, NTPServer } from "@ntps/ntps";
 *
 * let count = 0;
 * const decide: DecisionHook = () =>
 *   ++count % 3 === 0 ? { action: "kiss", kissCode: "DENY", reason: "third" } : undefined;
 * const server = new NTPServer({ decide });
 * ```
 */
export type DecisionHook = (request: RequestView) => Decision | undefined;

const ACTIONS: readonly unknown[] = ["serve", "drop", "kiss", "adjust"];

/**
 * Checks what a hook returned: what it did not mean must not pass for "serve".
 *
 * @param decision what the hook returned
 * @throws {TypeError} if it is no decision
 */
export function checkDecision(decision: unknown): asserts decision is Decision {
  const { action, reason } = (decision ?? {}) as Partial<Decision>;
  if (ACTIONS.includes(action) && typeof reason === "string") return;
  let what = `${String(decision)} with action ${String(action)} and reason ${String(reason)}`;
  if (decision instanceof Promise) {
    decision.catch(() => {}); // a rejection that nobody handles would end the process
    what = "a Promise: it cannot be async";
  }
  throw new TypeError(
    `decide() returns undefined, or an object with a reason and action "serve", "drop", "kiss" or ` +
      `"adjust", not ${what}`,
  );
}
