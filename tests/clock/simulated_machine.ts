import type { WallSource } from "../../src/clock/wall_source.ts";

/** What a {@linkcode SimulatedMachine} is like. */
export interface SimulatedMachineOptions {
  /** Unix second at which the wall clock begins. Default 2026-11-23T12:00:00Z. */
  unixSeconds?: number;
  /** Step of the wall clock's readings, ms. Default 0.001. */
  resolutionMs?: number;
  /** How long each reading of a clock takes, ms. Default 0.0001. */
  readingMs?: number;
  /** How much faster the wall clock runs than the monotonic one, s/s. Default 0. */
  drift?: number;
}

/** A machine whose monotonic and wall clock are made up; time passes by reading them or `wait`. */
export class SimulatedMachine {
  readonly unixSeconds: number;
  readonly #readingMs: number;
  readonly #drift: number;
  #monotonic = 1234.5678;
  /** The exact wall clock, in milliseconds after `unixSeconds`. */
  #wall = 0.4321;
  /** How often the wall clock was read. */
  wallReadings = 0;
  /** Called before each reading of the wall clock, with its number. */
  onWallReading: (reading: number) => void = () => {};

  readonly wall: WallSource;

  constructor(options: SimulatedMachineOptions = {}) {
    const { unixSeconds = 1795435200, resolutionMs = 0.001, readingMs = 0.0001, drift = 0 } =
      options;
    this.unixSeconds = unixSeconds;
    this.#readingMs = readingMs;
    this.#drift = drift;
    this.wall = {
      resolutionMs,
      millisecondsSince: (second) => {
        this.onWallReading(this.wallReadings++);
        this.wait(readingMs / 2);
        const ticks = Math.floor(this.#wall / resolutionMs);
        this.wait(readingMs / 2);
        return (unixSeconds - second) * 1000 + ticks * resolutionMs;
      },
    };
  }

  readonly monotonicMs = (): number => {
    this.wait(this.#readingMs);
    return this.#monotonic;
  };

  /** Lets time pass. */
  wait(milliseconds: number): void {
    this.#monotonic += milliseconds;
    this.#wall += milliseconds * (1 + this.#drift);
  }

  /** Sets the wall clock, or suspends a machine whose monotonic clock then stands still. */
  step(milliseconds: number): void {
    this.#wall += milliseconds;
  }

  /** By how many milliseconds a reading of two words, just taken, is ahead of the wall clock. */
  errorMs(words: Uint32Array): number {
    const seconds = (words[0]! - this.unixSeconds - 2208988800) | 0;
    return seconds * 1000 + words[1]! / 2 ** 32 * 1000 - this.#wall;
  }
}

/** A stream of numbers in [0, 1), the same for the same seed. */
export function randomNumbers(seed: number): () => number {
  return () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 32;
  };
}
