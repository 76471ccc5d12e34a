import { NTPError } from "../../../packet/error.ts";
import { loadFfi } from "../../../transport/native/ffi/load_ffi.ts";
import { currentRuntime } from "../../../transport/runtime.ts";
import { Libssl } from "./libssl.ts";
import { LibsslEngine } from "./libssl_engine.ts";
import { exportsKeys, type NodeTls, NodeTlsEngine } from "./node_tls.ts";
import type { TlsEngine, TlsName } from "./tls_engine.ts";

let libssl: Promise<TlsEngine> | undefined;

/**
 * TLS that exports keys: `node:tls` where it does, else OpenSSL through foreign functions.
 *
 * @param wanted only this one
 * @throws {NTPError} `unsupported` where there is none: what is missing
 */
export async function loadTls(wanted?: TlsName): Promise<TlsEngine> {
  if (wanted !== "libssl") {
    const tls = await import("node:tls").catch(() => undefined) as NodeTls | undefined;
    if (tls !== undefined && exportsKeys(tls)) return new NodeTlsEngine(tls);
    if (wanted !== undefined) {
      throw new NTPError("unsupported", "node:tls of this runtime exports no keys: use libssl");
    }
  }
  libssl ??= openLibssl();
  libssl.catch(() => libssl = undefined); // it may be there the next time
  return await libssl;
}

async function openLibssl(): Promise<TlsEngine> {
  const runtime = { deno: "Deno", bun: "Bun", node: "Node" }[currentRuntime() ?? "node"];
  const { ffi, reason } = await loadFfi();
  if (ffi === undefined) {
    throw new NTPError(
      "unsupported",
      `A key exchange of NTS needs OpenSSL's libssl on ${runtime}, and that ${reason}`,
    );
  }
  try {
    return new LibsslEngine(new Libssl(ffi));
  } catch (cause) {
    throw new NTPError(
      "unsupported",
      `A key exchange of NTS needs OpenSSL 3 (libssl.so.3) on ${runtime}, and it is not there: ` +
        "install it (Debian: apt install libssl3)",
      { cause },
    );
  }
}
