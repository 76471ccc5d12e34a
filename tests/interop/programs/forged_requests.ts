// Requests with right and with forged MACs. Argument: `{ hostname, port, keys, others }` as JSON, the
// texts of two key files: keys that the server has, and keys that it does not have. Says of each request
// what came back, as a JSON line: `{ type, request, reply }`, where `reply` is "none", "plain",
// "crypto-NAK", "authenticated", or "other".

import process from "node:process";
import { setTimeout } from "node:timers/promises";
import {
  bindUdp,
  Endpoint,
  NTPPacket,
  parseKeyFile,
  type SymmetricKey,
  SystemClock,
} from "../../../mod.ts";
import { FORGERIES } from "./forgery.ts";

const ANSWER_MS = 700;

const { hostname, port, keys, others } = JSON.parse(process.argv[2] ?? "{}");
const server = new Endpoint(hostname, port);
const clock = new SystemClock();

/** A request that a key signed. */
function signed(key: SymmetricKey): Uint8Array {
  const request = new NTPPacket({ transmitTimestamp: clock.now() });
  return new NTPPacket({
    ...request,
    mac: { keyId: key.id, digest: key.sign(request.encode(), 4) },
  }).encode();
}

async function send(bytes: Uint8Array): Promise<Uint8Array | undefined> {
  let reply: Uint8Array | undefined;
  const onDatagram = (data: Uint8Array) => {
    reply ??= data.slice();
  };
  const transport = await bindUdp({ hostname: "0.0.0.0", port: 0, clock, onDatagram });
  transport.send(bytes, server);
  for (const end = performance.now() + ANSWER_MS; !reply && performance.now() < end;) {
    await setTimeout(20);
  }
  await transport.close();
  return reply;
}

function describe(reply: Uint8Array | undefined, key: SymmetricKey): string {
  if (reply === undefined) return "none";
  const { mac } = NTPPacket.decode(reply);
  if (mac === undefined) return "plain";
  if (mac.digest.length === 0) return "crypto-NAK";
  const isOurs = mac.keyId === key.id && key.verify(reply.subarray(0, 48), mac.digest, 4);
  return isOurs ? "authenticated" : "other";
}

async function ask(key: SymmetricKey, request: string, bytes: Uint8Array): Promise<void> {
  const reply = describe(await send(bytes), key);
  console.log(JSON.stringify({ type: key.type, request, reply }));
}

await Promise.all([
  ...[...parseKeyFile(keys)].map(async (key) => {
    await ask(key, "right", signed(key));
    for (const [name, forge] of Object.entries(FORGERIES)) await ask(key, name, forge(signed(key)));
  }),
  ...[...parseKeyFile(others)].map((key) => ask(key, "a key of others", signed(key))),
]);
