import type { KeyExporter } from "../key_export.ts";

/** Implementations of TLS that export keys. */
export type TlsName = "node:tls" | "libssl";

/** Name of the protocol in the handshake (RFC 8915 §3). */
export const ALPN = "ntske/1";

/** Why there is no TLS session, as far as it changes what to do about it. */
export type TlsFault =
  | "expired"
  | "not-yet-valid"
  | "untrusted"
  | "name"
  | "alpn"
  | "version"
  | "closed"
  | "other";

/** What ended a TLS session, or kept it from being. */
export class TlsError extends Error {
  override name = "TlsError";
  /** Why. */
  readonly fault: TlsFault;

  /** Makes an error. */
  constructor(fault: TlsFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.fault = fault;
  }
}

/** The part of a `node:net` socket that is used, so that nobody needs its types. */
export interface TcpSocket {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  on(event: "data", listener: (chunk: Uint8Array) => void): unknown;
  on(event: "connect" | "end" | "close", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  write(bytes: Uint8Array): unknown;
  end(): unknown;
  destroy(): unknown;
}

/** What a session tells. */
export interface TlsHandlers {
  /** The handshake is done: the other side is who it should be. */
  onSecure(): void;
  /** Something came; the bytes are borrowed. */
  onData(bytes: Uint8Array): void;
  /** Nothing more comes, for this reason if there is one. Called once, last of all. */
  onClose(error?: Error): void;
}

/** A TLS session on a TCP connection, which it ends with itself. */
export interface TlsSession extends KeyExporter {
  /** The protocol that both agreed on, if any; known once it is secure. */
  readonly alpn: string | undefined;
  /** Sends something, once it is secure. */
  write(bytes: Uint8Array): void;
  /** Says that nothing more is sent, and closes when what was sent has gone. */
  end(): void;
  /** Closes at once. */
  destroy(): void;
}

/** Whom a client expects. */
export interface TlsClientOptions {
  /** Name or IP address that the certificate must be for. */
  readonly serverName: string;
  /** Certificates of those who may have signed it, in PEM. Absent: those that the system trusts. */
  readonly ca?: string | undefined;
}

/** Who a server is. */
export interface TlsIdentity {
  /** Its certificate, and those between it and the one that clients trust, in PEM. */
  readonly cert: string;
  /** Its private key, in PEM, not encrypted. */
  readonly key: string;
}

/** Makes sessions of a server with one identity. */
export interface TlsAcceptor {
  /** Makes a session of a connection. */
  accept(socket: TcpSocket, handlers: TlsHandlers): TlsSession;
  /** Nobody is accepted any more; sessions that stand go on. */
  close(): void;
}

/** TLS 1.3, and no other version, with ALPN `ntske/1`, and keys exported (RFC 8915 §3). */
export interface TlsEngine {
  /** Whose it is. */
  readonly name: TlsName;
  /**
   * Begins a session as a client.
   *
   * @param socket a connection that stands
   * @throws {NTPError} `malformed` if `ca` holds no certificate
   */
  connect(socket: TcpSocket, options: TlsClientOptions, handlers: TlsHandlers): TlsSession;
  /**
   * Prepares sessions as a server.
   *
   * @throws {NTPError} `malformed` if certificate or key cannot be read, or do not belong together
   */
  serve(identity: TlsIdentity): TlsAcceptor;
}
