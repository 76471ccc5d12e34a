import { connect } from "node:net";
import { loadTls } from "../../../src/nts/ke/tls/load_tls.ts";
import type { TcpSocket, TlsSession } from "../../../src/nts/ke/tls/tls_engine.ts";

/** A client that says what it is told to, in a session that stands. */
export class RawClient {
  /** All that has come. */
  readonly received: number[] = [];
  /** When the server has closed. */
  readonly closed: Promise<void>;
  readonly #session: TlsSession;

  private constructor(session: TlsSession, closed: Promise<void>) {
    this.#session = session;
    this.closed = closed;
  }

  /** Connects to a server on loopback. */
  static async open(port: number, serverName: string, ca: string): Promise<RawClient> {
    const engine = await loadTls();
    const socket = connect({ host: "127.0.0.1", port });
    await new Promise<void>((resolve, reject) => {
      socket.on("connect", () => resolve());
      socket.on("error", reject);
    });
    return await new Promise((resolve, reject) => {
      let close = () => {};
      const closed = new Promise<void>((done) => close = done);
      const session: TlsSession = engine.connect(socket as TcpSocket, { serverName, ca }, {
        onSecure: () => resolve(client),
        onData: (bytes) => void client.received.push(...bytes),
        onClose: (error) => {
          reject(error ?? new Error("closed"));
          close();
        },
      });
      const client = new RawClient(session, closed);
    });
  }

  /** Says something. */
  write(bytes: Uint8Array): void {
    this.#session.write(bytes);
  }

  /** Hangs up. */
  close(): void {
    this.#session.destroy();
  }
}
