// Asks an echo server by ordinary sockets, from the namespace of xdp_wire_test.ts: an address, a port,
// and for each datagram its length, or "L48" for one that asks for a longer reply. Prints the lengths
// of the replies as JSON.
import process from "node:process";
import { createSocket } from "node:dgram";

const [hostname, port, ...wanted] = process.argv.slice(2) as [string, string, ...string[]];
const socket = createSocket(hostname.includes(":") ? "udp6" : "udp4");
const replies: (number | string)[] = [];

function ask(data: Uint8Array): Promise<Uint8Array | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), 2000);
    socket.once("message", (reply) => {
      clearTimeout(timer);
      resolve(reply);
    });
    socket.send(data, Number(port), hostname);
  });
}

for (const one of wanted) {
  const data = Uint8Array.from({ length: Number(one.replace("L", "")) }, (_, i) => i * 3 + 1);
  if (one.startsWith("L")) data[0] = 0x4c;
  const reply = await ask(data);
  const isEcho = one.startsWith("L") || reply?.every((byte, i) => byte === data[i]);
  replies.push(reply === undefined ? "none" : isEcho ? reply.length : "another");
  if (reply === undefined) socket.removeAllListeners("message");
}
socket.close();
console.log(JSON.stringify(replies));
