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

/** The part of `bun:ffi` that is used, so that this file is checked without Bun's types. */
interface BunFfiModule {
  dlopen(
    path: string,
    symbols: Record<string, unknown>,
  ): { symbols: Record<string, unknown>; close(): void };
  ptr(view: ArrayBufferLike | ArrayBufferView): number;
  toArrayBuffer(pointer: number, offset: number, length: number): ArrayBuffer;
  readonly CString: new (pointer: number) => string;
  readonly JSCallback: new (
    call: (...parameters: never[]) => unknown,
    definition: { args: readonly string[]; returns: string },
  ) => { readonly ptr: number; close(): void };
}

/** What the types are called that Bun calls otherwise. */
const TYPES: Record<string, string> = { pointer: "ptr", buffer: "ptr", usize: "u64" };

const typeName = (type: ParameterType | ResultType): string => TYPES[type] ?? type;

/** Foreign functions on Bun. */
export async function bunFfi(): Promise<FfiAvailability> {
  // A name that is not literal, so that other runtimes and bundlers do not look for it.
  const name: string = "bun:ffi";
  return { ffi: new BunFfi(await import(name) as BunFfiModule) };
}

class BunFfi implements Ffi {
  readonly runtime = "bun";
  readonly nonblocking = false;
  readonly nullPointer = 0 as unknown as Pointer;
  readonly #bun: BunFfiModule;
  readonly #errno: Int32Array;

  constructor(bun: BunFfiModule) {
    this.#bun = bun;
    const { __errno_location } = this.open(LIBC_NAMES, ERRNO_LOCATION).symbols;
    this.#errno = new Int32Array(this.memory(__errno_location(), 4));
  }

  open<const S extends Record<string, SymbolDefinition>>(
    names: readonly (string | null)[],
    symbols: S,
  ): Library<S> {
    const definitions: Record<string, unknown> = {};
    for (const [name, { parameters, result, nonblocking }] of Object.entries(symbols)) {
      if (nonblocking) throw new TypeError(`Bun has no nonblocking functions, such as ${name}`);
      definitions[name] = { args: parameters.map(typeName), returns: typeName(result) };
    }
    return openFirst(names, (name) => {
      if (name === null) throw new Error("Bun cannot open the program itself");
      return this.#bun.dlopen(name, definitions) as unknown as Library<S>;
    });
  }

  pointer(buffer: ArrayBufferLike, offset = 0): Pointer {
    return this.#bun.ptr(new Uint8Array(buffer)) + offset as unknown as Pointer;
  }

  address(buffer: ArrayBufferLike, offset = 0): bigint {
    return this.addressOf(this.pointer(buffer, offset));
  }

  pointerAt(address: bigint): Pointer {
    return Number(address) as unknown as Pointer;
  }

  addressOf(pointer: Pointer): bigint {
    // Functions give null for the null pointer.
    return BigInt(pointer as unknown as number ?? 0);
  }

  memory(pointer: Pointer, length: number): ArrayBuffer {
    return this.#bun.toArrayBuffer(pointer as unknown as number, 0, length);
  }

  text(pointer: Pointer): string {
    return `${new this.#bun.CString(pointer as unknown as number)}`;
  }

  callback(
    parameters: readonly ParameterType[],
    result: ResultType,
    call: (...parameters: never[]) => unknown,
  ): Callback {
    const made = new this.#bun.JSCallback(call, {
      args: parameters.map(typeName),
      returns: typeName(result),
    });
    return { pointer: made.ptr as unknown as Pointer, close: () => made.close() };
  }

  errno(): number {
    return this.#errno[0]!;
  }
}
