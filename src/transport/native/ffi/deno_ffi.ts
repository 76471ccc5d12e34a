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

/** The part of Deno that is used, so that this file is checked without Deno's types. */
interface DenoNamespace {
  readonly permissions: { querySync(descriptor: { name: "ffi" }): { readonly state: string } };
  dlopen(
    path: string,
    symbols: Record<string, unknown>,
  ): { symbols: Record<string, unknown>; close(): void };
  readonly UnsafePointer: {
    of(view: ArrayBufferLike | ArrayBufferView): Pointer;
    create(address: bigint): Pointer;
    value(pointer: Pointer): number | bigint;
  };
  readonly UnsafePointerView: {
    getArrayBuffer(pointer: Pointer, length: number): ArrayBuffer;
    getCString(pointer: Pointer): string;
  };
  readonly UnsafeCallback: new (
    definition: { parameters: readonly string[]; result: string },
    call: (...parameters: never[]) => unknown,
  ) => { readonly pointer: Pointer; close(): void };
}

/** Foreign functions on Deno. Never prompts. */
export function denoFfi(): FfiAvailability {
  const { Deno: deno } = globalThis as unknown as { Deno: DenoNamespace };
  if (deno.permissions.querySync({ name: "ffi" }).state !== "granted") {
    return { reason: "needs --allow-ffi" };
  }
  return { ffi: new DenoFfi(deno) };
}

class DenoFfi implements Ffi {
  readonly runtime = "deno";
  readonly nonblocking = true;
  readonly nullPointer = null as unknown as Pointer;
  readonly #deno: DenoNamespace;
  readonly #errno: Int32Array;

  constructor(deno: DenoNamespace) {
    this.#deno = deno;
    const { __errno_location } = this.open(LIBC_NAMES, ERRNO_LOCATION).symbols;
    this.#errno = new Int32Array(this.memory(__errno_location(), 4));
  }

  open<const S extends Record<string, SymbolDefinition>>(
    names: readonly (string | null)[],
    symbols: S,
  ): Library<S> {
    const definitions: Record<string, unknown> = {};
    for (const [name, { parameters, result, nonblocking, callsBack }] of Object.entries(symbols)) {
      definitions[name] = { parameters, result, nonblocking, callback: callsBack };
    }
    return openFirst(names, (name) => {
      if (name === null) throw new Error("Deno cannot open the program itself");
      return this.#deno.dlopen(name, definitions) as Library<S>;
    });
  }

  pointer(buffer: ArrayBufferLike, offset = 0): Pointer {
    return this.#deno.UnsafePointer.of(new Uint8Array(buffer, offset));
  }

  address(buffer: ArrayBufferLike, offset = 0): bigint {
    return this.addressOf(this.pointer(buffer, offset));
  }

  pointerAt(address: bigint): Pointer {
    return this.#deno.UnsafePointer.create(address);
  }

  addressOf(pointer: Pointer): bigint {
    return BigInt(this.#deno.UnsafePointer.value(pointer));
  }

  memory(pointer: Pointer, length: number): ArrayBuffer {
    return this.#deno.UnsafePointerView.getArrayBuffer(pointer, length);
  }

  text(pointer: Pointer): string {
    return this.#deno.UnsafePointerView.getCString(pointer);
  }

  callback(
    parameters: readonly ParameterType[],
    result: ResultType,
    call: (...parameters: never[]) => unknown,
  ): Callback {
    return new this.#deno.UnsafeCallback({ parameters, result }, call);
  }

  errno(): number {
    return this.#errno[0]!;
  }
}
