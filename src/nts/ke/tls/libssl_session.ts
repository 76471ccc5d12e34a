import { parseIpAddress } from "../../../packet/ip_address.ts";
import { cString, type Pointer } from "../../../transport/native/ffi/ffi.ts";
import type { Libssl } from "./libssl.ts";
import { ALPN, type TcpSocket, TlsError, type TlsHandlers, type TlsSession } from "./tls_engine.ts";
import { ALPN_LIST, type LibsslContext } from "./libssl_context.ts";

/** Command of `SSL_ctrl` that names the server wanted (RFC 6066 §3). */
const SET_SERVER_NAME = 55;

/** Results of `SSL_get_error`. */
const WANT_READ = 2, CLOSED = 6;

/** Longest piece read or written at once: a TLS record. */
const PIECE = 16_384;

/** Where pieces pass through. */
const scratch: Uint8Array = new Uint8Array(new ArrayBuffer(PIECE));

/** A TLS session of OpenSSL between two BIOs in memory, which a TCP connection fills and empties. */
export class LibsslSession implements TlsSession {
  readonly #libssl: Libssl;
  readonly #context: LibsslContext;
  readonly #socket: TcpSocket;
  readonly #handlers: TlsHandlers;
  readonly #session: Pointer;
  readonly #incoming: Pointer;
  readonly #outgoing: Pointer;
  #secure = false;
  #over = false;
  #error: Error | undefined;

  /**
   * Makes a session.
   *
   * @param serverName whom a client expects; absent: this is the server
   */
  constructor(
    libssl: Libssl,
    context: LibsslContext,
    socket: TcpSocket,
    handlers: TlsHandlers,
    serverName?: string,
  ) {
    this.#libssl = libssl;
    this.#context = context;
    this.#socket = socket;
    this.#handlers = handlers;
    const { ssl } = libssl;
    this.#session = context.session();
    this.#incoming = ssl.BIO_new(ssl.BIO_s_mem());
    this.#outgoing = ssl.BIO_new(ssl.BIO_s_mem());
    ssl.SSL_set_bio(this.#session, this.#incoming, this.#outgoing);
    if (serverName === undefined) ssl.SSL_set_accept_state(this.#session);
    else this.#expect(serverName);
    socket.on("data", (chunk) => this.#receive(chunk));
    socket.on("error", (cause) => {
      this.#error ??= new TlsError("closed", cause.message, { cause });
    });
    socket.on("end", () => this.#socket.end());
    socket.on("close", () => {
      this.#finish();
      handlers.onClose(this.#error);
    });
    if (serverName !== undefined) this.#advance();
  }

  get alpn(): string | undefined {
    if (this.#over) return undefined;
    const { ssl, ffi } = this.#libssl;
    const text = new BigUint64Array(1), length = new Uint32Array(1);
    ssl.SSL_get0_alpn_selected(
      this.#session,
      new Uint8Array(text.buffer),
      new Uint8Array(length.buffer),
    );
    if (length[0] !== ALPN.length) return undefined;
    const selected = ffi.memory(ffi.pointerAt(text[0]!), ALPN.length);
    return new TextDecoder().decode(new Uint8Array(selected));
  }

  exportKeyingMaterial(length: number, label: string, context: Uint8Array): Uint8Array {
    if (this.#over) throw new TlsError("closed", "the session is over");
    const into = new Uint8Array(new ArrayBuffer(length));
    const text = new TextEncoder().encode(label);
    const done = this.#libssl.ssl.SSL_export_keying_material(
      this.#session,
      into,
      BigInt(into.length),
      text,
      BigInt(text.length),
      context,
      BigInt(context.length),
      1,
    );
    if (done !== 1) throw this.#libssl.error();
    return into;
  }

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && !this.#over; at += PIECE) {
      const piece = bytes.subarray(at, at + PIECE);
      this.#libssl.ssl.ERR_clear_error();
      // The BIO grows as needed, so all of it is taken.
      const taken = this.#libssl.ssl.SSL_write(this.#session, piece, piece.length);
      if (taken <= 0) return this.#fail(this.#libssl.error());
      this.#flush();
    }
  }

  end(): void {
    if (this.#over) return;
    if (this.#secure) {
      this.#libssl.ssl.SSL_shutdown(this.#session);
      this.#flush();
    }
    this.#socket.end();
  }

  destroy(): void {
    this.#finish();
    this.#socket.destroy();
  }

  #expect(serverName: string): void {
    const { ssl } = this.#libssl, session = this.#session;
    ssl.SSL_set_connect_state(session);
    ssl.SSL_set_alpn_protos(session, ALPN_LIST, ALPN_LIST.length);
    const name = cString(serverName.replace(/\.$/, ""));
    if (parseIpAddress(serverName, new Uint8Array(16)) !== 0) {
      ssl.X509_VERIFY_PARAM_set1_ip_asc(ssl.SSL_get0_param(session), name);
      return;
    }
    ssl.SSL_set1_host(session, name);
    ssl.SSL_ctrl(session, SET_SERVER_NAME, 0n, name);
  }

  #receive(chunk: Uint8Array): void {
    if (this.#over) return;
    this.#libssl.ssl.BIO_write(this.#incoming, chunk, chunk.length);
    this.#advance();
  }

  /** Does what can be done with what has come. */
  #advance(): void {
    const { ssl } = this.#libssl;
    if (!this.#secure) {
      ssl.ERR_clear_error();
      const result = ssl.SSL_do_handshake(this.#session);
      const error = result === 1 ? undefined : this.#errorOf(result);
      this.#flush(); // what is wrong is told to the other side too
      if (error !== undefined) return this.#fail(error);
      if (result !== 1) return;
      this.#secure = true;
      this.#handlers.onSecure();
    }
    while (!this.#over) {
      ssl.ERR_clear_error();
      const length = ssl.SSL_read(this.#session, scratch, PIECE);
      if (length > 0) {
        this.#handlers.onData(scratch.subarray(0, length));
        continue;
      }
      const closed = ssl.SSL_get_error(this.#session, length) === CLOSED;
      const error = closed ? undefined : this.#errorOf(length);
      this.#flush();
      if (error !== undefined) this.#fail(error);
      else if (closed) this.end();
      return;
    }
  }

  /** What is wrong; undefined if more must come. */
  #errorOf(result: number): Error | undefined {
    const { ssl } = this.#libssl;
    if (ssl.SSL_get_error(this.#session, result) === WANT_READ) return undefined;
    return this.#libssl.error(this.#session);
  }

  #flush(): void {
    for (;;) {
      const length = this.#libssl.ssl.BIO_read(this.#outgoing, scratch, PIECE);
      if (length <= 0) return;
      this.#socket.write(scratch.slice(0, length));
    }
  }

  #fail(error: Error): void {
    this.#error ??= error;
    this.#finish();
    this.#socket.end();
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#libssl.ssl.SSL_free(this.#session); // and both BIOs
    this.#context.release();
  }
}
