import type { Ffi, Library, Pointer } from "../../../transport/native/ffi/ffi.ts";
import { LIBSSL_NAMES, LIBSSL_SYMBOLS } from "./libssl_symbols.ts";
import { TlsError, type TlsFault } from "./tls_engine.ts";

/** Reasons of errors (`sslerr.h`; alerts of the other side are 1000 and their number) that tell more. */
const REASONS: Readonly<Record<number, TlsFault>> = {
  235: "alpn",
  1120: "alpn",
  258: "version",
  267: "version",
  1070: "version",
};

/** `SSL_R_CERTIFICATE_VERIFY_FAILED`: what is wrong with it is told elsewhere. */
const VERIFY_FAILED = 134;

/** Results of the check of a certificate (`x509_vfy.h`). */
const VERIFY_FAULTS: Readonly<Record<number, TlsFault>> = {
  9: "not-yet-valid",
  10: "expired",
  62: "name",
  64: "name",
};

/** OpenSSL, opened. */
export class Libssl {
  /** How it is called. */
  readonly ffi: Ffi;
  /** Its functions. */
  readonly ssl: Library<typeof LIBSSL_SYMBOLS>["symbols"];

  /**
   * Opens the library.
   *
   * @throws {NTPError} `unsupported` if it is not there
   */
  constructor(ffi: Ffi) {
    this.ffi = ffi;
    this.ssl = ffi.open(LIBSSL_NAMES, LIBSSL_SYMBOLS).symbols;
  }

  /** Whether C gave nothing. */
  isNull(pointer: Pointer): boolean {
    return this.ffi.addressOf(pointer) === 0n;
  }

  /** Calls a function with a text as a BIO. */
  withText<T>(text: string, use: (bio: Pointer) => T): T {
    const bytes = new TextEncoder().encode(text);
    const bio = this.ssl.BIO_new(this.ssl.BIO_s_mem());
    try {
      if (bytes.length > 0) this.ssl.BIO_write(bio, bytes, bytes.length);
      return use(bio);
    } finally {
      this.ssl.BIO_free(bio);
    }
  }

  /**
   * The error that was told last, as one that says what it is about; the others are forgotten.
   *
   * @param session whose handshake failed, if one did
   */
  error(session?: Pointer): TlsError {
    const { ssl, ffi } = this;
    const code = ssl.ERR_get_error();
    ssl.ERR_clear_error();
    const reason = Number(code & 0x7fffffn);
    if (session !== undefined && reason === VERIFY_FAILED) {
      const result = ssl.SSL_get_verify_result(session);
      const fault = VERIFY_FAULTS[Number(result)] ?? "untrusted";
      return new TlsError(fault, ffi.text(ssl.X509_verify_cert_error_string(result)));
    }
    const text = code === 0n ? undefined : ssl.ERR_reason_error_string(code);
    const message = text === undefined || this.isNull(text) ? "no reason told" : ffi.text(text);
    return new TlsError(REASONS[reason] ?? "other", message);
  }
}
