import { NTPError } from "../../packet/error.ts";
import { abortedError } from "../../transport/aborted_error.ts";
import { Endpoint } from "../../transport/endpoint.ts";
import { systemError } from "../../transport/system_error.ts";
import type { NtsEstablishment } from "../nts_keys.ts";
import type { CheckedEstablishOptions } from "./establish_options.ts";
import { type KeServer, responseError, sessionError } from "./ke_client_error.ts";
import { exportKeys } from "./key_export.ts";
import { MessageReader } from "./message_reader.ts";
import { encodeRequest } from "./request.ts";
import { MAX_RESPONSE_LENGTH, readResponse } from "./response.ts";
import {
  ALPN,
  type TcpSocket,
  type TlsEngine,
  TlsError,
  type TlsSession,
} from "./tls/tls_engine.ts";

/** Port of NTP, where none is named. */
const NTP_PORT = 123;

/** What makes TCP connections. */
export type ConnectTcp = (options: { host: string; port: number }) => TcpSocket;

/** What an exchange with one address needs. */
interface Parts {
  readonly address: string;
  readonly serverName: string;
  readonly engine: TlsEngine;
  readonly connect: ConnectTcp;
  readonly options: CheckedEstablishOptions;
}

/** What became of a session once something has come: keys and cookies, or `undefined` so far. */
type Outcome = NtsEstablishment | undefined;

/** Reads a piece of the response; once it is complete, exports the keys. */
function take(
  reader: MessageReader,
  piece: Uint8Array,
  session: TlsSession,
  server: KeServer,
  { address, options }: Parts,
): Outcome {
  switch (reader.push(piece)) {
    case "incomplete":
      return undefined;
    case "too-long":
      throw responseError(server, `sent more than ${MAX_RESPONSE_LENGTH} octets`);
    case "malformed":
      throw responseError(server, "sent a message that does not end as it should");
  }
  const response = readResponse(reader.records, options.aeads);
  if (typeof response === "string") throw responseError(server, response);
  return {
    ...exportKeys(session, response.aead),
    cookies: response.cookies,
    // Without a name it is the same machine, not another one of the same name (RFC 8915 §4.1.7).
    hostname: response.server ?? address,
    port: response.port ?? NTP_PORT,
  };
}

/**
 * Makes a key exchange with one address.
 *
 * @throws {NTPError} what {@linkcode establishNts} throws
 */
export async function exchangeKeys(parts: Parts): Promise<NtsEstablishment> {
  const { address, serverName, engine, connect, options } = parts;
  const { port, signal, timers, timeoutMs, aeads, ntpHostname, ntpPort } = options;
  const server: KeServer = { hostname: serverName, where: `${new Endpoint(address, port)}` };
  const what = `exchanging keys with ${server.where}`;
  if (signal?.aborted) throw abortedError(what, signal);

  let socket: TcpSocket | undefined;
  let cancelTimer = () => {};
  let onAbort = () => {};
  try {
    return await new Promise<NtsEstablishment>((resolve, reject) => {
      onAbort = () => reject(abortedError(what, signal!));
      signal?.addEventListener("abort", onAbort);
      let doing = "did not accept a connection";
      cancelTimer = timers.after(timeoutMs, () => {
        const text = `The key exchange server ${server.where} ${doing} within ${timeoutMs} ms`;
        reject(new NTPError("timeout", text));
      });
      /** What handlers throw is the result, and no concern of whoever calls them. */
      const attempt = (action: () => void) => {
        try {
          action();
        } catch (error) {
          reject(error instanceof TlsError ? sessionError(server, error) : error);
        }
      };
      const reader = new MessageReader(MAX_RESPONSE_LENGTH);
      const begin = (socket: TcpSocket) => {
        doing = "did not answer";
        const { ca } = options;
        const session: TlsSession = engine.connect(socket, { serverName, ca }, {
          onSecure: () =>
            attempt(() => {
              if (session.alpn !== ALPN) throw new TlsError("alpn", "no protocol was agreed on");
              session.write(encodeRequest({ aeads, server: ntpHostname, port: ntpPort }));
            }),
          onData: (piece) =>
            attempt(() => {
              const outcome = take(reader, piece, session, server, parts);
              if (outcome === undefined) return;
              resolve(outcome);
              session.end();
            }),
          onClose: (error) => reject(sessionError(server, error)),
        });
      };
      socket = connect({ host: address, port });
      let connected = false;
      socket.on("connect", () => {
        connected = true;
        attempt(() => begin(socket!));
      });
      socket.on("error", (error) => {
        if (!connected) reject(connectError(error, address, port));
      });
    });
  } finally {
    cancelTimer();
    signal?.removeEventListener("abort", onAbort);
    socket?.destroy();
  }
}

function connectError(error: Error, hostname: string, port: number): NTPError {
  const { code } = error as { code?: unknown };
  if (code === "ETIMEDOUT") {
    const where = `${new Endpoint(hostname, port)}`;
    return new NTPError(
      "timeout",
      `The key exchange server ${where} did not accept a connection`,
      { cause: error },
    );
  }
  return systemError(error, { what: "connect", hostname, port });
}
