import type { Timers } from "../../clock/timers.ts";
import { answerRequest, type KeOffer } from "./ke_answer.ts";
import type { KeFailure } from "./ke_statistics.ts";
import { MessageReader } from "./message_reader.ts";
import { MAX_REQUEST_LENGTH } from "./request.ts";
import {
  ALPN,
  type TcpSocket,
  type TlsAcceptor,
  type TlsHandlers,
  type TlsSession,
} from "./tls/tls_engine.ts";

/** How long each part of an exchange may take, in milliseconds. */
export interface KeTimeLimits {
  /** From the connection to the end of the TLS handshake. */
  readonly handshakeTimeoutMs: number;
  /** From there to the end of the request. */
  readonly requestTimeoutMs: number;
  /** From there until the client has taken the answer and closed. */
  readonly closeTimeoutMs: number;
}

/** What a connection needs of its server. */
export interface KeConnectionParts {
  readonly acceptor: TlsAcceptor;
  readonly offer: KeOffer;
  readonly limits: KeTimeLimits;
  readonly timers: Timers;
  /** Told once what came of it: keys, or why there were none. */
  onOutcome(failure: KeFailure | undefined, error?: unknown): void;
  /** Told once that it is closed. */
  onClosed(): void;
}

/** One connection of a client to a key exchange server. */
export class KeConnection implements TlsHandlers {
  readonly #parts: KeConnectionParts;
  readonly #session: TlsSession;
  #reader: MessageReader | undefined = new MessageReader(MAX_REQUEST_LENGTH);
  #isSecure = false;
  #hasOutcome = false;
  #isClosed = false;
  #cancelTimer: () => void;

  constructor(socket: TcpSocket, parts: KeConnectionParts) {
    this.#parts = parts;
    this.#cancelTimer = this.#limit(parts.limits.handshakeTimeoutMs);
    this.#session = parts.acceptor.accept(socket, this);
  }

  /** Ends it for want of room. */
  evict(): void {
    this.#end("evicted");
  }

  /** Ends it since the server closes. */
  close(): void {
    this.#end("early");
  }

  onSecure(): void {
    if (this.#isClosed) return;
    // Who offers no protocol at all gets through the handshake.
    if (this.#session.alpn !== ALPN) return this.#end("handshake");
    this.#isSecure = true;
    this.#nextLimit(this.#parts.limits.requestTimeoutMs);
  }

  onData(piece: Uint8Array): void {
    const reader = this.#reader;
    if (this.#isClosed || reader === undefined || reader.push(piece) === "incomplete") return;
    this.#reader = undefined; // what comes behind it is not looked at
    this.#nextLimit(this.#parts.limits.closeTimeoutMs);
    const { message, failure, error } = answerRequest(reader, this.#session, this.#parts.offer);
    this.#tell(failure, error);
    this.#session.write(message);
    this.#session.end();
  }

  onClose(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelTimer();
    this.#tell(this.#isSecure ? "early" : "handshake");
    this.#parts.onClosed();
  }

  #limit(milliseconds: number): () => void {
    return this.#parts.timers.after(milliseconds, () => this.#end("timeout"));
  }

  #nextLimit(milliseconds: number): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#limit(milliseconds);
  }

  #end(failure: KeFailure): void {
    this.#tell(failure);
    this.#session.destroy();
    this.onClose();
  }

  #tell(failure: KeFailure | undefined, error?: unknown): void {
    if (this.#hasOutcome) return;
    this.#hasOutcome = true;
    this.#parts.onOutcome(failure, error);
  }
}
