import { NTPError } from "../packet/error.ts";
import { abortedError } from "../transport/aborted_error.ts";
import { ClockWatch } from "./clock_watch.ts";
import type { DisciplinedClock } from "./disciplined_clock.ts";
import {
  type CheckedSyncOptions,
  checkInput,
  checkSyncOptions,
  type NTPSyncOptions,
} from "./ntp_sync_options.ts";
import { SyncEngine } from "./sync_engine.ts";
import { SyncHub, type SyncSourceStatus } from "./sync_hub.ts";
import type { SyncInput } from "./sync_input.ts";

/** Longest time between two looks at the clock, in seconds. */
const TICK = 60;
/** How much later than a leap second to look, in seconds, so that it has come for certain. */
const LATE = 0.001;
const DAY = 86400;
/** Longest time that timers can wait, in milliseconds. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * A clock that is right: it follows servers, pools and other sources, without anything else on the
 * machine being changed.
 *
 * @example The right time in an application
 * ```ts
 * import { NTPServer, NTPSync } from "@ntps/ntps";
 * import { assert } from "@std/assert";
 *
 * const server = new NTPServer({ refid: "GPS", stratum: 1 });
 * const { hostname, port } = await server.listen({ hostname: "127.0.0.1", port: 0 });
 *
 * const sync = await NTPSync.start({ servers: [{ hostname, port }] });
 * console.log(`${sync.clock.date().toISOString()}, give or take ${sync.clock.maxError} s`);
 * assert(sync.clock.maxError < 0.1);
 * await sync.close();
 * await server.close();
 * ```
 */
export class NTPSync implements AsyncDisposable {
  /** The clock that is kept right. */
  readonly clock: DisciplinedClock;
  readonly #engine: SyncEngine;
  readonly #hub: SyncHub;
  readonly #inputs = new Set<SyncInput>();
  readonly #ending = new AbortController();
  readonly #timers: CheckedSyncOptions["timers"];
  #cancelTick = (): void => {};
  #endListening = (): void => {};

  /**
   * Begins to follow servers, and waits until the clock is set: until a majority of the sources agree
   * that have answered, or may still do so within a few seconds.
   *
   * @param options whom to follow; the rest is optional
   * @returns when the clock is set; it is kept right until {@linkcode NTPSync.close}
   * @throws {TypeError} if an option has the wrong type, or there is nobody to follow
   * @throws {RangeError} if an option is out of range
   * @throws {NTPError} `timeout`, with what is wrong with each source; `aborted`; `closed`
   */
  static async start(options: NTPSyncOptions): Promise<NTPSync> {
    const checked = checkSyncOptions(options);
    const { signal } = checked;
    if (signal?.aborted) throw abortedError("setting the clock", signal);
    const ownAddresses = await checked.ownAddresses();
    let cancelTimeout = (): void => {}, onAbort = (): void => {};
    let sync: NTPSync | undefined;
    try {
      return await new Promise<NTPSync>((resolve, reject) => {
        onAbort = () => reject(abortedError("setting the clock", signal!));
        if (signal?.aborted) return onAbort();
        signal?.addEventListener("abort", onAbort);
        const begun: NTPSync = sync = new NTPSync(
          options,
          checked,
          ownAddresses,
          () => resolve(begun),
        );
        begun.#ending.signal.addEventListener("abort", () => {
          reject(new NTPError("closed", "The synchronisation was closed before the clock was set"));
        }, { once: true });
        const { timeoutMs } = checked;
        if (timeoutMs <= MAX_TIMER_MS) {
          cancelTimeout = checked.timers.after(timeoutMs, () => reject(begun.#failure(timeoutMs)));
        }
        begun.#begin(checked);
      });
    } catch (error) {
      await sync?.close();
      throw error;
    } finally {
      cancelTimeout();
      signal?.removeEventListener("abort", onAbort);
    }
  }

