/**
 * Why a connection to a key exchange server gave no keys.
 *
 * | failure | what happened |
 * |---|---|
 * | `"handshake"` | TLS did not come about: no TLS 1.3, no `ntske/1`, not TLS at all, or the client did not believe the certificate |
 * | `"early"` | the client closed before its request was complete |
 * | `"timeout"` | the client was too slow |
 * | `"evicted"` | there were too many connections, of all or of its prefix, and it was the oldest |
 * | `"malformed"` | the request was wrong, or too long |
 * | `"critical"` | the request had a critical record of an unknown type |
 * | `"protocol"` | it was not for NTPv4 |
 * | `"aead"` | no algorithm in common |
 * | `"internal"` | a cookie could not be made |
 */
export type KeFailure =
  | "handshake"
  | "early"
  | "timeout"
  | "evicted"
  | "malformed"
  | "critical"
  | "protocol"
  | "aead"
  | "internal";

/** All {@linkcode KeFailure}s. */
export const KE_FAILURES: readonly KeFailure[] = [
  "handshake",
  "early",
  "timeout",
  "evicted",
  "malformed",
  "critical",
  "protocol",
  "aead",
  "internal",
];

/** What a key exchange server has done since it was made. */
export interface KeServerStatistics {
  /** Connections accepted. */
  readonly accepted: number;
  /** Connections there are now. */
  readonly active: number;
  /** Exchanges that gave keys and cookies. */
  readonly answered: number;
  /** Connections that gave none, by reason. */
  readonly failed: Readonly<Record<KeFailure, number>>;
}

/** Counts. */
export class KeCounters {
  accepted = 0;
  answered = 0;
  readonly failed: Record<KeFailure, number> = Object.fromEntries(
    KE_FAILURES.map((failure) => [failure, 0]),
  ) as Record<KeFailure, number>;

  /** The numbers as they are now. */
  snapshot(active: number): KeServerStatistics {
    return {
      accepted: this.accepted,
      active,
      answered: this.answered,
      failed: { ...this.failed },
    };
  }
}
