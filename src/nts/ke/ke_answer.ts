import { AES_128_GCM_SIV } from "../aead/registry.ts";
import type { CookieKeys } from "../cookie_keys.ts";
import { MAX_COOKIES } from "../extension_fields.ts";
import type { KeFailure } from "./ke_statistics.ts";
import { exportKeys, type KeyExporter } from "./key_export.ts";
import type { MessageReader } from "./message_reader.ts";
import { KE_ERROR } from "./record.ts";
import { type KeRequest, readRequest } from "./request.ts";
import { encodeError, encodeNothingInCommon, encodeResponse } from "./response.ts";

/** What a server offers. */
export interface KeOffer {
  /** AEAD algorithms. */
  readonly aeads: readonly number[];
  /** Makes the cookies. */
  readonly cookieKeys: Pick<CookieKeys, "seal">;
  /** NTP server to name, if any. */
  readonly ntpHostname?: string | undefined;
  /** NTP port to name, if any. */
  readonly ntpPort?: number | undefined;
}

/** What to answer, and what it counts as. */
export interface KeAnswer {
  readonly message: Uint8Array;
  /** Why there are no keys in it; absent: there are. */
  readonly failure?: KeFailure;
  /** What was thrown, if something was. */
  readonly error?: unknown;
}

/**
 * The algorithm for a request: the first of the client's that is known here. Of those that do not say
 * how they export the keys of AES-128-GCM-SIV, some do it wrong (chrony 4.4 to 4.6), so they get it only
 * if there is no other.
 */
function choose({ aeads, compliantExporter }: KeRequest, offer: KeOffer): number | undefined {
  const common = aeads.filter((aead) => offer.aeads.includes(aead));
  if (compliantExporter) return common[0];
  return common.find((aead) => aead !== AES_128_GCM_SIV) ?? common[0];
}

/**
 * The answer to a request that has been read to its end. Never throws.
 *
 * @param reader the request: complete, too long or malformed
 * @param exporter the session
 * @param offer what the server has
 */
export function answerRequest(
  reader: MessageReader,
  exporter: KeyExporter,
  offer: KeOffer,
): KeAnswer {
  if (reader.state !== "complete") {
    return { message: encodeError(KE_ERROR.badRequest), failure: "malformed" };
  }
  const request = readRequest(reader.records);
  if (request === undefined) {
    return { message: encodeNothingInCommon("protocol"), failure: "protocol" };
  }
  if (typeof request === "number") {
    const failure = request === KE_ERROR.unrecognizedCritical ? "critical" : "malformed";
    return { message: encodeError(request), failure };
  }
  const aead = choose(request, offer);
  if (aead === undefined) return { message: encodeNothingInCommon("aead"), failure: "aead" };
  try {
    const keys = exportKeys(exporter, aead);
    const cookies = Array.from({ length: MAX_COOKIES }, () => offer.cookieKeys.seal(keys));
    const { compliantExporter } = request;
    const { ntpHostname: server, ntpPort: port } = offer;
    return { message: encodeResponse({ aead, compliantExporter, cookies, server, port }) };
  } catch (error) {
    return { message: encodeError(KE_ERROR.internal), failure: "internal", error };
  }
}
