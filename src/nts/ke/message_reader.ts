import { type KeRecord, RECORD, RECORD_HEADER_LENGTH } from "./record.ts";

/**
 * How far a message has been read: more must come; it is complete; it is longer than is allowed, or
 * something stands behind its end, or its end has a content (RFC 8915 §4.1.1).
 */
export type ReadState = "incomplete" | "complete" | "too-long" | "malformed";

/** Room to begin with: most requests are shorter. */
const FIRST_ROOM = 256;

/**
 * Puts a message together from pieces as TLS delivers them, cut anywhere. Never throws, and holds no
 * more memory than a message may be long.
 */
export class MessageReader {
  readonly #most: number;
  #bytes = new Uint8Array(0);
  #length = 0;
  #state: ReadState = "incomplete";
  readonly #records: KeRecord[] = [];
  /** Where the next record begins. */
  #at = 0;

  /**
   * Makes a reader of one message.
   *
   * @param most length above which a message is refused, in octets
   */
  constructor(most: number) {
    this.#most = most;
  }

  /** The records so far, without the end of the message. */
  get records(): readonly KeRecord[] {
    return this.#records;
  }

  /** How far the message has been read. */
  get state(): ReadState {
    return this.#state;
  }

  /**
   * Takes the next piece.
   *
   * @param piece copied
   */
  push(piece: Uint8Array): ReadState {
    if (piece.length === 0) return this.#state;
    if (this.#state === "complete") return this.#state = "malformed";
    if (this.#state !== "incomplete") return this.#state;
    if (this.#length + piece.length > this.#most) return this.#state = "too-long";
    this.#keep(piece);
    return this.#state = this.#read();
  }

  #keep(piece: Uint8Array): void {
    const length = this.#length + piece.length;
    if (length > this.#bytes.length) {
      const room = Math.min(this.#most, Math.max(length, 2 * this.#bytes.length, FIRST_ROOM));
      const larger = new Uint8Array(room);
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(piece, this.#length);
    this.#length = length;
  }

  #read(): ReadState {
    const bytes = this.#bytes;
    while (this.#length - this.#at >= RECORD_HEADER_LENGTH) {
      const at = this.#at;
      const type = ((bytes[at]! & 0x7f) << 8) | bytes[at + 1]!;
      const begin = at + RECORD_HEADER_LENGTH;
      const end = begin + ((bytes[at + 2]! << 8) | bytes[at + 3]!);
      if (end > this.#most) return "too-long"; // no need to wait for all of it
      if (end > this.#length) return "incomplete";
      this.#at = end;
      if (type === RECORD.endOfMessage) {
        return begin === end && end === this.#length ? "complete" : "malformed";
      }
      const critical = bytes[at]! >= 0x80;
      this.#records.push({ critical, type, body: bytes.slice(begin, end) });
    }
    return "incomplete";
  }
}
