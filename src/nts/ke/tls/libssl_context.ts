import { NTPError } from "../../../packet/error.ts";
import type { Callback, Pointer } from "../../../transport/native/ffi/ffi.ts";
import { cString } from "../../../transport/native/ffi/ffi.ts";
import type { Libssl } from "./libssl.ts";
import { ALPN, type TlsIdentity } from "./tls_engine.ts";

/** Commands of `SSL_CTX_ctrl` (`ssl.h`). */
const SET_MIN_PROTOCOL = 123, SET_MAX_PROTOCOL = 124, CHAIN_CERTIFICATE = 89, MODE = 33;
const TLS_1_3 = 0x0304n;
/** Buffers of sessions that wait are given back. */
const RELEASE_BUFFERS = 0x10n;
const VERIFY_PEER = 1;

/** Results of the choice of a protocol. */
const CHOSEN = 0, FATAL_ALERT = 2;

/** A list of one protocol as ALPN writes it (RFC 7301 §3.1). */
export const ALPN_LIST: Uint8Array<ArrayBuffer> = new Uint8Array(new ArrayBuffer(ALPN.length + 1));
ALPN_LIST.set([ALPN.length, ...new TextEncoder().encode(ALPN)]);

/** Where that list is offered. */
function offersAlpn(list: Uint8Array): boolean {
  for (let at = 0; at < list.length; at += list[at]! + 1) {
    const offer = list.subarray(at, at + ALPN_LIST.length);
    if (offer.length === ALPN_LIST.length && offer.every((byte, i) => byte === ALPN_LIST[i])) {
      return true;
    }
  }
  return false;
}

/** What sessions of one side have in common: an `SSL_CTX`. */
export class LibsslContext {
  readonly #libssl: Libssl;
  #pointer: Pointer;
  #callback: Callback | undefined;
  /** Sessions that use it, and whoever made it. */
  #users = 1;

  constructor(libssl: Libssl) {
    this.#libssl = libssl;
    const { ssl, ffi } = libssl;
    this.#pointer = ssl.SSL_CTX_new(ssl.TLS_method());
    for (const command of [SET_MIN_PROTOCOL, SET_MAX_PROTOCOL]) {
      ssl.SSL_CTX_ctrl(this.#pointer, command, TLS_1_3, ffi.nullPointer);
    }
    ssl.SSL_CTX_ctrl(this.#pointer, MODE, RELEASE_BUFFERS, ffi.nullPointer);
  }

  /**
   * Has it check the other side's certificate.
   *
   * @param ca whose signatures count, in PEM; absent: those that the system trusts
   * @throws {NTPError} `malformed` if `ca` holds no certificate
   */
  verify(ca: string | undefined): void {
    const { ssl, ffi } = this.#libssl;
    ssl.SSL_CTX_set_verify(this.#pointer, VERIFY_PEER, ffi.nullPointer);
    if (ca === undefined) {
      ssl.SSL_CTX_set_default_verify_paths(this.#pointer);
      return;
    }
    const store = ssl.SSL_CTX_get_cert_store(this.#pointer);
    const count = this.#certificates(ca, (x509) => ssl.X509_STORE_add_cert(store, x509) === 1);
    if (count === 0) throw new NTPError("malformed", "ca holds no certificate in PEM");
  }

  /**
   * Has it prove who it is, and choose the protocol.
   *
   * @throws {NTPError} `malformed` if certificate or key cannot be read, or do not belong together
   */
  identify({ cert, key }: TlsIdentity): void {
    const { ssl, ffi } = this.#libssl;
    const fail = (what: string) => {
      const { message } = this.#libssl.error();
      return new NTPError(
        "malformed",
        `The certificate and its key cannot be used: ${what} (${message})`,
      );
    };
    let first = true;
    const count = this.#certificates(cert, (x509) => {
      const done = first
        ? ssl.SSL_CTX_use_certificate(this.#pointer, x509) === 1
        : ssl.SSL_CTX_ctrl(this.#pointer, CHAIN_CERTIFICATE, 1n, x509) === 1n;
      first = false;
      return done;
    });
    if (count === 0) throw fail("there is no certificate in PEM");
    // A password that is empty, or OpenSSL would ask for one at the terminal.
    const pkey = this.#libssl.withText(
      key,
      (bio) => ssl.PEM_read_bio_PrivateKey(bio, ffi.nullPointer, ffi.nullPointer, cString("")),
    );
    if (this.#libssl.isNull(pkey)) throw fail("there is no private key in PEM, not encrypted");
    const used = ssl.SSL_CTX_use_PrivateKey(this.#pointer, pkey);
    ssl.EVP_PKEY_free(pkey);
    if (used !== 1 || ssl.SSL_CTX_check_private_key(this.#pointer) !== 1) {
      throw fail("they do not belong together");
    }
    ssl.SSL_CTX_set_num_tickets(this.#pointer, 0n); // nobody comes back with one
    this.#callback = ffi.callback(
      ["pointer", "pointer", "pointer", "pointer", "u32", "pointer"],
      "i32",
      (_ssl, out, outLength, offered, length) => {
        if (!offersAlpn(new Uint8Array(ffi.memory(offered, length)))) return FATAL_ALERT;
        new BigUint64Array(ffi.memory(out, 8))[0] = ffi.address(ALPN_LIST.buffer, 1);
        new Uint8Array(ffi.memory(outLength, 1))[0] = ALPN.length;
        return CHOSEN;
      },
    );
    ssl.SSL_CTX_set_alpn_select_cb(this.#pointer, this.#callback.pointer, ffi.nullPointer);
  }

  /** Calls a function with each certificate of a text; how many it was glad of. */
  #certificates(pem: string, use: (x509: Pointer) => boolean): number {
    const { ssl, ffi } = this.#libssl;
    let count = 0;
    this.#libssl.withText(pem, (bio) => {
      for (;;) {
        const { nullPointer } = ffi;
        const x509 = ssl.PEM_read_bio_X509(bio, nullPointer, nullPointer, cString(""));
        if (this.#libssl.isNull(x509)) break;
        if (use(x509)) count++;
        ssl.X509_free(x509);
      }
    });
    ssl.ERR_clear_error(); // it ends with "no start line"
    return count;
  }

  /** A new session, which keeps the context until it is released. */
  session(): Pointer {
    this.#users++;
    return this.#libssl.ssl.SSL_new(this.#pointer);
  }

  /** To be called once for each session, and once by whoever made the context. */
  release(): void {
    if (--this.#users > 0) return;
    this.#libssl.ssl.SSL_CTX_free(this.#pointer);
    this.#callback?.close();
  }
}
