import type { LeapIndicator } from "../../packet/leap_indicator.ts";
import type { PrefixCount } from "../../server/top_prefixes.ts";
import type { RateLimiterOccupancy } from "../../server/statistics.ts";
import type { SyncSourceStatus } from "../../sync/sync_hub.ts";
import type { MetricsInput } from "../metrics_text.ts";

/** A source of the clock as the page shows it; durations are seconds, null where not known. */
export interface PageSource {
  readonly name: string;
  readonly address: string | null;
  readonly state: string;
  readonly stratum: number;
  readonly reach: number;
  readonly poll: number;
  readonly offset: number | null;
  readonly deviation: number | null;
  readonly delay: number | null;
  readonly distance: number | null;
}

/** Everything that the page shows, at a moment. Counts are since the server began. */
export interface PagePoint {
  /** When, in Unix milliseconds. */
  readonly at: number;
  readonly server: {
    readonly received: number;
    readonly answered: number;
    readonly kissed: number;
    readonly dropped: Readonly<Record<string, number>>;
    readonly prefixes: readonly PrefixCount[] | null;
    readonly rateLimiter: RateLimiterOccupancy | null;
  } | null;
  readonly clock: {
    readonly synchronized: boolean;
    readonly stratum: number | null;
    readonly leap: LeapIndicator;
    /** Most that it can be wrong, in seconds. */
    readonly error: number | null;
    /** What it still makes good, in seconds. */
    readonly remaining: number | null;
  } | null;
  readonly sources: readonly PageSource[];
}

function known(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

function sourceOf(source: SyncSourceStatus): PageSource {
  const { name, hostname, state, stratum, reach, poll } = source;
  const { offset, deviation, delay, distance } = source;
  return {
    ...{ name, address: hostname ?? null, state, stratum, reach, poll },
    offset: known(offset),
    deviation: known(deviation),
    delay: known(delay),
    distance: known(distance),
  };
}

/**
 * What the page shows of a moment.
 *
 * @param input what metrics are made of
 * @param at when, in Unix milliseconds
 */
export function pagePoint({ server, clock, sync }: MetricsInput, at: number): PagePoint {
  const state = clock ?? sync?.clock.state();
  return {
    at,
    server: server === undefined ? null : {
      received: server.received,
      answered: server.answered,
      kissed: server.kissed + server.cryptoNaks + server.ntsNaks,
      dropped: server.dropped,
      prefixes: server.prefixes ?? null,
      rateLimiter: server.rateLimiter ?? null,
    },
    clock: state === undefined ? null : {
      synchronized: state.synchronized,
      stratum: known(state.stratum),
      leap: state.leapIndicator,
      error: known(sync?.clock.maxError ?? state.rootDelay / 2 + state.rootDispersion),
      remaining: known(sync?.remaining),
    },
    sources: sync?.sources().map(sourceOf) ?? [],
  };
}
