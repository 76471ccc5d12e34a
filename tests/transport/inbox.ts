import { Endpoint } from "../../src/transport/endpoint.ts";
import type { UdpBindOptions } from "../../src/transport/udp_transport.ts";

/** A datagram that was copied out of its handler. */
export interface Received {
  readonly data: Uint8Array;
  readonly source: Endpoint;
  /** Seconds and fraction. */
  readonly arrival: readonly number[];
}

/** Longer than anything here takes: only a bound for what hangs. */
const PATIENCE_MS = 20_000;

/**
 * Collects what a socket receives and reports, and lets a test wait for it. Its clock counts: the
 * n-th reading is n seconds.
 */
export class Inbox {
  readonly received: Received[] = [];
  readonly errors: Error[] = [];
  /** Called within the handler, before anything is copied. */
  intercept: ((data: Uint8Array, source: Endpoint) => void) | undefined;
  #readings = 0;
  #wake: (() => void) | undefined;

  /** Options of `bind` that collect into this. */
  options(more: Partial<UdpBindOptions> = {}): UdpBindOptions {
    return {
      clock: {
        read: (into) => {
          into[0] = ++this.#readings;
          into[1] = 0;
        },
      },
      onDatagram: (data, source, arrival) => {
        // Not slice(): that of a Buffer copies nothing.
        const kept = { data: Uint8Array.from(data), source: source.clone(), arrival: [...arrival] };
        this.received.push(kept);
        this.#wake?.();
        this.intercept?.(data, source);
      },
      onError: (error) => {
        this.errors.push(error);
        this.#wake?.();
      },
      ...more,
    };
  }

  /** First bytes of all payloads, -1 for an empty one. */
  get firstBytes(): number[] {
    return this.received.map(({ data }) => data[0] ?? -1);
  }

  /** Waits until `condition` holds, which is looked at whenever something arrives. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      try {
        await new Promise<void>((resolve, reject) => {
          this.#wake = resolve;
          timer = setTimeout(() => {
            const seen = `${this.received.length} datagrams and ${this.errors.length} errors`;
            reject(new Error(`waited in vain: ${condition}, after ${seen} ${this.errors}`));
          }, PATIENCE_MS);
        });
      } finally {
        clearTimeout(timer);
      }
    }
  }

  /** Waits for so many datagrams in all. */
  async count(datagrams: number): Promise<void> {
    await this.until(() => this.received.length >= datagrams);
  }
}
