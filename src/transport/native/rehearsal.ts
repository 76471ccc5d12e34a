import { HEADER_LENGTH } from "../../packet/header.ts";
import { AF_INET, LAYOUT, MSG_DONTWAIT, MSG_NOSIGNAL, SOCK_CLOEXEC, SOCK_DGRAM } from "./linux.ts";
import { MessageVector } from "./message_vector.ts";
import { RealtimeReading } from "./realtime_reading.ts";
import type { SystemCalls } from "./system_calls.ts";

/** How many datagrams may wait in the socket before they are taken out; its buffer holds 250. */
const UNREAD = 32;

/**
 * A datagram to itself over loopback, sent just before the transmit timestamp of a reply is read
 * that nothing else was sent before. What the kernel does to send is then in the caches, so that the
 * reply takes about as long as others: less than half of what it takes without, and nearly always
 * the same. That is what a learned send delay can be added for.
 */
export class Rehearsal {
  readonly #calls: SystemCalls;
  readonly #fd: number;
  readonly #out: MessageVector;
  readonly #in: MessageVector;
  readonly #before: RealtimeReading;
  readonly #after: RealtimeReading;
  #unread = 0;
  #isOpen = true;

  private constructor(calls: SystemCalls, fd: number, out: MessageVector) {
    this.#calls = calls;
    this.#fd = fd;
    this.#out = out;
    this.#before = new RealtimeReading(calls);
    this.#after = new RealtimeReading(calls);
    this.#in = new MessageVector(calls, UNREAD, { name: 0, control: 0, data: HEADER_LENGTH });
  }

  /**
   * Opens a socket of its own.
   *
   * @returns undefined where there is no loopback of IPv4; all goes on without
   */
  static open(calls: SystemCalls): Rehearsal | undefined {
    const fd = calls.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return undefined;
    // Its address goes by way of the vector's memory, as that of a message.
    const room = { name: LAYOUT.sockaddrIn, control: 0, data: HEADER_LENGTH };
    const out = new MessageVector(calls, 1, room);
    const address = calls.pointer(out.buffer, out.name),
      length = calls.pointer(out.buffer, out.data);
    out.words[out.name >> 2] = AF_INET;
    out.bytes.set([127, 0, 0, 1], out.name + LAYOUT.sockaddrAddress4);
    out.words[out.data >> 2] = LAYOUT.sockaddrIn;
    const rehearsal = new Rehearsal(calls, fd, out);
    if (
      calls.bind(fd, address, LAYOUT.sockaddrIn) !== 0 ||
      calls.getsockname(fd, address, length) !== 0 ||
      calls.connect(fd, address, LAYOUT.sockaddrIn) !== 0
    ) {
      rehearsal.close();
      return undefined;
    }
    out.bytes.fill(0, out.data, out.data + HEADER_LENGTH);
    out.setLengths(0, 0, 0, HEADER_LENGTH);
    return rehearsal;
  }

  /**
   * Sends one. What goes wrong ends it: replies only are a little less exact then.
   *
   * @returns how long it took, in nanoseconds, which tells how fast the machine is at the moment; 0
   * if it was not done
   */
  run(): number {
    if (!this.#isOpen || !this.#makeRoom()) return 0;
    const before = this.#before, after = this.#after, flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    before.read();
    if (this.#calls.sendmmsg(this.#fd, this.#out.pointers[0]!, 1, flags) !== 1) {
      this.close();
      return 0;
    }
    after.read();
    this.#unread++;
    return Math.max(0, after.nanosecondsSince(before));
  }

  #makeRoom(): boolean {
    if (this.#unread < UNREAD) return true;
    const { recvmmsg, nullPointer } = this.#calls;
    if (recvmmsg(this.#fd, this.#in.pointers[0]!, UNREAD, MSG_DONTWAIT, nullPointer) < 0) {
      this.close();
      return false;
    }
    this.#in.prepare(UNREAD);
    this.#unread = 0;
    return true;
  }

  /** Frees the socket. Harmless when called again. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#calls.close(this.#fd);
  }
}
