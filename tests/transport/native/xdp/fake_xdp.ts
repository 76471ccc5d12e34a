// AF_XDP without a kernel: sockets whose rings a test fills and empties, and calls that fail when told.
import { Endpoint } from "../../../../src/transport/endpoint.ts";
import type { Pointer } from "../../../../src/transport/native/ffi/ffi.ts";
import type { XdpSystemCalls } from "../../../../src/transport/native/xdp/xdp_system_calls.ts";
import { XskQueue } from "../../../../src/transport/native/xdp/xsk_queue.ts";
import { FRAME_SIZE, XskSocket } from "../../../../src/transport/native/xdp/xsk_socket.ts";

/** `struct xdp_mmap_offsets`, as this kernel would have it. */
const PRODUCER = 0, CONSUMER = 64, FLAGS = 128, ENTRIES = 192;
const HEADROOM = 256;

/** Of each ring, which offset of the "file" it is mapped at. */
const RINGS = { receive: 0n, transmit: 0x80000000n, fill: 0x100000000n, completion: 0x180000000n };

/** A queue of a fake system, and what it has told. */
export interface Opened {
  readonly socket: XskSocket;
  readonly queue: XskQueue;
  readonly told: { bad: number; readonly errors: unknown[] };
  readonly clock: { read(into: Uint32Array): void };
}

/** A system with one socket at most. */
export class FakeXdp {
  /** Errors that the next calls of a function fail with; 0, it succeeds. */
  readonly faults: Record<string, number[]> = {};
  /** What was called, with the parameters that are numbers. */
  readonly log: string[] = [];
  /** Frames that have left. */
  readonly sent: Uint8Array[] = [];
  /** How many frames one `sendto` takes. */
  budget = 32;
  /** Whether what has left stays with the driver. */
  keepsSent = false;
  monotonic = { seconds: 5000, nanoseconds: 0 };
  /** How many receive queues there are. */
  queues = 1;
  readonly calls: XdpSystemCalls;
  #errno = 0;
  readonly #buffers = new Map<bigint, ArrayBufferLike>();
  #next = 0x10000n;
  readonly #rings = new Map<bigint, Int32Array>();
  #umem: Uint8Array | undefined;
  #pending: number[] = [];

