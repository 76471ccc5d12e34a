/**
 * Functions of system libraries, called alike on Deno, Bun and Node: types only.
 *
 * Wrong arguments end the process, so what is passed is fixed where it is written: types of symbols
 * once, memory laid out once, and no length that comes from the network.
 *
 * @module
 */

/** Types of parameters. 64-bit integers are bigints; `"buffer"` is the bytes of a view themselves. */
export type ParameterType =
  | "i32"
  | "u32"
  | "i64"
  | "u64"
  | "usize"
  | "pointer"
  | "buffer";

/**
 * Types of results. A small result of a function that returns 64 bits (`ssize_t`) may be declared
 * `"i32"`: it is the lower half of the same register, and no bigint is made.
 */
export type ResultType = "void" | "i32" | "u32" | "i64" | "u64" | "usize" | "pointer";

/** A function of a library. */
export interface SymbolDefinition {
  readonly parameters: readonly ParameterType[];
  readonly result: ResultType;
  /** Runs on another thread and gives a promise. Only where {@linkcode Ffi.nonblocking} is true. */
  readonly nonblocking?: boolean;
  /** May call back into JavaScript while it runs. */
  readonly callsBack?: boolean;
}

/**
 * An address in the form that this runtime takes fastest: an object or null (Deno), a number (Bun), a
 * bigint (Node). Made once, used for many calls; never looked into.
 */
export interface Pointer {
  /** A mark for the compiler; nothing has it. */
  readonly isPointerOfThisRuntime: true;
}

/** What stands for a value of one type in JavaScript. */
export type ForeignValue<T> = T extends "pointer" ? Pointer
  : T extends "buffer" ? Uint8Array
  : T extends "i64" | "u64" | "usize" ? bigint
  : T extends "void" ? void
  : number;

/** What stands for values of some types. */
export type ForeignValues<P extends readonly ParameterType[]> = {
  -readonly [K in keyof P]: ForeignValue<P[K]>;
};

/** A function of a library in JavaScript. */
export type ForeignFunction<S extends SymbolDefinition> = (
  ...parameters: ForeignValues<S["parameters"]>
) => S extends { readonly nonblocking: true } ? Promise<ForeignValue<S["result"]>>
  : ForeignValue<S["result"]>;

/** An open library. */
export interface Library<S extends Record<string, SymbolDefinition>> {
  /** Its functions. To be taken out and called: `const { poll } = library.symbols`. */
  readonly symbols: { readonly [K in keyof S]: ForeignFunction<S[K]> };
  /** Gives it back; its functions must not be called any more. */
  close(): void;
}

/** A JavaScript function that C can call. */
export interface Callback {
  readonly pointer: Pointer;
  /** Gives it back; C must not call it any more. */
  close(): void;
}

/** Foreign functions as a runtime has them. */
export interface Ffi {
  /** Whose they are. */
  readonly runtime: "deno" | "bun" | "node";
  /** Whether symbols can be `nonblocking`. */
  readonly nonblocking: boolean;
  /** Where nothing is. */
  readonly nullPointer: Pointer;
  /** The event loop of libuv that this thread runs; only on Node. */
  readonly loop?: () => Pointer;

  /**
   * Opens a library.
   *
   * @param names candidates, tried in turn, such as `["libssl.so.3", "libssl.so"]`; null is the
   * program itself (Node only)
   * @param symbols the functions to be called
   * @throws {NTPError} `unsupported` if none can be opened, or lacks a function
   */
  open<const S extends Record<string, SymbolDefinition>>(
    names: readonly (string | null)[],
    symbols: S,
  ): Library<S>;

  /**
   * The address of memory. It does not keep the memory alive: whoever uses it does.
   *
   * @param buffer memory that does not move: an `ArrayBuffer` or `SharedArrayBuffer` made as such, not
   * the `buffer` of a small array, which Bun moves
   * @param offset bytes from its beginning
   */
  pointer(buffer: ArrayBufferLike, offset?: number): Pointer;
  /** The same as a number, for pointers within structures. */
  address(buffer: ArrayBufferLike, offset?: number): bigint;
  /** A pointer from an address that C gave as a number; 0n is {@linkcode Ffi.nullPointer}. */
  pointerAt(address: bigint): Pointer;
  /** A pointer as a number; of the null pointer 0n. */
  addressOf(pointer: Pointer): bigint;

  /**
   * Memory of C's as a buffer, without a copy. It is C's: not to be touched when it has been freed or
   * unmapped.
   *
   * @param pointer where it begins
   * @param length in bytes
   */
  memory(pointer: Pointer, length: number): ArrayBuffer;
  /** A text of C's: the bytes up to a zero, as UTF-8. */
  text(pointer: Pointer): string;

  /**
   * Makes a function that C can call, on the thread that made it, while a symbol with `callsBack`
   * runs or from the event loop of Node.
   *
   * @param parameters types of what C passes
   * @param result type of what it gets
   * @param call must not throw
   */
  callback<const P extends readonly Exclude<ParameterType, "buffer">[], R extends ResultType>(
    parameters: P,
    result: R,
    call: (...parameters: ForeignValues<P>) => ForeignValue<R>,
  ): Callback;

  /**
   * `errno` of this thread, to be read right after a call that has failed: memory is looked at and
   * nothing called, so the runtime hardly ever comes between (not once in 200,000 calls). A collection
   * of garbage may: a code that makes no sense is to be treated like a passing error.
   */
  errno(): number;
}

/** Foreign functions, or in words why there are none. */
export type FfiAvailability =
  | { readonly ffi: Ffi; readonly reason?: undefined }
  | { readonly ffi?: undefined; readonly reason: string };

/** Bytes of a C string. Its `ArrayBuffer` is its own and does not move. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new TextEncoder().encode(text);
  const copy = new Uint8Array(new ArrayBuffer(bytes.length + 1));
  copy.set(bytes);
  return copy;
}
