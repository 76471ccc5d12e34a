// What may be done to an authenticated packet on its way.

/** Changes a bit of a copy. */
function changed(packet: Uint8Array, at: number): Uint8Array {
  const copy = packet.slice();
  copy[at]! ^= 0x10;
  return copy;
}

/** By name, what makes a forged packet of a packet of 48 bytes and a MAC. */
export const FORGERIES: Readonly<Record<string, (packet: Uint8Array) => Uint8Array>> = {
  "receive timestamp changed": (packet) => changed(packet, 39),
  "key identifier changed": (packet) => changed(packet, 51),
  "first byte of the digest changed": (packet) => changed(packet, 52),
  "last byte of the digest changed": (packet) => changed(packet, packet.length - 1),
  "MAC cut": (packet) => packet.slice(0, -4),
  "MAC left out": (packet) => packet.slice(0, 48),
  "crypto-NAK": (packet) => Uint8Array.of(...packet.subarray(0, 48), 0, 0, 0, 0),
};
