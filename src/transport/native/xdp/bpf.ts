import type { Pointer } from "../ffi/ffi.ts";
import { SystemCallError } from "../linux.ts";
import { XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE } from "./xsk_constants.ts";
import type { XdpSystemCalls } from "./xdp_system_calls.ts";

/** The number of the system call `bpf(2)`, by what `process.arch` says. */
const BPF_NUMBER: Readonly<Record<string, bigint>> = { x64: 321n, arm64: 280n };
const MAP_CREATE = 0n, MAP_UPDATE_ELEM = 2n, PROG_LOAD = 5n, PROG_TEST_RUN = 10n;
const LINK_CREATE = 28n, LINK_UPDATE = 29n;
const MAP_TYPE_XSKMAP = 17, PROG_TYPE_XDP = 6, ATTACH_XDP = 37;
/** `union bpf_attr`, the part of it that is used; what follows is 0 to the kernel. */
const ATTRIBUTES_LENGTH = 128;
const VALUES_AT = 128, LICENSE_AT = 192, LOG_AT = 1024, LOG_LENGTH = 16384;
/** None of the helpers that are called asks for the GPL (since Linux 5.8). */
const LICENSE = "MIT";

/** What a program did with a frame. */
export interface BpfRun {
  readonly result: number;
  /** The frame afterwards. */
  readonly frame: Uint8Array;
}

/** How a program is attached: in the driver, or where the driver cannot, in front of the stack. */
export type XdpMode = "driver" | "generic";

/** The part of `bpf(2)` that loads a program and attaches it to an interface. */
export class Bpf {
  readonly #calls: XdpSystemCalls;
  readonly #number: bigint;
  readonly #memory = new ArrayBuffer(LOG_AT + LOG_LENGTH);
  readonly #view = new DataView(this.#memory);
  readonly #pointer: Pointer;
  readonly #address: bigint;

  /**
   * @param calls the system
   * @param architecture as `process.arch` says it
   */
  constructor(calls: XdpSystemCalls, architecture: string) {
    this.#calls = calls;
    this.#number = BPF_NUMBER[architecture] ?? -1n; // ENOSYS
    this.#pointer = calls.pointer(this.#memory);
    this.#address = calls.address(this.#memory);
  }

  /**
   * Makes a map from queues to AF_XDP sockets.
   *
   * @param entries number of queues
   * @returns its descriptor
   */
  createSocketMap(entries: number): number {
    const words = this.#attributes();
    words.setUint32(0, MAP_TYPE_XSKMAP, true);
    words.setUint32(4, 4, true);
    words.setUint32(8, 4, true);
    words.setUint32(12, entries, true);
    return this.#call("bpf BPF_MAP_CREATE", MAP_CREATE);
  }

  /** Puts a socket into the map. */
  setSocket(map: number, queue: number, socket: number): void {
    const words = this.#attributes();
    words.setUint32(VALUES_AT, queue, true);
    words.setInt32(VALUES_AT + 8, socket, true);
    words.setInt32(0, map, true);
    words.setBigUint64(8, this.#address + BigInt(VALUES_AT), true);
    words.setBigUint64(16, this.#address + BigInt(VALUES_AT + 8), true);
    this.#call("bpf BPF_MAP_UPDATE_ELEM", MAP_UPDATE_ELEM);
  }

  /**
   * Loads an XDP program.
   *
   * @param program its instructions
   * @returns its descriptor
   * @throws {SystemCallError} whose message has what the verifier said
   */
  load(program: Uint8Array<ArrayBuffer>): number {
    const words = this.#attributes();
    new TextEncoder().encodeInto(`${LICENSE}\0`, new Uint8Array(this.#memory, LICENSE_AT));
    words.setUint8(LOG_AT, 0);
    words.setUint32(0, PROG_TYPE_XDP, true);
    words.setUint32(4, program.length / 8, true);
    words.setBigUint64(8, this.#calls.address(program.buffer, program.byteOffset), true);
    words.setBigUint64(16, this.#address + BigInt(LICENSE_AT), true);
    words.setUint32(68, ATTACH_XDP, true);
    try {
      return this.#call("bpf BPF_PROG_LOAD", PROG_LOAD);
    } catch (error) {
      // Once more, to be told why: a log that is too short for a good program would fail it.
      words.setUint32(24, 1, true);
      words.setUint32(28, LOG_LENGTH, true);
      words.setBigUint64(32, this.#address + BigInt(LOG_AT), true);
      this.#invoke(PROG_LOAD);
      const log = this.#log();
      if (log !== "") (error as Error).message += `: ${log}`;
      throw error;
    }
  }

  /**
   * Attaches a program to an interface until the descriptor is closed, by us or by the end of the
   * process (`BPF_LINK_CREATE`, Linux 5.9).
   *
   * @returns the descriptor
   */
  attach(program: number, interfaceIndex: number, mode: XdpMode): number {
    const words = this.#attributes();
    words.setInt32(0, program, true);
    words.setUint32(4, interfaceIndex, true);
    words.setUint32(8, ATTACH_XDP, true);
    words.setUint32(12, mode === "driver" ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE, true);
    return this.#call("bpf BPF_LINK_CREATE", LINK_CREATE);
  }

  /** Puts another program into the place of the one that is attached; no frame is missed. */
  replace(link: number, program: number): void {
    const words = this.#attributes();
    words.setInt32(0, link, true);
    words.setInt32(4, program, true);
    this.#call("bpf BPF_LINK_UPDATE", LINK_UPDATE);
  }

  /** Runs a program over one frame, without an interface. */
  run(program: number, frame: Uint8Array): BpfRun {
    const words = this.#attributes(), room = frame.length + 256;
    const memory = new Uint8Array(new ArrayBuffer(frame.length + room));
    memory.set(frame);
    words.setInt32(0, program, true);
    words.setUint32(8, frame.length, true);
    words.setUint32(12, room, true);
    words.setBigUint64(16, this.#calls.address(memory.buffer), true);
    words.setBigUint64(24, this.#calls.address(memory.buffer, frame.length), true);
    words.setUint32(32, 1, true);
    this.#call("bpf BPF_PROG_TEST_RUN", PROG_TEST_RUN);
    const length = words.getUint32(12, true);
    return {
      result: words.getUint32(4, true),
      frame: memory.slice(frame.length, frame.length + length),
    };
  }

  #attributes(): DataView {
    new Uint8Array(this.#memory).fill(0, 0, LICENSE_AT);
    return this.#view;
  }

  #invoke(command: bigint): number {
    return this.#calls.syscall(this.#number, command, this.#pointer, BigInt(ATTRIBUTES_LENGTH));
  }

  #call(name: string, command: bigint): number {
    const result = this.#invoke(command);
    if (result < 0) throw new SystemCallError(name, this.#calls.errno());
    return result;
  }

  #log(): string {
    const bytes = new Uint8Array(this.#memory, LOG_AT, LOG_LENGTH);
    const end = bytes.indexOf(0);
    return new TextDecoder().decode(bytes.slice(0, end < 0 ? LOG_LENGTH : end)).trim();
  }
}
