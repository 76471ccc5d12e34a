import { DROP_REASONS, type DropReason } from "./drop_reason.ts";

/** What a server has done since it was made. `received` is the sum of all the others. */
export interface ServerStatistics {
  /** Datagrams received. */
  readonly received: number;
  /** Requests answered. */
  readonly answered: number;
  /** Datagrams not answered, by reason. */
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** Errors of sockets and of the clock; they cost no datagram that is not counted above. */
  readonly errors: number;
}

/** Counts what becomes of datagrams. */
export class ServerCounters {
  /** At 0 the answers, at `-reason` the drops. Doubles: exact up to 2^53. */
  readonly #counts = new Float64Array(DROP_REASONS.length + 1);
  #errors = 0;

  /**
   * Counts a datagram.
   *
   * @param outcome the length of the reply, or a negative reason
   */
  count(outcome: number): void {
    this.#counts[outcome > 0 ? 0 : -outcome]!++;
  }

  /** Counts an error that is no datagram's. */
  countError(): void {
    this.#errors++;
  }

  /** The counts so far. */
  snapshot(): ServerStatistics {
    const dropped = Object.fromEntries(
      DROP_REASONS.map((reason, i) => [reason, this.#counts[i + 1]!]),
    ) as Record<DropReason, number>;
    const received = this.#counts.reduce((sum, count) => sum + count, 0);
    return { received, answered: this.#counts[0]!, dropped, errors: this.#errors };
  }
}
