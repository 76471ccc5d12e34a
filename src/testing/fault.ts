import type { LeapIndicator } from "../packet/leap_indicator.ts";
import { referenceIdFromText } from "../packet/reference_id.ts";
import { checkProbability, checkSpan, type Span } from "./link.ts";

/**
 * What is wrong with a {@linkcode ScriptedServer}, and from when until when. Several may be at once;
 * wrong times add up.
 *
 * Its time is wrong:
 * - `offset`: by a constant, in seconds. `GPS_ROLLOVER` is one that happens.
 * - `drift`: by `rate` seconds for each second since `from`.
 * - `oscillation`: by a sinusoid of `amplitude` and `period` seconds.
 * - `noise`: in each reply by a random time of up to `seconds`, to either side.
 * - `smear`: by a time that grows evenly from 0 at `from` to `seconds` at `until` and stays, as of a
 *   server that smears a leap second; with a reference identifier that says so, `254.x`.
 *
 * It says wrong things of itself:
 * - `leap`: this leap indicator. `stratum`: this stratum, 0 to 255.
 * - `unsynchronized`: leap indicator 3, stratum 0, kiss code INIT.
 * - `root`: this root delay and root dispersion, in seconds.
 * - `reference`: this reference identifier; that of a client's own address makes a loop.
 *
 * It does not answer as it should:
 * - `silent`: not at all, or not with this `probability`.
 * - `kiss`: with a kiss-o'-death, `"RATE"`, `"DENY"`, `"RSTR"` or another.
 * - `origin`: with an origin timestamp that is not the request's.
 * - `mac`: with a digest that is wrong, where there is a MAC.
 * - `tamper`: with what a function makes of the reply; `undefined` is silence. It sees extension
 *   fields and MAC too, and may damage them.
 */
export type Fault =
  & Span
  & (
    | { readonly kind: "offset"; readonly seconds: number }
    | { readonly kind: "drift"; readonly rate: number }
    | { readonly kind: "oscillation"; readonly amplitude: number; readonly period: number }
    | { readonly kind: "noise"; readonly seconds: number }
    | { readonly kind: "smear"; readonly seconds: number; readonly referenceId?: number }
    | { readonly kind: "leap"; readonly leapIndicator: LeapIndicator }
    | { readonly kind: "stratum"; readonly stratum: number }
    | { readonly kind: "unsynchronized" }
    | { readonly kind: "root"; readonly rootDelay?: number; readonly rootDispersion?: number }
    | { readonly kind: "reference"; readonly referenceId: number }
    | { readonly kind: "silent"; readonly probability?: number }
    | { readonly kind: "kiss"; readonly code: string; readonly probability?: number }
    | { readonly kind: "origin" }
    | { readonly kind: "mac" }
    | {
      readonly kind: "tamper";
      readonly tamper: (reply: Uint8Array) => Uint8Array | undefined;
    }
  );

/**
 * By how much receivers of GPS are off that take the week number for that of the wrong 1024 weeks,
 * in seconds.
 *
 * @example A server that tells the time of 19.6 years ago
 * ```ts
 * import { type Fault, GPS_ROLLOVER } from "@ntps/ntps/testing";
 *
 * const fault: Fault = { kind: "offset", seconds: -GPS_ROLLOVER };
 * ```
 */
export const GPS_ROLLOVER: number = 1024 * 7 * 86400;

/** Fields that hold finite numbers, of whatever kind of fault. */
const NUMBERS = [
  "seconds",
  "rate",
  "amplitude",
  "period",
  "stratum",
  "referenceId",
  "leapIndicator",
];
const KINDS: readonly string[] = (
  "offset drift oscillation noise smear leap stratum unsynchronized root reference silent kiss " +
  "origin mac tamper"
).split(" ");

/**
 * Checks a fault.
 *
 * @throws {TypeError} if it is none
 * @throws {RangeError} if something of it is out of range
 */
export function checkFault(fault: Fault): void {
  if (!KINDS.includes(fault?.kind)) {
    throw new TypeError(`A fault has a kind, one of ${KINDS.join(", ")}, not ${fault?.kind}`);
  }
  checkSpan(`fault "${fault.kind}"`, fault);
  for (const name of NUMBERS) {
    if (!(name in fault)) continue;
    const value = (fault as unknown as Record<string, unknown>)[name];
    if (typeof value === "number" && Number.isFinite(value)) continue;
    throw new RangeError(`fault "${fault.kind}": ${name} must be finite, not ${value}`);
  }
  if ("probability" in fault) checkProbability(`fault "${fault.kind}"`, fault.probability ?? 1);
  if (fault.kind === "kiss") referenceIdFromText(fault.code);
  if (fault.kind === "oscillation" && !(fault.period > 0)) {
    throw new RangeError(`fault "oscillation": period must be above 0 s, not ${fault.period}`);
  }
  if (fault.kind === "tamper" && typeof fault.tamper !== "function") {
    throw new TypeError(`fault "tamper": tamper is a function, not ${fault.tamper}`);
  }
}