  constructor() {
    const at = (pointer: Pointer) => this.#view(pointer as unknown as bigint);
    const run = (name: string, work: () => number, ...parameters: unknown[]): number => {
      this.log.push([name, ...parameters].join(" "));
      const fault = this.faults[name]?.shift() ?? 0;
      if (fault === 0) return work();
      this.#errno = fault;
      return -1;
    };
    const address = (buffer: ArrayBufferLike, offset = 0): bigint => {
      for (const [start, known] of this.#buffers) {
        if (known === buffer) return start + BigInt(offset);
      }
      const start = this.#next;
      this.#buffers.set(start, buffer);
      this.#next += BigInt(buffer.byteLength + 0x1000) & ~0xfffn;
      return start + BigInt(offset);
    };
    let fds = 10;
    this.calls = {
      nullPointer: 0n as unknown as Pointer,
      address,
      pointer: (buffer, offset) => address(buffer, offset) as unknown as Pointer,
      addressOf: (pointer) => pointer as unknown as bigint,
      memory: (pointer) => this.#buffers.get(pointer as unknown as bigint) as ArrayBuffer,
      errno: () => this.#errno,
      socket: () => run("socket", () => fds++),
      bind: (_fd, pointer) => {
        const queue = at(pointer).getUint32(8, true);
        if (queue < this.queues) return run("bind", () => 0, queue);
        this.log.push(`bind ${queue}`);
        this.#errno = 22;
        return -1;
      },
      setsockopt: (_fd, _level, option, pointer) =>
        run("setsockopt", () => {
          if (option === 4) this.#register(at(pointer).getBigUint64(0, true));
          return 0;
        }, option),
      getsockopt: (_fd, _level, option, pointer) =>
        run("getsockopt", () => {
          const view = at(pointer);
          if (option === 1) {
            for (let ring = 0; ring < 4; ring++) {
              [PRODUCER, CONSUMER, ENTRIES, FLAGS].forEach((offset, i) =>
                view.setBigUint64(32 * ring + 8 * i, BigInt(offset), true)
              );
            }
          } else [3n, 0n, 0n, 4n, 5n, 0n].forEach((n, i) => view.setBigUint64(8 * i, n, true));
          return 0;
        }, option),
      sendto: () => run("sendto", () => this.#transmit()),
      recvfrom: () => run("recvfrom", () => 0),
      ppoll: () => run("ppoll", () => 0),
      mmap: (_at, length, _prot, _flags, _fd, offset) => {
        const failed = run("mmap", () => 0) < 0;
        if (failed) return 0xffffffffffffffffn as unknown as Pointer;
        const buffer = new ArrayBuffer(Number(length));
        this.#rings.set(offset, new Int32Array(buffer));
        if (offset === RINGS.transmit) this.ring("transmit")[FLAGS >> 2] = 1;
        return address(buffer) as unknown as Pointer;
      },
      munmap: () => run("munmap", () => 0),
      close: (fd) => run("close", () => 0, fd),
      clock_gettime: (_clock, pointer) =>
        run("clock_gettime", () => {
          at(pointer).setBigInt64(0, BigInt(this.monotonic.seconds), true);
          at(pointer).setBigInt64(8, BigInt(this.monotonic.nanoseconds), true);
          return 0;
        }),
      if_nametoindex: () => 7,
      syscall: (_number, command) => run("bpf", () => fds++, command),
    };
  }

  /** The words of a ring. */
  ring(name: keyof typeof RINGS): Int32Array {
    return this.#rings.get(RINGS[name])!;
  }

  /** A socket and its queue, with what it tells. */
  open(handle: (data: Uint8Array, source: Endpoint, arrival: Uint32Array) => void): Opened {
    const told = { bad: 0, errors: [] as unknown[] };
    const clock = { read: (into: Uint32Array) => void into.set([3_900_000_000, 0x40000000]) };
    const socket = new XskSocket(this.calls, 7, 0, false);
    const events = {
      onDatagram: handle,
      onBadFrame: () => void told.bad++,
      onError: (error: unknown) => void told.errors.push(error),
    };
    const queue = new XskQueue(socket, this.calls, clock, events, 7, "eth0");
    return { socket, queue, told, clock };
  }

  /** How many frames the kernel has to receive into. */
  get free(): number {
    const fill = this.ring("fill");
    return (fill[PRODUCER >> 2]! - fill[CONSUMER >> 2]!) | 0;
  }

  /** A frame arrives, if there is room; `stamp` stands before it. */
  arrive(frame: Uint8Array, stamp = 0n): boolean {
    const fill = this.ring("fill"), receive = this.ring("receive");
    if (this.free === 0) return false;
    const taken = fill[CONSUMER >> 2]!;
    const address = fill[(ENTRIES >> 2) + 2 * (taken & (this.#size("fill") - 1))]! + HEADROOM;
    fill[CONSUMER >> 2] = taken + 1;
    this.#umem!.set(frame, address);
    new DataView(this.#umem!.buffer, this.#umem!.byteOffset).setBigUint64(address - 8, stamp, true);
    const at = receive[PRODUCER >> 2]!;
    const entry = (ENTRIES >> 2) + 4 * (at & (this.#size("receive") - 1));
    receive.set([address, 0, frame.length, 0], entry);
    receive[PRODUCER >> 2] = at + 1;
    return true;
  }

  /** The driver is through with what it has sent. */
  complete(): void {
    const completion = this.ring("completion");
    for (const address of this.#pending.splice(0)) {
      const at = completion[PRODUCER >> 2]!;
      completion[(ENTRIES >> 2) + 2 * (at & (this.#size("completion") - 1))] = address;
      completion[PRODUCER >> 2] = at + 1;
    }
  }

  #transmit(): number {
    const transmit = this.ring("transmit");
    for (let i = 0; i < this.budget; i++) {
      const at = transmit[CONSUMER >> 2]!;
      if (at === transmit[PRODUCER >> 2]) break;
      const entry = (ENTRIES >> 2) + 4 * (at & (this.#size("transmit") - 1));
      const address = transmit[entry]!;
      this.sent.push(this.#umem!.slice(address, address + transmit[entry + 2]!));
      transmit[CONSUMER >> 2] = at + 1;
      this.#pending.push(address);
    }
    if (!this.keepsSent) this.complete();
    return 0;
  }

  #size(name: keyof typeof RINGS): number {
    const entry = name === "receive" || name === "transmit" ? 4 : 2;
    return (this.ring(name).length - (ENTRIES >> 2)) / entry;
  }

  #register(address: bigint): void {
    for (const [start, buffer] of this.#buffers) {
      if (address >= start && address < start + BigInt(buffer.byteLength)) {
        this.#umem = new Uint8Array(buffer, Number(address - start), 2048 * FRAME_SIZE);
        return;
      }
    }
    throw new Error("memory that nobody has");
  }

  #view(address: bigint): DataView {
    for (const [start, buffer] of this.#buffers) {
      if (address >= start && address < start + BigInt(buffer.byteLength)) {
        return new DataView(buffer, Number(address - start));
      }
    }
    throw new Error(`nothing is at ${address}`);
  }
}
