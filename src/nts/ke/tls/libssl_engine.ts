import type { Libssl } from "./libssl.ts";
import { LibsslContext } from "./libssl_context.ts";
import { LibsslSession } from "./libssl_session.ts";
import type {
  TcpSocket,
  TlsAcceptor,
  TlsClientOptions,
  TlsEngine,
  TlsHandlers,
  TlsIdentity,
  TlsSession,
} from "./tls_engine.ts";

/** TLS of OpenSSL 3, for runtimes whose own exports no keys. */
export class LibsslEngine implements TlsEngine {
  readonly name = "libssl";
  readonly #libssl: Libssl;

  constructor(libssl: Libssl) {
    this.#libssl = libssl;
  }

  connect(
    socket: TcpSocket,
    { serverName, ca }: TlsClientOptions,
    handlers: TlsHandlers,
  ): TlsSession {
    const context = new LibsslContext(this.#libssl);
    try {
      context.verify(ca);
      return new LibsslSession(this.#libssl, context, socket, handlers, serverName);
    } finally {
      context.release(); // the session has it from here on
    }
  }

  serve(identity: TlsIdentity): TlsAcceptor {
    const context = new LibsslContext(this.#libssl);
    try {
      context.identify(identity);
    } catch (error) {
      context.release();
      throw error;
    }
    return {
      accept: (socket, handlers) => new LibsslSession(this.#libssl, context, socket, handlers),
      close: () => context.release(),
    };
  }
}
