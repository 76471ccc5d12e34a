import { NTPError } from "../../packet/error.ts";
import { TlsError } from "./tls/tls_engine.ts";

/** Which server of a key exchange: for messages. */
export interface KeServer {
  /** Name or address that was asked for. */
  readonly hostname: string;
  /** Address and port. */
  readonly where: string;
}

/**
 * What is wrong with a TLS session, as an error with the remedy.
 *
 * @param error what ended it; absent: the server did, without a word
 */
export function sessionError(server: KeServer, error: Error | undefined): NTPError {
  if (error instanceof NTPError) return error;
  const { hostname } = server;
  const who = server.where.includes(hostname)
    ? `The key exchange server ${server.where}`
    : `The key exchange server ${hostname} (${server.where})`;
  const fail = (code: "authentication" | "key-exchange", text: string) =>
    new NTPError(code, `${who} ${text}`, { cause: error });
  switch (error instanceof TlsError ? error.fault : "closed") {
    case "expired":
      return fail(
        "authentication",
        "has a certificate that has expired, by the clock of this computer: if that is right, the " +
          "server needs a new one; if it is wrong, set it once by other means",
      );
    case "not-yet-valid":
      return fail(
        "authentication",
        "has a certificate that is not valid yet, by the clock of this computer: the clock is likely " +
          "wrong; set it once by other means",
      );
    case "untrusted":
      return fail(
        "authentication",
        `has a certificate that nobody who is trusted has signed (${
          error!.message
        }): if its CA is ` +
          "a private one, pass that one's certificate as ca (ntps: --ca FILE)",
      );
    case "name":
      return fail(
        "authentication",
        `has a certificate that is for others than ${hostname}: ask it by a name in its certificate`,
      );
    case "alpn":
      return fail(
        "key-exchange",
        "does not speak ntske/1 (no common ALPN): another service listens at that port",
      );
    case "version":
      return fail("key-exchange", "has no TLS 1.3, which NTS needs, or no TLS at all");
    case "closed":
      return fail(
        "key-exchange",
        "closed the connection without an answer: it may be overloaded, or another service",
      );
    default:
      return fail("key-exchange", `broke the TLS session off: ${error!.message}`);
  }
}

/** What is wrong with what the server said, as an error. */
export function responseError(server: KeServer, what: string): NTPError {
  return new NTPError("key-exchange", `The key exchange server ${server.where} ${what}`);
}
