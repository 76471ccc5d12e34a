import type { Authentication } from "../client/authentication.ts";
import type { LeapIndicator } from "../packet/leap_indicator.ts";
import { formatReferenceId } from "../packet/reference_id.ts";
import { formatTimestamp } from "../packet/timestamp.ts";
import type { NTPSync } from "../sync/ntp_sync.ts";
import type { SourceState } from "../sync/selection.ts";
import type { SyncSourceKind } from "../sync/sync_input.ts";
import type { SyncSourceStatus } from "../sync/sync_hub.ts";
import { type ErrorJson, errorToJson } from "./query_json.ts";

/** A source of the clock. Durations are seconds, rates seconds per second; null: not known. */
export interface SyncSourceJson {
  name: string;
  kind: SyncSourceKind;
  address: string | null;
  port: number | null;
  state: SourceState;
  stratum: number;
  reference: string;
  leapIndicator: LeapIndicator;
  poll: number;
  /** Reach register: the last eight polls, the latest in the lowest bit. */
  reach: number;
  lastAge: number | null;
  offset: number | null;
  deviation: number | null;
  delay: number;
  /** Largest error that its time can have. */
  distance: number | null;
  samples: number;
  setAside: number;
  restarts: number;
  regression: {
    samples: number;
    runs: number;
    span: number;
    frequency: number;
    skew: number | null;
    standardDeviation: number;
  } | null;
  authentication: Authentication | null;
  error: ErrorJson | null;
}

/** The clock and its sources. Durations are seconds, rates seconds per second; null: not known. */
export interface SyncJson {
  /** The right time. */
  time: string;
  /** Largest error that it can have. */
  maxError: number | null;
  synchronized: boolean;
  leapIndicator: LeapIndicator;
  stratum: number;
  reference: string;
  rootDelay: number;
  rootDispersion: number;
  /** What is still to be made good. */
  remaining: number;
  /** Frequency of true time against the raw clock of this computer, and its standard deviation. */
  frequency: number | null;
  frequencyDeviation: number | null;
  sources: SyncSourceJson[];
  /** What keeps sources from beginning. */
  problems: { name: string; error: ErrorJson }[];
}

/** JSON knows finite numbers alone. */
function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

function sourceToJson(source: SyncSourceStatus): SyncSourceJson {
  const { hostname, kind, last, leapIndicator, name, poll, port, reach, regression } = source;
  const { authentication, delay, error, restarts, samples, setAside, state, stratum } = source;
  return {
    ...{ name, kind, address: hostname ?? null, port: port ?? null, state, stratum },
    reference: formatReferenceId(source.referenceId, stratum),
    ...{ leapIndicator, poll, reach, lastAge: last?.age ?? null },
    offset: finite(source.offset),
    deviation: finite(source.deviation),
    delay,
    distance: finite(source.distance),
    ...{ samples, setAside, restarts },
    regression: regression === undefined ? null : {
      samples: regression.samples,
      runs: regression.runs,
      span: regression.span,
      frequency: regression.frequency,
      skew: finite(regression.skew),
      standardDeviation: regression.standardDeviation,
    },
    authentication: authentication ?? null,
    error: error === undefined ? null : errorToJson(error),
  };
}

/** The clock and its sources as JSON. */
export function syncToJson(sync: NTPSync): SyncJson {
  const { clock, frequency, problems, remaining } = sync;
  const state = clock.state(), stratum = state.stratum ?? 16;
  return {
    time: formatTimestamp(clock.now(), clock.unixNanoseconds()),
    maxError: finite(clock.maxError),
    synchronized: state.synchronized,
    leapIndicator: state.leapIndicator,
    stratum,
    reference: formatReferenceId(state.referenceId ?? 0, stratum),
    rootDelay: state.rootDelay,
    rootDispersion: state.rootDispersion,
    remaining,
    frequency: finite(frequency?.value),
    frequencyDeviation: finite(frequency?.deviation),
    sources: sync.sources().map(sourceToJson),
    problems: problems.map(({ name, error }) => ({ name, error: errorToJson(error) })),
  };
}

/** The same as `/status` has it; nothing without a clock. */
export function syncStatus(sync: NTPSync | undefined): { sync?: SyncJson } {
  return sync === undefined ? {} : { sync: syncToJson(sync) };
}