  private constructor(
    options: NTPSyncOptions,
    checked: CheckedSyncOptions,
    ownAddresses: readonly string[],
    onStart: () => void,
  ) {
    const { clock, timers, wallMs } = checked;
    this.#timers = timers;
    this.#engine = new SyncEngine({ ...options, clock, timers });
    this.clock = this.#engine.clock;
    const tell = (event: ((sync: NTPSync) => void) | undefined): () => void => () => {
      if (event === undefined || this.#ending.signal.aborted) return;
      try {
        event(this);
      } catch (error) {
        this.#tellError(options, error);
      }
    };
    this.#hub = new SyncHub(this.#engine, {
      ...checked,
      ownAddresses,
      signal: this.#ending.signal,
      watch: wallMs === undefined ? undefined : new ClockWatch(clock, wallMs),
      onUpdate: tell(options.onUpdate),
      onChange: tell(options.onChange),
      onStart,
      onDisturbance: () => {
        for (const input of this.#inputs) input.burst?.();
      },
    });
  }

  /**
   * Frequency of true time against the raw clock, in seconds per second, and its standard deviation:
   * what to give as `frequency` at the next start. Undefined before the clock is set.
   */
  get frequency(): { readonly value: number; readonly deviation: number } | undefined {
    return this.#engine.frequency;
  }

  /** What the clock still makes good by running faster (positive) or slower, in seconds. */
  get remaining(): number {
    return this.#engine.remaining;
  }

  /** What keeps sources from beginning, such as a name without address. */
  get problems(): readonly { readonly name: string; readonly error: Error }[] {
    return this.#hub.problems;
  }

  /** What is known of each source, in the order in which they came. */
  sources(): SyncSourceStatus[] {
    return this.#hub.sources();
  }

  /**
   * Adds a source.
   *
   * @param input made by `serverInput()`, `poolInput()` and the like; not in use already
   * @throws {TypeError} if it is no input
   * @throws {NTPError} `closed` after {@linkcode NTPSync.close}
   */
  add(input: SyncInput): void {
    checkInput(input);
    if (this.#ending.signal.aborted) {
      throw new NTPError("closed", "The synchronisation was closed: start another one");
    }
    if (this.#inputs.has(input)) return;
    this.#inputs.add(input);
    input.start(this.#hub);
  }

  /**
   * Removes a source. The clock goes on as it is until the next sample of another.
   *
   * @param input what was added
   * @returns when its sockets are closed
   */
  async remove(input: SyncInput): Promise<void> {
    if (!this.#inputs.delete(input)) return;
    await input.close();
    this.#hub.problem(input, "", undefined);
  }

  /**
   * Follows nobody any more. The clock goes on at the rate that it has, and its bounds grow. Calling
   * it again is harmless.
   */
  async close(): Promise<void> {
    this.#ending.abort();
    this.#cancelTick();
    this.#endListening();
    const inputs = [...this.#inputs];
    this.#inputs.clear();
    await Promise.all(inputs.map((input) => input.close()));
  }

  /** {@linkcode NTPSync.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #begin({ inputs, signal }: CheckedSyncOptions): void {
    const onAbort = (): void => void this.close();
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#endListening = () => signal?.removeEventListener("abort", onAbort);
    // None is waited for any less than another.
    const endExpectation = this.#hub.expect(inputs.length);
    for (const input of inputs) this.add(input);
    endExpectation();
    this.#tick();
  }

  /** Looks at the clock once a minute, and right after a leap second may have come. */
  #tick(): void {
    this.#engine.tick();
    this.#hub.look();
    this.#cancelTick = this.#timers.after(this.#untilTick() * 1000, () => this.#tick());
  }

  #untilTick(): number {
    const milliseconds = this.clock.unixNanoseconds() / 1_000_000n;
    const ofDay = Number(milliseconds % BigInt(DAY * 1000)) / 1000;
    const deletion = DAY - 1 - ofDay; // a second that is deleted is the last of the day
    const next = deletion >= 0 ? deletion : DAY - ofDay;
    return Math.min(TICK, next + LATE);
  }

  #failure(timeoutMs: number): NTPError {
    const silent = this.#hub.sources().map(({ name, hostname, error, state }) => {
      const who = hostname === undefined || hostname === name ? name : `${name} (${hostname})`;
      return `${who}: ${error?.message ?? `no answer yet, ${state}`}`;
    });
    const missing = this.#hub.problems.map(({ name, error }) => `${name}: ${error.message}`);
    const what = [...silent, ...missing].join("; ");
    return new NTPError("timeout", `The clock could not be set within ${timeoutMs} ms. ${what}`);
  }

  #tellError({ onError }: NTPSyncOptions, thrown: unknown): void {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    if (onError !== undefined) return onError(error);
    this.#timers.after(0, () => {
      throw error;
    });
  }
}
