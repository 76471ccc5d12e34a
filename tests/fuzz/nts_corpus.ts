import { AEAD_IDS } from "../../src/nts/aead/registry.ts";
import { SharedCookieKeys } from "../../src/nts/shared_cookie_keys.ts";
import { NTPPacket } from "../../src/packet/mod.ts";
import { COOKIE, craft, field, IDENTIFIER, PLACEHOLDER } from "../nts/craft.ts";
import { sessionKeys } from "./nts_packets.ts";

const IDENTIFIERS = [32, 36, 256].map((length) =>
  field(IDENTIFIER, new Uint8Array(length).map((_, i) => i + 1))
);

/** Keys of cookies that are the same in each run. */
export function fixedCookieKeys(): SharedCookieKeys {
  return new SharedCookieKeys({
    secret: new Uint8Array(32),
    now: () => 1e12,
    random: (into) => void into.fill(7),
  });
}

/** Requests with NTS, to be sealed: with each algorithm, few and many placeholders, here and there. */
export function ntsRequests(): Uint8Array[] {
  const header = new NTPPacket({ transmitTimestamp: 0x1234_5678_9abc_def0n }).encode();
  const cookieKeys = fixedCookieKeys();
  return AEAD_IDS.flatMap((aead) => {
    const keys = sessionKeys(aead), key = keys.c2s;
    const cookie = field(COOKIE, cookieKeys.seal(keys));
    const placeholder = field(PLACEHOLDER, new Uint8Array(cookie.length - 4));
    const [usual, longer, longest] = IDENTIFIERS as [Uint8Array, Uint8Array, Uint8Array];
    return [
      craft({ plain: true, key, aead, header, fields: [usual, cookie] }),
      craft({ plain: true, key, aead, header, fields: [usual, cookie, placeholder, placeholder] }),
      craft({
        plain: true,
        key,
        aead,
        header,
        fields: [cookie, ...Array(7).fill(placeholder), longer],
      }),
      craft({
        plain: true,
        key,
        aead,
        header,
        fields: [longest, cookie],
        encrypted: [placeholder],
      }),
      craft({ plain: true, key, aead, header, fields: [usual, cookie], behind: [usual] }),
    ];
  });
}

/** Replies with NTS and algorithm 15, to be sealed, and refusals. */
export function ntsReplies(): Uint8Array[] {
  const fields = {
    mode: 4,
    stratum: 1,
    originTimestamp: 5n,
    receiveTimestamp: 0xecb1_0000_1000_0000n,
    transmitTimestamp: 0xecb1_0000_1000_1388n,
  } as const;
  const header = new NTPPacket(fields).encode();
  const { s2c: key } = sessionKeys(15);
  const usual = IDENTIFIERS[0]!;
  const cookies = [4, 72, 100, 104, 1024, 1028].map((length) =>
    field(COOKIE, new Uint8Array(length))
  );
  const identifier = { type: IDENTIFIER, value: usual.slice(4) };
  const refusal = { ...fields, stratum: 0, referenceId: 0x4e54534e, extensionFields: [identifier] };
  return [
    new NTPPacket(refusal).encode(),
    craft({ plain: true, key, header, fields: [usual] }),
    ...cookies.map((cookie) =>
      craft({ plain: true, key, header, fields: [usual], encrypted: [cookie] })
    ),
    craft({ plain: true, key, header, fields: [usual], encrypted: cookies }),
    craft({ plain: true, key, header, fields: [usual], encrypted: Array(12).fill(cookies[3]!) }),
    craft({ plain: true, key, header, fields: [usual], encrypted: [field(0x7777, [1, 2, 3, 4])] }),
    craft({
      plain: true,
      key,
      header,
      fields: [usual],
      encrypted: cookies,
      behind: cookies.slice(2, 4),
    }),
  ];
}
