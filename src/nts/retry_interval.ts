/** Least time between two key exchanges, in milliseconds (RFC 8915 §4.2). */
export const FIRST_RETRY_MS = 10_000;
/** By how much it grows with each. */
const FACTOR = 1.5;
/** What it grows to: five days. */
const MAX_RETRY_MS = 432_000_000;

/**
 * How long to wait before the next key exchange: longer each time, until one has been of use. Nobody
 * else can shorten it, so a forged refusal cannot drive a client from server to server.
 */
export class RetryInterval {
  #nextMs = FIRST_RETRY_MS;
  #until = -Infinity;

  /**
   * How long to wait still, in milliseconds.
   *
   * @param now the time, in milliseconds
   */
  remaining(now: number): number {
    return Math.max(0, this.#until - now);
  }

  /** Notes that keys are exchanged now. */
  begin(now: number): void {
    this.#until = now + this.#nextMs;
    this.#nextMs = Math.min(MAX_RETRY_MS, this.#nextMs * FACTOR);
  }

  /** Notes that the last exchange was of use: the server takes its cookies. */
  succeed(): void {
    this.#nextMs = FIRST_RETRY_MS;
  }
}
