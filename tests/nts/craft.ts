import { aeadWith } from "../../src/nts/aead/registry.ts";
import { NTPPacket } from "../../src/packet/mod.ts";

export const IDENTIFIER = 0x0104, COOKIE = 0x0204, PLACEHOLDER = 0x0304, AUTHENTICATOR = 0x0404;

/** A field as bytes, its value as it is. */
export function field(type: number, value: Uint8Array | readonly number[]): Uint8Array {
  const length = 4 + value.length;
  return Uint8Array.from([type >> 8, type & 255, length >> 8, length & 255, ...value]);
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** How a packet with NTS is made. */
export interface Craft {
  readonly key: Uint8Array;
  readonly aead?: number;
  readonly header?: Uint8Array;
  /** Before the authenticator. */
  readonly fields: readonly Uint8Array[];
  /** Encrypted. */
  readonly encrypted?: readonly Uint8Array[];
  /** Behind the authenticator. */
  readonly behind?: readonly Uint8Array[];
  readonly nonce?: Uint8Array;
  /** Bytes of zeros at the end of the authenticator. */
  readonly padding?: number;
  /** Leaves what is to be encrypted as it is, for somebody else to seal. Default false. */
  readonly plain?: boolean;
}

/** A packet whose authenticator is right, whatever its fields are. */
export function craft(how: Craft): Uint8Array {
  const aead = aeadWith(how.aead ?? 15)!;
  const nonce = how.nonce ?? new Uint8Array(aead.nonceLength).fill(3);
  const header = how.header ?? new NTPPacket({ mode: 3, transmitTimestamp: 77n }).encode();
  const before = concat(header, ...how.fields);
  const content = concat(...how.encrypted ?? []);
  const sealed = new Uint8Array(content.length + 16);
  if (how.plain) sealed.set(content, 16);
  else aead.seal(how.key, nonce, before, content, sealed);
  const zeros = (length: number) => new Uint8Array((4 - length % 4) % 4);
  const lengths = [
    nonce.length >> 8,
    nonce.length & 255,
    sealed.length >> 8,
    sealed.length & 255,
  ];
  const authenticator = concat(
    Uint8Array.from(lengths),
    nonce,
    zeros(nonce.length),
    sealed,
    zeros(sealed.length),
    new Uint8Array(how.padding ?? 0),
  );
  return concat(before, field(AUTHENTICATOR, authenticator), ...how.behind ?? []);
}

/** The fields of a packet, by type. */
export function fieldsOf(packet: Uint8Array): { type: number; value: Uint8Array }[] {
  return [...NTPPacket.decode(packet).extensionFields];
}
