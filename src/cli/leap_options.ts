import { LeapClock } from "../clock/leap_clock.ts";
import { LeapSeconds } from "../clock/leap_seconds.ts";
import { checkLeapSmear, type LeapSmear } from "../clock/leap_smear.ts";
import { verifyLeapSecondsHash } from "../clock/load_leap_seconds.ts";
import type { Clock } from "../clock/clock.ts";
import { NTPError } from "../packet/error.ts";
import { type Option, text } from "./option.ts";
import { readText } from "./read_text.ts";
import { say } from "./say.ts";
import { asUsage, UsageError } from "./usage_error.ts";
import type { World } from "./world.ts";

/** How the help says what the options mean. */
export const LEAP_HELP: string = `
Leap seconds are announced on their day and happen at its end; FILE of
--leap-seconds says when, a leap-seconds.list, of which Debian keeps one at
/usr/share/zoneinfo/leap-seconds.list. With --smear they are spread over hours
instead: SMEAR is linear or cosine, linear:HOURS if it shall not take 24, half
of them before. Replies then say so (refid 254.x), and clients must not mix
such servers with others.
`.trim();

/** The values of the options. */
export interface LeapValues {
  readonly leapSeconds: string | undefined;
  readonly smear: LeapSmear | undefined;
}

/** What to do about leap seconds. */
export const LEAP_OPTIONS: { [K in keyof LeapValues]: Option<LeapValues[K]> } = {
  leapSeconds: text({
    value: "FILE",
    initial: undefined,
    initialText: "those that this version knows",
    help: "when there are leap seconds",
  }),
  smear: {
    value: "SMEAR",
    initial: undefined,
    help: "smear leap seconds instead of letting them happen",
    read([given], name) {
      const match = /^(linear|cosine)(?::(\d+(?:\.\d+)?)h?)?$/.exec(given!);
      if (match === null) {
        throw new UsageError(
          `${name} is linear or cosine, or with its hours, as linear:20, not "${given}"`,
        );
      }
      const [, shape, hours = "24"] = match;
      const smear = { shape: shape as LeapSmear["shape"], duration: 3600 * Number(hours) };
      return asUsage(() => checkLeapSmear(smear), `${name}: `);
    },
  },
};

/** What was said of leap seconds. */
export interface Leaps {
  readonly leapSeconds?: LeapSeconds;
  readonly leap?: LeapSmear;
}

/**
 * Reads the file, and tells if it is too old.
 *
 * @param values of the options
 * @param command name of the command, for what is told
 * @param world all that it touches
 * @throws {NTPError} if the file cannot be read, or is none
 */
export async function readLeaps(
  { leapSeconds: path, smear }: LeapValues,
  command: string,
  world: World,
): Promise<Leaps> {
  if (path === undefined) return smear === undefined ? {} : { leap: smear };
  const content = await readText(path, world);
  let leapSeconds: LeapSeconds;
  try {
    leapSeconds = LeapSeconds.parse(content);
    await verifyLeapSecondsHash(content);
  } catch (cause) {
    if (!(cause instanceof NTPError)) throw cause;
    throw new NTPError(cause.code, `${path}: ${cause.message}`, { cause });
  }
  if (leapSeconds.isExpired(world.clock.now(), world.clock.unixNanoseconds?.())) {
    say(world.stderr, `${command}: ${path} has expired: it may lack leap seconds; fetch a new one`);
  }
  return { leapSeconds, ...(smear !== undefined && { leap: smear }) };
}

/** The clock of this computer, with leap seconds as was said; itself, if nothing was. */
export function leapingClock(clock: Clock, { leap, leapSeconds }: Leaps): Clock {
  if (leap === undefined && leapSeconds === undefined) return clock;
  return new LeapClock({ clock, ...(leapSeconds && { leapSeconds }), ...(leap && { leap }) });
}
