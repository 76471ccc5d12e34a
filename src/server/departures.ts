import type { Clock } from "../clock/clock.ts";
import { timestampFromWords } from "../packet/timestamp.ts";
import type { UdpTransport } from "../transport/udp_transport.ts";
import { type Interleaved, NO_SLOT } from "./interleaved.ts";

/** Stamps that may be under way; later ones push out earlier ones, which have been lost. */
const RING = 4096;
/** Datagrams that are no replies whose stamps may be under way. */
const MAX_WAITING = 64;

/**
 * Tells a memory of replies when they left: as the kernel stamps them, where the transport gives that;
 * else by the clock right after they were handed over (RFC 9769 §2 asks for the best there is).
 */
export class Departures {
  readonly #interleaved: Interleaved;
  readonly #clock: Pick<Clock, "read">;
  readonly #slots = new Int32Array(RING).fill(NO_SLOT);
  readonly #fractions = new Uint32Array(RING);
  readonly #time = new Uint32Array(2);
  /** Who waits for the stamps of other datagrams than replies, by the stamp's number. */
  readonly #waiting = new Map<number, (departure: bigint) => void>();

  /**
   * @param interleaved the memory
   * @param clock the server's
   */
  constructor(interleaved: Interleaved, clock: Pick<Clock, "read">) {
    this.#interleaved = interleaved;
    this.#clock = clock;
  }

  /** Listens to the stamps of a transport, if it gives any. */
  attach({ stamps }: Pick<UdpTransport, "stamps">): void {
    if (stamps === undefined) return;
    stamps.onStamp = (id, time) => {
      const place = id % RING, slot = this.#slots[place]!;
      if (slot === NO_SLOT) {
        if (this.#waiting.size > 0) this.#tell(id, time);
        return;
      }
      this.#slots[place] = NO_SLOT;
      this.#interleaved.stamp(slot, this.#fractions[place]!, time);
    };
  }

  /**
   * A datagram is about to be sent that is no reply.
   *
   * @param transport by which
   * @param departed told when it left, if the transport tells
   */
  expect({ stamps }: Pick<UdpTransport, "stamps">, departed: (departure: bigint) => void): void {
    if (stamps === undefined) return;
    const id = stamps.request();
    this.#slots[id % RING] = NO_SLOT;
    const [oldest] = this.#waiting.keys();
    if (this.#waiting.size >= MAX_WAITING) this.#waiting.delete(oldest!);
    this.#waiting.set(id, departed);
  }

  /**
   * A reply is about to be sent.
   *
   * @param transport by which
   * @param slot of the reply
   * @param receiveFraction fraction word of its receive timestamp
   */
  before({ stamps }: Pick<UdpTransport, "stamps">, slot: number, receiveFraction: number): void {
    if (stamps === undefined) return;
    const place = stamps.request() % RING;
    this.#slots[place] = slot;
    this.#fractions[place] = receiveFraction;
  }

  /** It has been sent: see {@linkcode Departures.before}. */
  after({ stamps }: Pick<UdpTransport, "stamps">, slot: number, receiveFraction: number): void {
    if (stamps !== undefined) return;
    this.#clock.read(this.#time);
    this.#interleaved.stamp(slot, receiveFraction, this.#time);
  }

  #tell(id: number, time: Uint32Array): void {
    const departed = this.#waiting.get(id);
    this.#waiting.delete(id);
    departed?.(timestampFromWords(time[0]!, time[1]!));
  }
}
