import { KeyStore, type RestrictedKey } from "../../src/auth/key_store.ts";
import { SymmetricKey } from "../../src/auth/symmetric_key.ts";
import { signed } from "../../src/client/request.ts";
import type { Version } from "../../src/packet/packet.ts";

function keyOf(id: number, type: SymmetricKey["type"], fill = id): SymmetricKey {
  return new SymmetricKey({ id, type, secret: new Uint8Array(16).fill(fill) });
}

const MD5 = keyOf(1, "MD5"), SHA1 = keyOf(2, "SHA1"), AES128 = keyOf(3, "AES128");
const SHA512 = keyOf(4, "SHA512"), ELSEWHERE = keyOf(5, "SHA1");
const ANOTHER_SHA1 = keyOf(2, "SHA1", 99), UNKNOWN = keyOf(77, "SHA1");

const RESTRICTED: RestrictedKey = { key: ELSEWHERE, prefixes: ["192.0.2.0/24", "2001:db8::/32"] };

/** The keys of a server that the trailers are meant for. */
export const KEYS: KeyStore = new KeyStore([MD5, SHA1, AES128, SHA512, RESTRICTED]);

/** Makes a datagram out of a header; the version says how long digests are. */
export type Trailer = (header: Uint8Array, version: Version) => Uint8Array;

function append(header: Uint8Array, ...parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, header.length));
  let at = 0;
  for (const part of [header, ...parts]) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** An extension field of so many bytes, none of them zero, that claims to have `claimed`. */
function field(length: number, claimed = length): Uint8Array {
  const bytes = new Uint8Array(length).fill(0x5a);
  bytes.set([0x01, 0x04, claimed >> 8, claimed & 255]);
  return bytes;
}

/** An authenticator of MS-SNTP: a key identifier, and zeros where its digest is to be. */
function msSntp(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set([0, 0, 4, 0x53]);
  if (length > 20) bytes.set([0, 0, 1, 0], 4); // flags and hash identifiers of the extended one
  return bytes;
}

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  bytes[bytes.length - 1 - (bit >> 3)]! ^= 1 << (bit & 7);
  return bytes;
}

const CRYPTO_NAK = new Uint8Array(4);
const by = (key: SymmetricKey): Trailer => (header, version) => signed(header, key, version);
const behind = (...parts: Uint8Array[]): Trailer => (header) => append(header, ...parts);
const junk = (length: number): Trailer => behind(new Uint8Array(length).fill(0xee));

/** What may stand behind a header, by the names that README.md has. */
export const TRAILERS: Readonly<Record<string, Trailer>> = {
  "nothing": behind(),
  "MAC of 20 bytes: MD5": by(MD5),
  "MAC of 24 bytes: SHA-1": by(SHA1),
  "MAC of 20 bytes: AES-128-CMAC": by(AES128),
  "MAC of 24 bytes: SHA-512, cut": (header, version) =>
    signed(header, SHA512, version).slice(0, 72),
  "MAC of 68 bytes: SHA-512": (header) => signed(header, SHA512, 3),
  "MAC with one wrong bit": (header, version) =>
    flipped(signed(header, SHA1, version), header[47]! % 160),
  "MAC by another secret": by(ANOTHER_SHA1),
  "MAC of a length that is not its key's": (header, version) =>
    signed(header, SHA1, version).slice(0, 68),
  "MAC by an unknown key": by(UNKNOWN),
  "MAC by a key for other addresses": by(ELSEWHERE),
  "crypto-NAK": behind(CRYPTO_NAK),
  "MS-SNTP authenticator, 20 bytes": behind(msSntp(20)),
  "MS-SNTP extended authenticator, 72 bytes": behind(msSntp(72)),
  "field of 28 bytes": behind(field(28)),
  "field of 1024 bytes": behind(field(1024)),
  "fields of 16 and 28 bytes": behind(field(16), field(28)),
  "field of 16 bytes": behind(field(16)),
  "field of 20 bytes": behind(field(20)),
  "fields of 28 and 16 bytes": behind(field(28), field(16)),
  "field that claims 0 bytes": behind(field(28, 0)),
  "fields of 12 and 28 bytes": behind(field(12), field(28)),
  "field that claims 30 bytes": behind(field(32, 30)),
  "field that claims more than there is": behind(field(28, 32)),
  "field of 16 bytes and MAC of 24": (header) => signed(append(header, field(16)), SHA1, 4),
  "field of 28 bytes and MAC of 20": (header) => signed(append(header, field(28)), MD5, 4),
  "field of 28 bytes and wrong MAC": (header) =>
    flipped(signed(append(header, field(28)), MD5, 4), header[47]! & 127),
  "field of 28 bytes and crypto-NAK": behind(field(28), CRYPTO_NAK),
  "junk of 1 byte": junk(1),
  "junk of 2 bytes": junk(2),
  "junk of 3 bytes": junk(3),
  "junk of 4 bytes": junk(4),
  "junk of 8 bytes": junk(8),
  "junk of 12 bytes": junk(12),
  "junk of 16 bytes": junk(16),
  "junk of 20 bytes": junk(20),
  "junk of 24 bytes": junk(24),
  "junk of 28 bytes": junk(28),
};
