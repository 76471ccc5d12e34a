// Sends packets as they are and says what came back. Argument: a list of `{ name, hostname, port, hex }`
// as JSON, each sent from a socket of its own, all within a second; says of each what it got, as a JSON
// line: `{ name, replies }`.

import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { bindUdp, Endpoint, SystemClock } from "../../../mod.ts";

interface Sent {
  name: string;
  hostname: string;
  port: number;
  hex: string;
}

const ANSWER_MS = 1000;

async function send({ name, hostname, port, hex }: Sent): Promise<void> {
  const replies: string[] = [];
  const transport = await bindUdp({
    hostname: hostname.includes(":") ? "::" : "0.0.0.0",
    port: 0,
    clock: new SystemClock({ precision: -20 }),
    onDatagram: (data) => {
      replies.push(Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join(""));
    },
  });
  const bytes = Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  transport.send(bytes, new Endpoint(hostname, port));
  await setTimeout(ANSWER_MS);
  await transport.close();
  console.log(JSON.stringify({ name, replies }));
}

const packets: Sent[] = JSON.parse(process.argv[2] ?? "[]");
await Promise.all(packets.map(async (packet, i) => {
  await setTimeout(i * 5); // lest a socket's buffer overflow
  await send(packet);
}));
