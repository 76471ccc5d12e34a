import { SteadyClock } from "../clock/steady_clock.ts";
import { NTPError } from "../packet/error.ts";
import { maySetTime } from "../steering/capability.ts";
import { ClockSteering, type SteeringAction } from "../steering/clock_steering.ts";
import type { SteerableClock } from "../steering/steerable_clock.ts";
import { openSystemTime } from "../steering/system_time.ts";
import type { NTPSync } from "../sync/ntp_sync.ts";
import type { NTPSyncOptions } from "../sync/ntp_sync_options.ts";
import { duration, flag, type Option, whole } from "./option.ts";
import { formatSeconds } from "./quantity.ts";
import { UsageError } from "./usage_error.ts";
import type { World } from "./world.ts";

/** How the help says what steering is. */
export const STEER_HELP: string = `
With --steer the clock of this computer is made to follow (Linux, with the right
to set it, CAP_SYS_TIME; no other program may do the same): faster or slower by
0.05 % at most, and set once at most, if it is off by more than --step.
--dry-run changes nothing, and tells what would be done.
`.trim();

/** The values of the options. */
export interface SteerValues {
  readonly steer: boolean;
  readonly dryRun: boolean;
  readonly step: number | undefined;
  readonly maxSteps: number | undefined;
  readonly panic: number | undefined;
}

/** How to steer the clock of this computer. */
export const STEER_OPTIONS: { [K in keyof SteerValues]: Option<SteerValues[K]> } = {
  steer: flag({ help: "steer the clock of this computer" }),
  dryRun: flag({ help: "with --steer: tell what would be done, and change nothing" }),
  step: duration({
    positive: true,
    initial: undefined,
    initialText: "1s",
    help: "with --steer: set the clock if it is off by more",
  }),
  maxSteps: whole({
    value: "COUNT",
    least: 0,
    most: 1_000_000,
    initial: undefined,
    initialText: "1",
    help: "with --steer: how often it may be set",
  }),
  panic: duration({
    positive: true,
    initial: undefined,
    initialText: "1000s",
    help: "with --steer: give up if the clock is off by more",
  }),
};

/** What is steered, and the clock beside it that steering does not touch. */
export interface SteeredSystem {
  readonly system: SteerableClock;
  readonly syncOptions: Pick<NTPSyncOptions, "clock" | "wallMs">;
}

/** What steering is done with; tests pass another one. */
export interface SteerWorld {
  /** Opens the clock of this computer. */
  open(readOnly: boolean): Promise<SteeredSystem>;
}

const MACHINE: SteerWorld = {
  async open(readOnly) {
    const system = await openSystemTime({ readOnly });
    const clock = new SteadyClock({ monotonicMs: () => system.rawMs() });
    return { system, syncOptions: { clock, wallMs: () => system.bootMs() } };
  },
};

/** Steering that is asked for. */
export interface Steering {
  /** What the synchronisation must be given. */
  readonly syncOptions: Pick<NTPSyncOptions, "clock" | "wallMs">;
  /** Begins it. */
  begin(sync: NTPSync, fail: (error: unknown) => void): void;
  /** Ends it. */
  end(): void;
}

/**
 * Makes ready to steer.
 *
 * @param values values of the options
 * @param world where
 * @param tell is told what is done
 * @returns `undefined` if it is not asked for
 * @throws {UsageError} if the options make no sense
 * @throws {NTPError} `permission` or `unsupported`
 */
export async function openSteering(
  values: SteerValues,
  world: World,
  tell: (line: string) => void,
): Promise<Steering | undefined> {
  const { steer, dryRun, step, maxSteps, panic } = values;
  if (!steer) {
    const limits = { "--dry-run": dryRun || undefined, "--step": step, "--max-steps": maxSteps };
    for (const [name, value] of Object.entries({ ...limits, "--panic": panic })) {
      if (value !== undefined) throw new UsageError(`${name} is for --steer, which is not there`);
    }
    return undefined;
  }
  if (!dryRun) await checkPermission(world);
  const { system, syncOptions } = await (world.steering ?? MACHINE).open(dryRun);
  const { synchronized, kernelLoop } = system.state();
  if (synchronized || kernelLoop) {
    tell("another program seems to steer the system clock already: end it, or they will fight");
  }
  const log = new ActionLog(dryRun, tell);
  let steering: ClockSteering | undefined;
  return {
    syncOptions,
    begin(sync, fail) {
      steering = new ClockSteering({
        reference: sync.clock,
        system,
        dryRun,
        timers: world.timers,
        ...(step !== undefined && { stepThreshold: step / 1000 }),
        ...(maxSteps !== undefined && { maxSteps }),
        ...(panic !== undefined && { panicThreshold: panic / 1000 }),
        onAction: (action) => log.add(action),
        onError: fail,
      });
      steering.start();
    },
    end: () => steering?.close(),
  };
}

/** Refuses before anything starts; where nothing is told, the kernel decides. */
async function checkPermission(world: World): Promise<void> {
  let status: string;
  try {
    status = new TextDecoder().decode(await world.readFile("/proc/self/status"));
  } catch {
    return; // elsewhere than on Linux
  }
  if (maySetTime(status) !== false) return;
  throw new NTPError(
    "permission",
    "--steer needs the right to set the clock, CAP_SYS_TIME, which this process lacks: run it as " +
      "root on the host itself, with AmbientCapabilities=CAP_SYS_TIME under systemd, or with " +
      "--cap-add SYS_TIME in a container; --dry-run needs none",
  );
}

/** Actions between two lines while nothing else happens: a minute. */
const QUIET = 60;

/** Tells of what is done: at once of what is new, else once a minute. */
class ActionLog {
  readonly #dryRun: boolean;
  readonly #tell: (line: string) => void;
  #kind: string | undefined;
  #count = 0;

  constructor(dryRun: boolean, tell: (line: string) => void) {
    this.#dryRun = dryRun;
    this.#tell = tell;
  }

  add({ kind, offset, frequency }: SteeringAction): void {
    const isNews = kind !== this.#kind || kind === "step";
    this.#kind = kind;
    if (!isNews && ++this.#count % QUIET !== 0) return;
    const rate = `${(frequency * 1e6).toFixed(3)} ppm`;
    const would = this.#dryRun ? "would " : "";
    if (kind === "hold") this.#tell(`the time is not known: ${would}keep ${rate}`);
    else if (kind === "step") {
      this.#tell(`${would}set the system clock by ${formatSeconds(offset)}`);
    } else this.#tell(`off by ${formatSeconds(offset)}: ${would}run at ${rate}`);
  }
}
