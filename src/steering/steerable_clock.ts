import type { LeapIndicator } from "../packet/leap_indicator.ts";

/** What is changed of a system clock; what is absent stays. */
export interface Adjustment {
  /** How much faster it shall run than its hardware, in seconds per second, -0.0005 to 0.0005. */
  readonly frequency?: number;
  /** What to add to its time at once, in seconds. */
  readonly step?: number;
  /** The most that it is wrong, in seconds: programs can ask for it. */
  readonly maxError?: number;
  /** How wrong it is, more or less, in seconds. */
  readonly estimatedError?: number;
  /** Whether it is kept right, and what leap second it is to make; `3`, nobody keeps it right. */
  readonly leapIndicator?: LeapIndicator;
}

/** How a system clock is being steered. */
export interface SteeringState {
  /** How much faster it runs than its hardware, in seconds per second, by its frequency. */
  readonly frequency: number;
  /** The same, by its tick: a coarser screw, which some programs turn and steering leaves alone. */
  readonly tickFrequency: number;
  /** Whether somebody says that it is right. */
  readonly synchronized: boolean;
  /** Whether the kernel's own loop is at work for somebody. */
  readonly kernelLoop: boolean;
  /** The most that it is wrong, as somebody has said, in seconds. */
  readonly maxError: number;
}

/** A clock of an operating system. */
export interface SteerableClock {
  /** Its time: an NTP timestamp. */
  now(): bigint;
  /** How it is being steered. Changes nothing. */
  state(): SteeringState;
  /**
   * Changes it.
   *
   * @throws {NTPError} `permission` or `system`
   */
  adjust(adjustment: Adjustment): void;
}
