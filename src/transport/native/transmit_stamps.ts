import type { TransmitStamps } from "../udp_transport.ts";
import type { ClockComparison } from "./clock_comparison.ts";
import { ERROR_CONTROL, findControl, findTimestamp } from "./control_message.ts";
import {
  IP_RECVERR,
  IPV6_RECVERR,
  LAYOUT,
  MSG_DONTWAIT,
  MSG_ERRQUEUE,
  SO_EE_ORIGIN_TIMESTAMPING,
  SOL_IP,
  SOL_IPV6,
} from "./linux.ts";
import { MessageVector } from "./message_vector.ts";
import type { SendDelay } from "./send_delay.ts";
import type { SystemCalls } from "./system_calls.ts";

/** How many stamps may be under way. */
const RING = 1024;
/** How many are read at once. */
const BATCH = 32;
/** A stamp that is farther from its datagram than this, in seconds, is another's. */
const LONGEST_WAY = 2;

/** Who wants to know when one datagram has left. */
const FOR_NOBODY = -1;

/**
 * Transmit stamps of one socket: which datagrams are to be stamped, and the kernel's error queue, in
 * which the stamps come. The kernel numbers the datagrams that ask for one.
 */
export class StampQueue implements TransmitStamps {
  onStamp: ((id: number, time: Uint32Array) => void) | undefined;
  readonly #calls: SystemCalls;
  readonly #messages: MessageVector;
  readonly #delays: SendDelay;
  /** When datagrams that are to be stamped were handed over (Unix time), their kind, who asked. */
  readonly #seconds = new Int32Array(RING);
  readonly #nanoseconds = new Int32Array(RING);
  readonly #keys = new Int32Array(RING);
  readonly #ids = new Int32Array(RING).fill(FOR_NOBODY);
  readonly #time = new Uint32Array(2);
  readonly #comparison: ClockComparison;
  /** Number that the kernel gives to the next datagram. */
  #next = 0;
  #underWay = 0;
  #nextId = 0;
  #isRequested = false;

  /**
   * @param comparison of the user's clock with the system's
   * @param delays learns from the stamps
   */
  constructor(calls: SystemCalls, comparison: ClockComparison, delays: SendDelay) {
    this.#calls = calls;
    this.#comparison = comparison;
    this.#delays = delays;
    this.#messages = new MessageVector(calls, BATCH, {
      name: 0,
      control: ERROR_CONTROL,
      data: 0,
    });
  }

  request(): number {
    this.#isRequested = true;
    return this.#nextId;
  }

  /** Whether somebody has asked for the stamp of the datagram that is now handed over. */
  get isRequested(): boolean {
    return this.#isRequested;
  }

  /** Whether stamps are still to come. */
  get isExpecting(): boolean {
    return this.#underWay > 0;
  }

  /** Notes that a datagram is handed over which asks for a stamp. */
  add(key: number, seconds: number, nanoseconds: number): void {
    const slot = this.#next++ & (RING - 1);
    this.#seconds[slot] = seconds;
    this.#nanoseconds[slot] = nanoseconds;
    this.#keys[slot] = key;
    this.#ids[slot] = this.#isRequested ? this.#nextId++ & 0x3fffffff : FOR_NOBODY;
    this.#isRequested = false;
    this.#underWay++;
  }

  /** Forgets what is under way: the kernel counts from 0 again. */
  reset(): void {
    this.#next = 0;
    this.#underWay = 0;
    this.#seconds.fill(0);
  }

  /** Reads the stamps that have come. */
  read(fd: number): void {
    const { recvmmsg, nullPointer } = this.#calls;
    const messages = this.#messages;
    for (;;) {
      const flags = MSG_ERRQUEUE | MSG_DONTWAIT;
      const count = recvmmsg(fd, messages.pointers[0]!, BATCH, flags, nullPointer);
      if (count <= 0) break;
      for (let i = 0; i < count; i++) this.#take(i);
      messages.prepare(count);
      if (count < BATCH) break;
    }
  }

  #take(i: number): void {
    const { words, control, controlStride } = this.#messages;
    const at = (control + i * controlStride) >> 2, length = this.#messages.controlLength(i);
    let error = findControl(words, at, length, SOL_IP, IP_RECVERR);
    if (error < 0) error = findControl(words, at, length, SOL_IPV6, IPV6_RECVERR);
    const stamp = findTimestamp(words, at, length);
    if (error < 0 || stamp < 0) return;
    if ((words[error + (LAYOUT.errorOrigin >> 2)]! & 0xff) !== SO_EE_ORIGIN_TIMESTAMPING) return;
    const slot = words[error + (LAYOUT.errorData >> 2)]! & (RING - 1);
    const seconds = words[stamp]!, nanoseconds = words[stamp + 2]!;
    const elapsed = seconds - this.#seconds[slot]!;
    if (this.#underWay > 0) this.#underWay--;
    if (elapsed < 0 || elapsed > LONGEST_WAY) return;
    this.#delays.learn(this.#keys[slot]!, elapsed * 1e9 + nanoseconds - this.#nanoseconds[slot]!);
    const id = this.#ids[slot]!;
    if (id === FOR_NOBODY) return;
    this.#ids[slot] = FOR_NOBODY;
    try {
      this.#comparison.refresh();
    } catch {
      return; // what the user's clock would have shown, nobody knows
    }
    this.#comparison.convert(seconds, nanoseconds, this.#time);
    this.onStamp?.(id, this.#time);
  }
}
