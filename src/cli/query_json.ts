import type { Authentication } from "../client/authentication.ts";
import type { QueryResult, Sample } from "../client/query.ts";
import { NTPError } from "../packet/error.ts";
import { addSeconds, formatTimestamp } from "../packet/timestamp.ts";
import type { Host } from "./host.ts";
import { type PacketJson, packetToJson } from "./packet_json.ts";

/** What went wrong: the code of an `NTPError`, or "error", and a sentence. */
export interface ErrorJson {
  code: string;
  message: string;
}

/** One exchange of a burst. Durations are seconds. */
export interface SampleJson {
  /** The right time when the reply arrived. */
  time: string;
  offset: number;
  delay: number;
  dispersion: number;
  rootDistance: number;
}

/** A host that gave the time: the names of `QueryResult`, durations in seconds. */
export interface AnswerJson extends SampleJson {
  host: string;
  ok: true;
  address: string;
  port: number;
  /** `time` in nanoseconds since 1970: a string, since a JSON number would lose digits. */
  unixNanoseconds: string;
  jitter: number;
  /** What shows that the answer is the server's. */
  authentication: Authentication;
  packet: PacketJson;
  samples: SampleJson[];
  attempts: { address: string; error: ErrorJson | null }[];
}

/** A host that did not. */
export interface FailureJson {
  host: string;
  ok: false;
  error: ErrorJson;
}

/** An error as JSON. */
export function errorToJson(error: unknown): ErrorJson {
  const message = error instanceof Error ? error.message : String(error);
  return { code: error instanceof NTPError ? error.code : "error", message };
}

/**
 * A sample as JSON.
 *
 * @param sample an exchange and what it says of the clock
 * @param pivot Unix nanoseconds: times are of the era nearest to it
 */
export function sampleToJson(sample: Sample, pivot: bigint): SampleJson {
  return {
    time: formatTimestamp(addSeconds(sample.destinationTimestamp, sample.offset), pivot),
    offset: sample.offset,
    delay: sample.delay,
    dispersion: sample.dispersion,
    rootDistance: sample.rootDistance,
  };
}

/** The answer of a host as JSON. */
export function answerToJson(host: Host, result: QueryResult): AnswerJson {
  const pivot = result.unixNanoseconds;
  return {
    host: host.text,
    ok: true,
    address: result.hostname,
    port: result.port,
    ...sampleToJson(result, pivot),
    unixNanoseconds: result.unixNanoseconds.toString(),
    jitter: result.jitter,
    authentication: result.authentication,
    packet: packetToJson(result.packet, pivot),
    samples: result.samples.map((sample) => sampleToJson(sample, pivot)),
    attempts: result.attempts.map(({ hostname, error }) => ({
      address: hostname,
      error: error === undefined ? null : errorToJson(error),
    })),
  };
}

/** The failure of a host as JSON. */
export function failureToJson(host: Host, error: unknown): FailureJson {
  return { host: host.text, ok: false, error: errorToJson(error) };
}
