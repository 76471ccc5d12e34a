import type { RateLimitOptions } from "../server/rate_limit_options.ts";
import { RateLimiter } from "../server/rate_limiter.ts";
import { type Option, readDuration } from "./option.ts";
import { UsageError } from "./usage_error.ts";

/** How the help says what the value of the option is. */
export const RATE_LIMIT_HELP: string = `
LIMIT is INTERVAL[,BURST[,LEAK]]. An address is answered once in INTERVAL, which
is a number of seconds or has a unit (500ms, 2min), and after a pause BURST
times at once; a whole /24 of IPv4 or /64 of IPv6, 16 times as often. Above that
it is told to slow down (kiss-o'-death RATE), seldom, or not answered; but for a
share of LEAK, at random: clients in whose name somebody else floods the server
shall still get answers. --rate-limit alone has the recommended values, those of
--rate-limit=8,8,0.25.
`.trim();

/** The least that the library takes: what is checked here is thrown away. */
const CAPACITY = 1024;

function readRateLimit(given: string, name: string): RateLimitOptions {
  const [, interval, burst, leak] = /^([^,]+)(?:,(\d+)(?:,(\d*\.?\d+))?)?$/.exec(given) ?? [];
  const seconds = readDuration(interval ?? "") / 1000;
  if (Number.isNaN(seconds)) {
    throw new UsageError(
      `${name} is INTERVAL[,BURST[,LEAK]], such as ${name}=8 or ${name}=8,8,0.25, not "${given}"`,
    );
  }
  const options: RateLimitOptions = {
    interval: seconds,
    ...(burst !== undefined && { burst: Number(burst) }),
    ...(leak !== undefined && { leak: Number(leak) }),
  };
  try {
    new RateLimiter({ ...options, capacity: CAPACITY });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(`${name}: ${error.message.replace("rateLimit.", "")}`);
  }
  return options;
}

/** The option that says how often clients are answered. */
export const rateLimit: Option<RateLimitOptions | undefined> = {
  value: "LIMIT",
  bare: "",
  initial: undefined,
  initialText: "no limit",
  help: "how often an address is answered",
  read: ([given], name) => given === "" ? {} : readRateLimit(given!, name),
};
