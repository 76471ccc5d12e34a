import type { Pointer } from "./ffi/ffi.ts";
import type { SystemCalls } from "./system_calls.ts";

const SIZE = 1024;

/** Memory for arguments of rare calls: options, addresses, names. */
export class Scratch {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly #calls: SystemCalls;
  readonly #buffer = new ArrayBuffer(SIZE);
  /** Its beginning. */
  readonly pointer: Pointer;
  /** Its second half, for lengths that calls read and write. */
  readonly lengthPointer: Pointer;

  constructor(calls: SystemCalls) {
    this.#calls = calls;
    this.bytes = new Uint8Array(this.#buffer);
    this.view = new DataView(this.#buffer);
    this.pointer = calls.pointer(this.#buffer);
    this.lengthPointer = calls.pointer(this.#buffer, SIZE / 2);
  }

  /** The length that a call has written. */
  get length(): number {
    return this.view.getUint32(SIZE / 2, true);
  }

  set length(bytes: number) {
    this.view.setUint32(SIZE / 2, bytes, true);
  }

  /** A C string at the beginning. Names of interfaces have 15 bytes at most. */
  writeText(text: string): void {
    const bytes = new TextEncoder().encode(text).subarray(0, SIZE / 4);
    this.bytes.set(bytes);
    this.bytes[bytes.length] = 0;
  }

  /** The C string at the beginning. */
  readText(): string {
    return new TextDecoder().decode(this.bytes.slice(0, this.bytes.indexOf(0)));
  }

  /** The index of an interface; 0 when there is none of that name. A number stands for itself. */
  interfaceIndex(name: string): number {
    if (/^[0-9]{1,9}$/.test(name)) return Number(name);
    this.writeText(name);
    return this.#calls.if_nametoindex(this.pointer);
  }

  /** The name of an interface; its number when it has gone. */
  interfaceName(index: number): string {
    const found = this.#calls.addressOf(this.#calls.if_indextoname(index, this.pointer));
    return found === 0n ? `${index}` : this.readText();
  }
}
