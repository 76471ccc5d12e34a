import { choice, flag, type Option } from "./option.ts";
import { oneLine, say } from "./say.ts";
import { timeText } from "./sample_text.ts";
import { UsageError } from "./usage_error.ts";
import type { World } from "./world.ts";

/** What is logged, the worst first: each level has all before it. */
export const LOG_LEVELS = ["error", "warning", "notice", "info"] as const;

/** How much a line matters. */
export type LogLevel = typeof LOG_LEVELS[number];

/** How the help says what is logged. */
export const LOG_HELP: string = `
The log: start, end and what becomes of reference clocks (notice) and what is
done (info; error, if some of it failed) on standard output, other warnings and
errors on standard error; with
--log-json all of it on standard output, a JSON object with time, level and
message for each line. Strangers cannot make it grow: what is done is told at
most once a second, and once a minute when it goes on.
`.trim();

/** Values of the options. */
export interface LogValues {
  readonly logLevel: LogLevel | undefined;
  readonly logJson: boolean;
  readonly quiet: boolean;
}

/** Options of the log. */
export const LOG_OPTIONS: {
  readonly logLevel: Option<LogLevel | undefined>;
  readonly logJson: Option<boolean>;
  readonly quiet: Option<boolean>;
} = {
  logLevel: choice({
    value: "LEVEL",
    choices: LOG_LEVELS,
    initial: undefined,
    initialText: "info",
    help: "log only what matters so much: error, warning, notice or info",
  }),
  logJson: flag({ help: "log JSON lines" }),
  quiet: flag({ letter: "q", help: "the same as --log-level notice" }),
};

/**
 * Checks what the options say together.
 *
 * @throws {UsageError} if two of them say how much is logged
 */
export function checkLog({ logLevel, quiet }: LogValues): void {
  if (quiet && logLevel !== undefined) {
    throw new UsageError("--quiet is --log-level notice: leave one of them out");
  }
}

/** What may be said at once, and how many seconds each further line takes. */
const BURST = 60, SECONDS_PER_LINE = 60;

/** Bounds what strangers can bring up: so many lines at once, then one a minute. */
export class LinePace {
  #left = BURST;

  /** Called once a second. */
  tick(): void {
    this.#left = Math.min(BURST, this.#left + 1 / SECONDS_PER_LINE);
  }

  /** Whether a line may be written now; it is counted then. */
  take(): boolean {
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}

/** The log of a server. */
export class ServeLog {
  readonly #name: string;
  readonly #values: LogValues;
  readonly #world: World;
  readonly #pace = new LinePace();
  /** Lines that were left out since the last one. */
  #left = 0;

  /**
   * Writes nothing yet.
   *
   * @param name of the command
   * @param values of the options
   * @param world where it goes to
   */
  constructor(name: string, values: LogValues, world: World) {
    this.#name = name;
    this.#values = values;
    this.#world = world;
  }

  /**
   * Writes a line, if it matters enough.
   *
   * @param level how much it matters
   * @param message one line
   * @param isActivity whether it is one of those that tell what was done, which stay together
   */
  write(level: LogLevel, message: string, isActivity: boolean = false): void {
    const { logJson, logLevel, quiet } = this.#values;
    const least = logLevel ?? (quiet ? "notice" : "info");
    if (LOG_LEVELS.indexOf(level) > LOG_LEVELS.indexOf(least)) return;
    const { clock, stderr, stdout } = this.#world;
    const time = timeText(clock.now());
    if (logJson) {
      stdout.write(`${JSON.stringify({ time, level, message: oneLine(message) })}\n`);
    } else if (!isActivity && (level === "error" || level === "warning")) {
      say(stderr, `${this.#name}: ${message}`);
    } else say(stdout, `${time} ${message}`);
  }

  /** Writes a line that strangers may bring up: not more than {@linkcode LinePace} allows. */
  bounded(level: LogLevel, message: string): void {
    if (!this.#pace.take()) return void this.#left++;
    const rest = this.#left > 0 ? ` (${this.#left} lines before it were left out)` : "";
    this.#left = 0;
    this.write(level, message + rest);
  }

  /** Called once a second. */
  tick(): void {
    this.#pace.tick();
  }
}
