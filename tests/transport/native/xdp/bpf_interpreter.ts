// A BPF machine (RFC 9669), as far as programs of XDP need it, which refuses what the kernel's
// verifier would: memory that is not there, registers that were never written.

/** Where things are in the machine's memory. */
const CONTEXT_AT = 0x1000, STACK_AT = 0x2000, STACK_LENGTH = 512, PACKET_AT = 0x10000;
const HEADROOM = 256;
const KTIME_GET_NS = 5, REDIRECT_MAP = 51, XDP_ADJUST_META = 54;
const REDIRECT = 4;
const MAX_STEPS = 10_000;
const SIZES: Record<number, number> = { 0x00: 4, 0x08: 2, 0x10: 1, 0x18: 8 };

/** What happens around a program. */
export interface BpfWorld {
  readonly queue: number;
  /** Which queues of the map have a socket. */
  readonly sockets: readonly number[];
  readonly nanoseconds: bigint;
  /** Whether there is room before the frame. */
  readonly hasRoom: boolean;
}

/** What a program has done. */
export interface BpfOutcome {
  readonly result: number;
  readonly steps: number;
  /** What it left before the frame. */
  readonly stamp: bigint | undefined;
}

/** Runs a program over a frame. */
export function interpret(program: Uint8Array, frame: Uint8Array, world: BpfWorld): BpfOutcome {
  const code = new DataView(program.buffer, program.byteOffset, program.length);
  const packet = new Uint8Array(HEADROOM + frame.length);
  packet.set(frame, HEADROOM);
  const context = new Uint8Array(24);
  const contextView = new DataView(context.buffer);
  const dataAt = PACKET_AT + HEADROOM;
  contextView.setUint32(0, dataAt, true);
  contextView.setUint32(4, dataAt + frame.length, true);
  contextView.setUint32(8, dataAt, true);
  contextView.setUint32(16, world.queue, true);
  const stack = new Uint8Array(STACK_LENGTH);
  const registers: (bigint | undefined)[] = Array(11).fill(undefined);
  registers[1] = BigInt(CONTEXT_AT);
  registers[10] = BigInt(STACK_AT + STACK_LENGTH);

  const value = (register: number): bigint => {
    const found = registers[register];
    if (found === undefined) throw new Error(`register ${register} was never written`);
    return found;
  };
  const memory = (address: bigint, size: number, isWrite: boolean): DataView => {
    const at = Number(address), meta = contextView.getUint32(8, true);
    const within = (start: number, length: number) => at >= start && at + size <= start + length;
    if (within(CONTEXT_AT, context.length) && !isWrite) {
      return new DataView(context.buffer, at - CONTEXT_AT, size);
    }
    if (within(STACK_AT, STACK_LENGTH)) return new DataView(stack.buffer, at - STACK_AT, size);
    if (within(meta, dataAt + frame.length - meta)) {
      return new DataView(packet.buffer, at - PACKET_AT, size);
    }
    throw new Error(`${isWrite ? "store" : "load"} of ${size} bytes at ${at.toString(16)}`);
  };
  const call = (helper: number): bigint => {
    if (helper === KTIME_GET_NS) return world.nanoseconds;
    if (helper === XDP_ADJUST_META) {
      if (!world.hasRoom) return -95n;
      contextView.setUint32(8, dataAt + Number(BigInt.asIntN(32, value(2))), true);
      return 0n;
    }
    if (helper === REDIRECT_MAP) {
      return world.sockets.includes(Number(value(2))) ? BigInt(REDIRECT) : value(3);
    }
    throw new Error(`helper ${helper}`);
  };

  let steps = 0;
  for (let at = 0;; at++) {
    if (++steps > MAX_STEPS) throw new Error("does not end");
    if (8 * at + 8 > program.length) throw new Error("runs off its end");
    const op = code.getUint8(8 * at), both = code.getUint8(8 * at + 1);
    const to = both & 15, from = both >> 4;
    const offset = code.getInt16(8 * at + 2, true), immediate = code.getInt32(8 * at + 4, true);
    const signed = BigInt(immediate);
    const size = SIZES[op & 0x18]!;
    const set = (result: bigint) => registers[to] = BigInt.asUintN(64, result);
    switch (op & 7) {
      case 0: // load a constant of 64 bits
        if (op !== 0x18) throw new Error(`instruction ${op.toString(16)}`);
        set(
          BigInt(code.getUint32(8 * at + 4, true)) |
            BigInt(code.getInt32(8 * at + 12, true)) << 32n,
        );
        at++;
        break;
      case 1: {
        const view = memory(value(from) + BigInt(offset), size, false);
        set(
          size === 8 ? view.getBigUint64(0, true) : BigInt(
            size === 4
              ? view.getUint32(0, true)
              : size === 2
              ? view.getUint16(0, true)
              : view.getUint8(0),
          ),
        );
        break;
      }
      case 3: {
        const view = memory(value(to) + BigInt(offset), size, true);
        if (size !== 8) throw new Error("no such store is needed");
        view.setBigUint64(0, value(from), true);
        break;
      }
      case 7: {
        const operand = (op & 8) !== 0 ? value(from) : signed;
        if ((op & 0xf0) === 0xb0) set(operand);
        else if ((op & 0xf0) === 0x00) set(value(to) + operand);
        else if ((op & 0xf0) === 0x50) set(value(to) & BigInt.asUintN(64, operand));
        else throw new Error(`instruction ${op.toString(16)}`);
        break;
      }
      case 5: {
        if (op === 0x95) {
          const meta = contextView.getUint32(8, true);
          return {
            result: Number(value(0)),
            steps,
            stamp: meta === dataAt
              ? undefined
              : new DataView(packet.buffer).getBigUint64(meta - PACKET_AT, true),
          };
        }
        if (op === 0x85) {
          registers[0] = BigInt.asUintN(64, call(immediate));
          for (let i = 1; i <= 5; i++) registers[i] = undefined;
          break;
        }
        const other = (op & 8) !== 0 ? value(from) : BigInt.asUintN(64, signed);
        const kind = op & 0xf0;
        const jumps = kind === 0x00 || (kind === 0x10 && value(to) === other) ||
          (kind === 0x20 && value(to) > other) || (kind === 0x50 && value(to) !== other);
        if (![0x00, 0x10, 0x20, 0x50].includes(kind)) throw new Error(`jump ${op.toString(16)}`);
        if (jumps) at += offset;
        break;
      }
      default:
        throw new Error(`instruction ${op.toString(16)}`);
    }
  }
}
