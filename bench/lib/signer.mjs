// Makes the MACs of the load's signed requests: AES-CMAC (RFC 4493) of one key.

import { createCipheriv } from "node:crypto";
import { KEY_HEX, setSigner } from "./load.mjs";

const BLOCK = 16;

/** @param {Uint8Array} block */
function double(block) {
  const doubled = block.map((byte, i) => (byte << 1) | ((block[i + 1] ?? 0) >> 7));
  if (block[0] & 0x80) doubled[BLOCK - 1] ^= 0x87;
  return doubled;
}

/** Tells the load generator how to sign. Not by our own code: that is what is measured. */
export function signRequestsWith() {
  const key = Buffer.from(KEY_HEX, "hex");
  const zero = new Uint8Array(BLOCK);
  const encrypt = (/** @type {Uint8Array} */ data) => {
    const cipher = createCipheriv("aes-128-cbc", key, zero).setAutoPadding(false);
    return new Uint8Array(cipher.update(data));
  };
  const whole = double(encrypt(zero));
  setSigner((packet) => {
    const input = new Uint8Array(packet); // a header: three whole blocks
    for (let i = 0; i < BLOCK; i++) input[input.length - BLOCK + i] ^= whole[i];
    return encrypt(input).slice(-BLOCK);
  });
}
