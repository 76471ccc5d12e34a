import type { PeerSample } from "../association/events.ts";
import type { Authentication } from "../client/authentication.ts";
import { type PacketJson, packetToJson } from "./packet_json.ts";
import { type SampleJson, sampleToJson } from "./query_json.ts";

/** A broadcast that gave a sample: durations in seconds. */
export interface BroadcastJson extends SampleJson {
  address: string;
  port: number;
  /** What shows that the broadcast is the server's. */
  authentication: Authentication;
  packet: PacketJson;
}

/**
 * A broadcast as JSON.
 *
 * @param sample what it says of the clock
 * @param pivot Unix nanoseconds: times are of the era nearest to it
 */
export function broadcastToJson(sample: PeerSample, pivot: bigint): BroadcastJson {
  return {
    address: sample.hostname,
    port: sample.port,
    ...sampleToJson(sample, pivot),
    authentication: sample.authentication,
    packet: packetToJson(sample.packet, pivot),
  };
}
