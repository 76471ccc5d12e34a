// A GNSS receiver behind gpsd, on virtual time.

import { addSeconds, timestampToUnixNanoseconds } from "../../src/packet/timestamp.ts";
import type { RefclockWorld } from "../../src/cli/refclock_spec.ts";
import { FakeStream } from "../reference/scene.ts";
import type { FakeWorld } from "./fake_world.ts";

/** Tells each second the time of a world, as gpsd does, from its start on. */
export class FakeReceiver {
  /** What the world reads it by. */
  readonly refclocks: RefclockWorld;
  /** Whether it has a fix. */
  hasFix = true;
  /** How far it is ahead of the world's clock, in seconds. */
  aheadSeconds: number;
  readonly #stream = new FakeStream();
  readonly #world: FakeWorld;

  constructor(world: FakeWorld, aheadSeconds = 0) {
    this.#world = world;
    this.aheadSeconds = aheadSeconds;
    this.refclocks = {
      openStream: this.#stream.open,
      device: { calls: undefined as never, system: world.time },
    };
    this.#tell();
  }

  /** How often it was opened. */
  get opened(): number {
    return this.#stream.opened;
  }

  /** Unplugs it. */
  end(): void {
    this.#stream.end();
  }

  #tell(): void {
    const now = addSeconds(this.#world.time.now(), this.aheadSeconds);
    const time = new Date(Number(timestampToUnixNanoseconds(now) / 1_000_000n)).toISOString();
    const mode = this.hasFix ? 3 : 1;
    this.#stream.send(`${JSON.stringify({ class: "TPV", device: "/dev/a", mode, time })}\n`);
    this.#world.time.after(1000, () => this.#tell());
  }
}
