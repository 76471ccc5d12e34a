import { NTPError } from "../../../packet/error.ts";
import { parseIpAddress } from "../../../packet/ip_address.ts";
import {
  ALPN,
  type TcpSocket,
  type TlsAcceptor,
  type TlsClientOptions,
  type TlsEngine,
  TlsError,
  type TlsFault,
  type TlsHandlers,
  type TlsIdentity,
  type TlsSession,
} from "./tls_engine.ts";

/** The part of a TLS socket that is used. */
interface TlsSocket extends TcpSocket {
  readonly alpnProtocol?: string | false | null;
  on(event: "data", listener: (chunk: Uint8Array) => void): unknown;
  on(
    event: "secure" | "secureConnect" | "end" | "close" | "connect",
    listener: () => void,
  ): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  exportKeyingMaterial(length: number, label: string, context: Uint8Array): Uint8Array;
}

/** The part of `node:tls` that is used, so that this file is checked without its types. */
export interface NodeTls {
  readonly TLSSocket: {
    new (socket: TcpSocket, options: Record<string, unknown>): TlsSocket;
    readonly prototype: object;
  };
  connect(options: Record<string, unknown>): TlsSocket;
  createSecureContext(options: Record<string, unknown>): unknown;
}

/** All that both sides say of the protocol. */
const PROTOCOL = { ALPNProtocols: [ALPN], minVersion: "TLSv1.3", maxVersion: "TLSv1.3" } as const;

/** Whether this runtime's `node:tls` exports keys. */
export function exportsKeys(tls: NodeTls): boolean {
  return "exportKeyingMaterial" in tls.TLSSocket.prototype;
}

/** What the codes of errors are about. */
const FAULTS: readonly (readonly [pattern: RegExp, fault: TlsFault])[] = [
  [/^CERT_HAS_EXPIRED$/, "expired"],
  [/^CERT_NOT_YET_VALID$/, "not-yet-valid"],
  [/ALTNAME_INVALID$/, "name"],
  [/NO_APPLICATION_PROTOCOL$/, "alpn"],
  [/(UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION|VERSION_NUMBER)$/, "version"],
  [/^(ECONNRESET|EPIPE)$/, "closed"],
  [/CERT|ISSUER|SIGNATURE|CRL/, "untrusted"],
];

/** An error of the runtime as one that says what it is about. */
function asTlsError(error: Error): Error {
  const { code } = error as { code?: unknown };
  const text = typeof code === "string" ? code : "";
  const fault = FAULTS.find(([pattern]) => pattern.test(text))?.[1] ?? "other";
  const [said = ""] = error.message.split("\n");
  return new TlsError(fault, text.startsWith("ERR_SSL") || said === "" ? text : said, {
    cause: error,
  });
}

class NodeTlsSession implements TlsSession {
  readonly #socket: TlsSocket;

  constructor(socket: TlsSocket, handlers: TlsHandlers, secureEvent: "secure" | "secureConnect") {
    this.#socket = socket;
    let error: Error | undefined;
    socket.on(secureEvent, () => handlers.onSecure());
    socket.on("data", (chunk) => handlers.onData(chunk));
    socket.on("error", (thrown) => error ??= asTlsError(thrown));
    socket.on("close", () => handlers.onClose(error));
  }

  get alpn(): string | undefined {
    return this.#socket.alpnProtocol || undefined;
  }

  exportKeyingMaterial(length: number, label: string, context: Uint8Array): Uint8Array {
    return new Uint8Array(this.#socket.exportKeyingMaterial(length, label, context));
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** TLS of Node and Bun. */
export class NodeTlsEngine implements TlsEngine {
  readonly name = "node:tls";
  readonly #tls: NodeTls;

  constructor(tls: NodeTls) {
    this.#tls = tls;
  }

  connect(
    socket: TcpSocket,
    { serverName, ca }: TlsClientOptions,
    handlers: TlsHandlers,
  ): TlsSession {
    const isAddress = parseIpAddress(serverName, new Uint8Array(16)) !== 0;
    try {
      const secured = this.#tls.connect({
        socket,
        host: serverName,
        servername: isAddress ? "" : serverName, // addresses are not announced (RFC 6066 §3)
        ...(ca !== undefined && { ca }),
        ...PROTOCOL,
      });
      return new NodeTlsSession(secured, handlers, "secureConnect");
    } catch (cause) {
      throw new NTPError("malformed", `ca holds no certificate in PEM: ${textOf(cause)}`, {
        cause,
      });
    }
  }

  serve({ cert, key }: TlsIdentity): TlsAcceptor {
    let context: unknown;
    try {
      context = this.#tls.createSecureContext({ cert, key, ...PROTOCOL });
    } catch (cause) {
      throw new NTPError(
        "malformed",
        `The certificate and its key cannot be used: ${textOf(cause)}`,
        { cause },
      );
    }
    return {
      accept: (socket, handlers) => {
        const options = { isServer: true, secureContext: context, ...PROTOCOL };
        const secured = new this.#tls.TLSSocket(socket, options);
        return new NodeTlsSession(secured, handlers, "secure");
      },
      close() {},
    };
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message.split("\n")[0]! : String(error);
}
