import { timestampToWords } from "../../src/packet/mod.ts";
import { DROP_REASONS, type DropReason } from "../../src/server/drop_reason.ts";
import { Responder, type ResponderOptions } from "../../src/server/responder.ts";
import type { SystemVariables } from "../../src/server/system_variables.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";

export const ARRIVAL = 0xecb1_0000_1000_0000n;
export const TRANSMIT = 0xecb1_0000_1000_2000n;

export const VARIABLES: SystemVariables = {
  leapIndicator: 1,
  stratum: 1,
  precision: -23,
  rootDelay: 0.25,
  rootDispersion: 0.5,
  referenceId: 0x47505300,
  referenceTimestamp: 0xecb0_ffff_0000_0000n,
};

/** A responder that is asked at `ARRIVAL` and replies at `TRANSMIT`, unless told otherwise. */
export function makeResponder(options: Partial<ResponderOptions> = {}): Responder {
  return new Responder({
    clock: { read: (into) => timestampToWords(TRANSMIT, into) },
    variables: () => VARIABLES,
    ...options,
  });
}

export const SOURCE: Endpoint = new Endpoint("192.0.2.7", 40123);

export function words(timestamp: bigint): Uint32Array {
  const into = new Uint32Array(2);
  timestampToWords(timestamp, into);
  return into;
}

/** How to ask; all has defaults. */
export interface Asking {
  responder?: Responder;
  source?: Endpoint;
  arrival?: bigint;
}

/** The reply, or the name of the reason for silence. */
export function ask(
  request: Uint8Array,
  { responder = makeResponder(), source = SOURCE, arrival = ARRIVAL }: Asking = {},
): Uint8Array | DropReason {
  const reply = new Uint8Array(request.length + 64);
  const outcome = responder.respond(request, request.length, source, words(arrival), reply);
  return outcome > 0 ? reply.slice(0, outcome) : DROP_REASONS[-outcome - 1]!;
}
