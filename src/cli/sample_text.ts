import type { Exchange } from "../client/measurement.ts";
import { formatTimestamp } from "../packet/timestamp.ts";
import { Endpoint } from "../transport/endpoint.ts";

const NTP_PORT = 123;

/** An address, with its port where that is not NTP's. */
export function addressText({ hostname, port }: { hostname: string; port: number }): string {
  return port === NTP_PORT ? hostname : `${new Endpoint(hostname, port)}`;
}

/** What shows that a packet is the server's, and which key it is. */
export function authenticationText(
  { authentication, packet }: Pick<Exchange, "authentication" | "packet">,
): string {
  if (authentication === "key") return `key ${packet.mac!.keyId}`;
  return authentication === "nts" ? "NTS" : authentication;
}

/** A time to the second: `2026-11-23T12:00:00Z`. */
export function timeText(timestamp: bigint): string {
  return `${formatTimestamp(timestamp).slice(0, "2026-11-23T12:00:00".length)}Z`;
}
