import type {
  Callback,
  Ffi,
  FfiAvailability,
  Library,
  ParameterType,
  Pointer,
  ResultType,
  SymbolDefinition,
} from "./ffi.ts";
import { ERRNO_LOCATION, LIBC_NAMES, openFirst } from "./names.ts";

/** The part of `node:ffi` that is used, so that this file loads and is checked on older Nodes. */
interface NodeFfiModule {
  dlopen(
    path: string | null,
    symbols: Record<string, unknown>,
  ): { functions: Record<string, unknown>; lib: NodeLibrary };
  getRawPointer(buffer: ArrayBufferLike): bigint;
  toArrayBuffer(pointer: bigint, length: number, copy: boolean): ArrayBuffer;
  toString(pointer: bigint): string;
  getCurrentEventLoop(): bigint;
}

interface NodeLibrary {
  close(): void;
  registerCallback(
    definition: { arguments: readonly string[]; return: string },
    call: (...parameters: never[]) => unknown,
  ): bigint;
  unregisterCallback(pointer: bigint): void;
}

interface NodeProcess {
  readonly version: string;
  readonly permission?: { has(scope: string): boolean };
  getBuiltinModule?(name: string): unknown;
}

const TYPES: Record<ParameterType | ResultType, string> = {
  void: "void",
  i32: "int32",
  u32: "uint32",
  i64: "int64",
  u64: "uint64",
  usize: "uint64",
  pointer: "pointer",
  buffer: "buffer",
};

/** Foreign functions on Node, which prints an ExperimentalWarning when they are first used. */
export function nodeFfi(): FfiAvailability {
  const { process } = globalThis as unknown as { process: NodeProcess };
  if (process.permission !== undefined && !process.permission.has("ffi")) {
    return { reason: "needs --allow-ffi" };
  }
  // Not imported: bundlers and older Nodes do not know the name.
  const node = process.getBuiltinModule?.("node:ffi") as NodeFfiModule | undefined;
  if (node === undefined) {
    return { reason: `needs node:ffi, which Node ${process.version} lacks: use Node 26 or later` };
  }
  return { ffi: new NodeFfi(node) };
}

class NodeFfi implements Ffi {
  readonly runtime = "node";
  readonly nonblocking = false;
  readonly nullPointer = 0n as unknown as Pointer;
  readonly #node: NodeFfiModule;
  readonly #errno: Int32Array;
  /** Callbacks are made by a library, whichever. */
  readonly #library: NodeLibrary;

  constructor(node: NodeFfiModule) {
    this.#node = node;
    const { functions, lib } = openFirst(
      LIBC_NAMES,
      (name) => node.dlopen(name, definitionsOf(ERRNO_LOCATION)),
    );
    this.#library = lib;
    const location = (functions["__errno_location"] as () => Pointer)();
    this.#errno = new Int32Array(this.memory(location, 4));
  }

  open<const S extends Record<string, SymbolDefinition>>(
    names: readonly (string | null)[],
    symbols: S,
  ): Library<S> {
    const definitions = definitionsOf(symbols);
    const { functions, lib } = openFirst(names, (name) => this.#node.dlopen(name, definitions));
    return { symbols: functions as Library<S>["symbols"], close: () => lib.close() };
  }

  loop(): Pointer {
    return this.#node.getCurrentEventLoop() as unknown as Pointer;
  }

  pointer(buffer: ArrayBufferLike, offset = 0): Pointer {
    return this.address(buffer, offset) as unknown as Pointer;
  }

  address(buffer: ArrayBufferLike, offset = 0): bigint {
    return this.#node.getRawPointer(buffer) + BigInt(offset);
  }

  pointerAt(address: bigint): Pointer {
    return address as unknown as Pointer;
  }

  addressOf(pointer: Pointer): bigint {
    return pointer as unknown as bigint ?? 0n;
  }

  memory(pointer: Pointer, length: number): ArrayBuffer {
    return this.#node.toArrayBuffer(pointer as unknown as bigint, length, false);
  }

  text(pointer: Pointer): string {
    return this.#node.toString(pointer as unknown as bigint);
  }

  callback(
    parameters: readonly ParameterType[],
    result: ResultType,
    call: (...parameters: never[]) => unknown,
  ): Callback {
    const definition = { arguments: parameters.map((type) => TYPES[type]), return: TYPES[result] };
    const address = this.#library.registerCallback(definition, call);
    return {
      pointer: address as unknown as Pointer,
      close: () => this.#library.unregisterCallback(address),
    };
  }

  errno(): number {
    return this.#errno[0]!;
  }
}

function definitionsOf(symbols: Record<string, SymbolDefinition>): Record<string, unknown> {
  const definitions: Record<string, unknown> = {};
  for (const [name, { parameters, result, nonblocking }] of Object.entries(symbols)) {
    if (nonblocking) throw new TypeError(`Node has no nonblocking functions, such as ${name}`);
    definitions[name] = { arguments: parameters.map((type) => TYPES[type]), return: TYPES[result] };
  }
  return definitions;
}
