// Packets of every shape, sent to a server for somebody else to dissect. Argument: `{ hostname, port }`
// as JSON. Says of each what is in it, as a JSON line.

import process from "node:process";
import { setTimeout } from "node:timers/promises";
import {
  bindUdp,
  Endpoint,
  NTPPacket,
  type NTPPacketFields,
  referenceIdFromAddress,
  referenceIdFromText,
  SystemClock,
} from "../../../mod.ts";

const server = {
  leapIndicator: 0,
  version: 4,
  mode: 4,
  stratum: 1,
  poll: 6,
  precision: -23,
  rootDelay: 0x0123 / 65536,
  rootDispersion: 1.5,
  referenceId: referenceIdFromText("GPS"),
  referenceTimestamp: 0xee00_0000_4000_0000n,
  originTimestamp: 0xee00_0001_8000_0000n,
  receiveTimestamp: 0xee00_0002_c000_0000n,
  transmitTimestamp: 0xee00_0002_d000_0000n,
} as const;

function bytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i * 7 + 1);
}

const packets: Partial<NTPPacketFields>[] = [
  { mode: 3, transmitTimestamp: server.transmitTimestamp },
  { mode: 3, version: 3, transmitTimestamp: server.transmitTimestamp },
  server,
  {
    ...server,
    leapIndicator: 1,
    version: 3,
    stratum: 2,
    referenceId: referenceIdFromAddress("192.0.2.1"),
  },
  { ...server, leapIndicator: 2, stratum: 15, poll: -1, precision: -32, referenceId: 0xe0000001 },
  { ...server, leapIndicator: 3, stratum: 0, referenceId: referenceIdFromText("RATE") }, // kiss-o'-death
  { mode: 3, extensionFields: [{ type: 0x0104, value: bytes(32) }] }, // and what is answered to it
  { ...server, mode: 1 },
  { ...server, mode: 2, poll: 17, rootDelay: 0xffff_ffff / 65536, precision: 0 },
  { ...server, mode: 5 },
  // The next era, from 2036 on.
  {
    ...server,
    transmitTimestamp: 0x0000_0001_8000_0000n,
    receiveTimestamp: 0x0000_0001_4000_0000n,
  },
  { ...server, mac: { keyId: 7, digest: bytes(16) } },
  { ...server, mac: { keyId: 0xfffe, digest: bytes(20) } },
  { ...server, version: 3, mac: { keyId: 9, digest: bytes(32) } },
  { ...server, mac: { keyId: 0, digest: bytes(0) } }, // crypto-NAK
  { ...server, extensionFields: [{ type: 0x0104, value: bytes(32) }] },
  {
    ...server,
    extensionFields: [{ type: 0x0104, value: bytes(32) }, { type: 0x0204, value: bytes(100) }],
  },
  {
    ...server,
    extensionFields: [{ type: 0xf323, value: bytes(24) }],
    mac: { keyId: 7, digest: bytes(20) },
  },
  { ...server, extensionFields: [{ type: 0x2005, value: bytes(24) }] },
];

const { hostname, port } = JSON.parse(process.argv[2] ?? "{}");
const transport = await bindUdp({
  hostname: hostname.includes(":") ? "::" : "0.0.0.0",
  port: 0,
  clock: new SystemClock(),
  onDatagram: () => {},
});
const target = new Endpoint(hostname, port);
for (const fields of packets) {
  const packet = new NTPPacket(fields);
  const encoded = packet.encode();
  transport.send(encoded, target);
  const { extensionFields, mac } = packet;
  console.log(JSON.stringify(
    {
      ...packet,
      hex: hex(encoded),
      extensionFields: extensionFields.map(({ type, value }) => ({ type, value: hex(value) })),
      mac: mac && { keyId: mac.keyId, digest: hex(mac.digest) },
    },
    (_key, value) => typeof value === "bigint" ? value.toString() : value,
  ));
  await setTimeout(10);
}
await transport.close();

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
