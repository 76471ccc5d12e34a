/** Size of a loaded or stored value. */
export type BpfSize = 1 | 2 | 4 | 8;

/** Registers (RFC 9669 §2): 0 is the result, 1 to 5 arguments, 6 to 9 kept over calls, 10 the stack. */
export type BpfRegister = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;

/** Conditions of jumps; comparisons are unsigned and of 64 bits. */
export type BpfCondition = "==" | "!=" | ">";

const JUMP_CODES: Record<BpfCondition, number> = { "==": 0x10, ">": 0x20, "!=": 0x50 };
const SIZE_CODES: Record<BpfSize, number> = { 1: 0x10, 2: 0x08, 4: 0x00, 8: 0x18 };

/** Classes and modes of instructions (RFC 9669 §3 to §5). */
const LD_IMM_DW = 0x18, LDX_MEM = 0x61, STX_MEM = 0x63, JMP = 0x05, JMP_REGISTER = 0x0d;
const CALL = 0x85, EXIT = 0x95, MOV_REGISTER = 0xbf, MOV = 0xb7, ADD = 0x07, AND = 0x57;
/** What stands in the source register of LD_IMM_DW when the value is the descriptor of a map. */
const PSEUDO_MAP_FD = 1;
const INSTRUCTION_LENGTH = 8;
const UNKNOWN = -1;

/** A place in a program. */
export interface BpfLabel {
  /** Index of the instruction; -1 until it is placed. */
  readonly index: number;
}

interface Instruction {
  readonly code: number;
  readonly registers: number;
  readonly offset: number;
  readonly immediate: number;
  readonly target?: BpfLabel;
}

/** Writes programs for the kernel's BPF machine (RFC 9669): the few instructions that are needed. */
export class BpfAssembler {
  readonly #instructions: Instruction[] = [];

  /** A place to jump to, put down later by {@linkcode BpfAssembler.place}. */
  label(): BpfLabel {
    return { index: UNKNOWN };
  }

  /** The next instruction stands at `label`. */
  place(label: BpfLabel): void {
    if (label.index !== UNKNOWN) throw new TypeError("The label has its place already");
    (label as { index: number }).index = this.#instructions.length;
  }

  /** `to = from` */
  move(to: BpfRegister, from: BpfRegister): void {
    this.#add(MOV_REGISTER, to, from);
  }

  /** `to = value`, a signed number of 32 bits */
  set(to: BpfRegister, value: number): void {
    this.#add(MOV, to, 0, 0, value);
  }

  /** `to += value`, a signed number of 32 bits */
  add(to: BpfRegister, value: number): void {
    this.#add(ADD, to, 0, 0, value);
  }

  /** `to &= value`, a signed number of 32 bits */
  and(to: BpfRegister, value: number): void {
    this.#add(AND, to, 0, 0, value);
  }

  /** `to = value`, 64 bits */
  setLong(to: BpfRegister, value: bigint): void {
    this.#addLong(to, 0, value);
  }

  /** `to` = the map of a descriptor */
  setMap(to: BpfRegister, descriptor: number): void {
    this.#addLong(to, PSEUDO_MAP_FD, BigInt(descriptor));
  }

  /** `to = *(base + offset)`, in the order of the machine */
  load(size: BpfSize, to: BpfRegister, base: BpfRegister, offset: number): void {
    this.#add(LDX_MEM | SIZE_CODES[size], to, base, offset);
  }

  /** `*(base + offset) = from` */
  store(size: BpfSize, base: BpfRegister, offset: number, from: BpfRegister): void {
    this.#add(STX_MEM | SIZE_CODES[size], base, from, offset);
  }

  /** Jumps if a register compares so with a signed number of 32 bits. */
  jumpIf(register: BpfRegister, condition: BpfCondition, value: number, target: BpfLabel): void {
    this.#add(JMP | JUMP_CODES[condition], register, 0, 0, value, target);
  }

  /** Jumps if two registers compare so. */
  jumpIfRegister(
    register: BpfRegister,
    condition: BpfCondition,
    other: BpfRegister,
    target: BpfLabel,
  ): void {
    this.#add(JMP_REGISTER | JUMP_CODES[condition], register, other, 0, 0, target);
  }

  /** Jumps. */
  jump(target: BpfLabel): void {
    this.#add(JMP, 0, 0, 0, 0, target);
  }

  /** Calls a helper function of the kernel by its number. */
  call(helper: number): void {
    this.#add(CALL, 0, 0, 0, helper);
  }

  /** Ends the program; register 0 is its result. */
  exit(): void {
    this.#add(EXIT, 0, 0);
  }

  /**
   * The program as the kernel takes it on a little-endian machine, 8 bytes an instruction.
   *
   * @throws {TypeError} if a label was not placed
   * @throws {RangeError} if a jump goes too far
   */
  assemble(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(new ArrayBuffer(this.#instructions.length * INSTRUCTION_LENGTH));
    const view = new DataView(bytes.buffer);
    for (const [index, one] of this.#instructions.entries()) {
      const at = index * INSTRUCTION_LENGTH;
      view.setUint8(at, one.code);
      view.setUint8(at + 1, one.registers);
      view.setInt16(at + 2, one.target ? distance(index, one.target) : one.offset, true);
      view.setInt32(at + 4, one.immediate, true);
    }
    return bytes;
  }

  #add(code: number, to: number, from: number, offset = 0, immediate = 0, target?: BpfLabel): void {
    const registers = to | (from << 4);
    this.#instructions.push({ code, registers, offset, immediate, ...(target && { target }) });
  }

  #addLong(to: BpfRegister, from: number, value: bigint): void {
    this.#add(LD_IMM_DW, to, from, 0, Number(BigInt.asIntN(32, value)));
    this.#add(0, 0, 0, 0, Number(BigInt.asIntN(32, value >> 32n)));
  }
}

function distance(from: number, target: BpfLabel): number {
  if (target.index === UNKNOWN) throw new TypeError("A label that is jumped to has no place");
  const instructions = target.index - from - 1;
  if (instructions < -0x8000 || instructions > 0x7fff) {
    throw new RangeError(`A jump over ${instructions} instructions is too long`);
  }
  return instructions;
}
