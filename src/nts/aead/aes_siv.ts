import type { Aead } from "./aead.ts";
import { AesSivKey } from "./aes_siv_key.ts";
import { sivOpen, sivSeal } from "./siv.ts";

const shared = new AesSivKey();

/**
 * AES-SIV-CMAC with a nonce (RFC 5297 §3), which RFC 8915 §5.1 asks for. A nonce that is used twice
 * tells only that the same was sealed twice.
 */
export class AesSiv implements Aead {
  readonly id: number;
  readonly name: string;
  readonly keyLength: number;
  readonly nonceLength = 16;
  readonly minNonceLength = 1;
  readonly maxNonceLength = 0xffff;

  /**
   * Makes one of the three.
   *
   * @param id 15, 16 or 17
   */
  constructor(id: 15 | 16 | 17) {
    this.id = id;
    this.keyLength = 32 + 16 * (id - 15);
    this.name = `AEAD_AES_SIV_CMAC_${8 * this.keyLength}`;
  }

  seal(
    key: Uint8Array,
    nonce: Uint8Array,
    associatedData: Uint8Array,
    plaintext: Uint8Array,
    into: Uint8Array,
  ): void {
    shared.set(key);
    sivSeal(shared, [associatedData, nonce], plaintext, into);
  }

  open(
    key: Uint8Array,
    nonce: Uint8Array,
    associatedData: Uint8Array,
    ciphertext: Uint8Array,
    into: Uint8Array,
  ): boolean {
    shared.set(key);
    return sivOpen(shared, [associatedData, nonce], ciphertext, into);
  }
}
