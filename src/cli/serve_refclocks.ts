import type { Clock } from "../clock/clock.ts";
import { formatReferenceId } from "../packet/reference_id.ts";
import type { ReferenceClock } from "../reference/reference_clock.ts";
import { NTPSync } from "../sync/ntp_sync.ts";
import { LateClock } from "./late_clock.ts";
import { formatSeconds } from "./quantity.ts";
import type { Leaps } from "./leap_options.ts";
import type { Refclock } from "./refclock_spec.ts";
import type { World } from "./world.ts";

/** Whether the first reading of a clock is still awaited: that is told at the start. */
const UNHEARD = new Set(["not started", "nothing heard yet"]);

/** A reference clock, and what the log last said of it. */
interface Member {
  readonly name: string;
  readonly clock: ReferenceClock;
  told: string;
}

/** See {@linkcode ServeRefclocks.start}. */
interface FollowOptions {
  readonly maxHoldoverMs: number | undefined;
  readonly leaps: Leaps;
  readonly signal: AbortSignal;
}

/** The reference clocks of `ntps serve`, and the clock that follows them. */
export class ServeRefclocks {
  /** The time to serve; not synchronised until a reference clock has told it. */
  readonly clock: Clock;
  readonly #late: LateClock;
  readonly #members: readonly Member[];
  readonly #world: World;
  #sync: NTPSync | undefined;
  #told = "";
  #ended: Promise<void> | undefined;

  /**
   * Makes them; they do nothing before {@linkcode ServeRefclocks.start}.
   *
   * @param refclocks which there shall be
   * @param world all that they touch
   */
  constructor(refclocks: readonly Refclock[], world: World) {
    this.clock = this.#late = new LateClock(world.clock);
    this.#world = world;
    this.#members = refclocks.map(({ name, make }) => ({
      name,
      clock: make(world.refclocks),
      told: "",
    }));
  }

  /**
   * Begins to read them, and goes on until the signal fires. The time may come much later.
   *
   * @param options `maxHoldoverMs`, how long to serve without any; `leaps`, what to do about leap
   * seconds; `signal`, ends it
   */
  start(options: FollowOptions): void {
    this.#ended = this.#follow(options);
  }

  /** What follows them, once there has been time. */
  get sync(): NTPSync | undefined {
    return this.#sync;
  }

  /** When all is over, after the signal has fired. */
  get ended(): Promise<void> | undefined {
    return this.#ended;
  }

  /** What there is, for the line that begins the log. */
  describe(): string {
    const names = this.#members.map(({ name }) => name);
    return `reference clock${names.length > 1 ? "s" : ""} ${names.join(", ")}`;
  }

  /** What is new since this was last asked: of each clock, and of what is served. */
  take(): string[] {
    const parts: string[] = [];
    for (const member of this.#members) {
      const { locked, reason } = member.clock.status();
      const now = locked ? "locked" : UNHEARD.has(reason) ? "" : `not locked: ${reason}`;
      if (now !== member.told) parts.push(`${member.name} ${now === "" ? "not heard" : now}`);
      member.told = now;
    }
    const served = this.#served();
    if (served !== this.#told) parts.push(`${served}${this.#error()}`);
    this.#told = served;
    return parts;
  }

  async #follow({ leaps, maxHoldoverMs, signal }: FollowOptions): Promise<void> {
    const { bind, syncOptions, timers } = this.#world;
    try {
      this.#sync = await NTPSync.start({
        ...syncOptions,
        ...{ bind, timers, signal, ...leaps },
        inputs: this.#members.map(({ clock }) => clock),
        timeoutMs: Infinity,
        ...(maxHoldoverMs !== undefined && { maxHoldover: maxHoldoverMs / 1000 }),
      });
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    this.#late.become(this.#sync.clock);
    if (!signal.aborted) {
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    }
    await this.#sync.close();
  }

  /** What is served; nothing before there is any time. */
  #served(): string {
    if (this.#sync === undefined) return "";
    const { synchronized, stratum = 16, referenceId = 0 } = this.#late.state();
    if (!synchronized) return "not synchronised";
    const isHeld = this.#members.every(({ clock }) => !clock.status().locked);
    return isHeld
      ? "holdover"
      : `stratum ${stratum}, reference ${formatReferenceId(referenceId, stratum)}`;
  }

  #error(): string {
    const { maxError } = this.#sync!.clock;
    return Number.isFinite(maxError) ? ` ± ${formatSeconds(maxError)}` : "";
  }
}
