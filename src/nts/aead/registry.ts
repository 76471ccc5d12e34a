import type { Aead } from "./aead.ts";
import { AesGcmSiv } from "./aes_gcm_siv.ts";
import { AesSiv } from "./aes_siv.ts";

/** Identifier of AES-SIV-CMAC-256, which every implementation has (RFC 8915 §5.1). */
export const AES_SIV_CMAC_256 = 15;
/** Identifier of AES-SIV-CMAC-384. */
export const AES_SIV_CMAC_384 = 16;
/** Identifier of AES-SIV-CMAC-512. */
export const AES_SIV_CMAC_512 = 17;
/** Identifier of AES-128-GCM-SIV (RFC 8452). */
export const AES_128_GCM_SIV = 30;

const ALGORITHMS: ReadonlyMap<number, Aead> = new Map(
  [new AesSiv(15), new AesSiv(16), new AesSiv(17), new AesGcmSiv()].map((one) => [one.id, one]),
);

/** Identifiers of all algorithms that there are here. */
export const AEAD_IDS: readonly number[] = [...ALGORITHMS.keys()];

/**
 * The algorithm with an identifier in IANA's registry.
 *
 * @param id any number
 * @returns `undefined` where there is none here
 *
 * @example The algorithm that everybody has
 * ```ts
 * import { aeadWith } from "@ntps/ntps/nts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(aeadWith(15)?.name, "AEAD_AES_SIV_CMAC_256");
 * assertEquals(aeadWith(1), undefined);
 * ```
 */
export function aeadWith(id: number): Aead | undefined {
  return ALGORITHMS.get(id);
}
