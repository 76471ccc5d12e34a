// A GNSS receiver, as gpsd reads one over TCP: it tells the time of this machine each second, in
// sentences of NMEA 0183. Argument as JSON: `port`. A line "off" on its input takes the antenna away,
// "on" gives it back.

import { createServer, type Socket } from "node:net";
import process from "node:process";

const { port } = JSON.parse(process.argv[2] ?? "{}");
const readers = new Set<Socket>();
let hasFix = true;

function sentence(body: string): string {
  let sum = 0;
  for (const character of body) sum ^= character.charCodeAt(0);
  return `$${body}*${sum.toString(16).toUpperCase().padStart(2, "0")}\r\n`;
}

function burst(date: Date): string {
  const iso = date.toISOString();
  const time = `${iso.slice(11, 19).replaceAll(":", "")}.00`;
  const day = iso.slice(8, 10) + iso.slice(5, 7) + iso.slice(2, 4);
  const place = "4807.038,N,01131.000,E";
  return [
    `GPGGA,${time},${place},${hasFix ? 1 : 0},08,0.9,545.4,M,46.9,M,,`,
    `GPGSA,A,${hasFix ? 3 : 1},04,05,,09,12,,,24,,,,,2.5,1.3,2.1`,
    `GPRMC,${time},${hasFix ? "A" : "V"},${place},0.0,0.0,${day},003.1,W`,
  ].map(sentence).join("");
}

function each(): void {
  const now = Date.now();
  const text = burst(new Date(now - now % 1000));
  for (const reader of readers) reader.write(text);
  setTimeout(each, 1000 - Date.now() % 1000);
}
setTimeout(each, 1000 - Date.now() % 1000);

const server = createServer((socket) => {
  readers.add(socket);
  socket.on("error", () => {});
  socket.on("close", () => readers.delete(socket));
});
server.listen(port, "127.0.0.1", () => console.log(JSON.stringify({ ready: port })));

process.stdin.on("data", (bytes) => {
  const text = String(bytes);
  if (text.includes("off")) hasFix = false;
  else if (text.includes("on")) hasFix = true;
});
process.stdin.on("end", () => process.exit(0));
