// A gpsd that a test plays, at a port of the loopback.
import { test } from "node:test";
import { createServer, type Socket } from "node:net";
import { assert, assertEquals } from "@std/assert";
import { GpsdClock } from "../../src/reference/gpsd_clock.ts";
import { NTPSync } from "../../src/sync/ntp_sync.ts";

/** A fix that is right now, in two pieces as the network may deliver it. */
function tellFix(socket: Socket): void {
  const time = new Date().toISOString();
  const line = JSON.stringify({ class: "TPV", device: "/dev/gps0", mode: 3, time, ept: 0.005 });
  socket.write(`{"class":"VERSION","release":"3.25","proto_major":3}\r\n${line.slice(0, 30)}`);
  setTimeout(() => socket.write(`${line.slice(30)}\r\n`), 5);
}

test("gpsd on the wire: asked, heard, dropped, and asked again", async () => {
  const sockets: Socket[] = [], asked: string[] = [];
  let again = (): void => {};
  const returned = new Promise<void>((resolve) => again = resolve);
  const server = createServer((socket) => {
    const index = sockets.push(socket) - 1;
    asked.push("");
    socket.on("error", () => {});
    socket.on("data", (bytes: Uint8Array) => {
      asked[index] += new TextDecoder().decode(bytes);
      if (!asked[index]!.endsWith(";\n")) return;
      tellFix(socket);
      if (index === 1) again();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const clock = new GpsdClock({ hostname: "127.0.0.1", port });
  const sync = await NTPSync.start({ inputs: [clock] });
  try {
    assertEquals([sync.clock.state().stratum, clock.status().locked], [1, true]);
    // It stood still for less than a minute since gpsd told the time.
    assert(Math.abs(sync.clock.date().getTime() - Date.now()) < 60_000);
    sockets[0]!.end();
    await returned;
    while (!clock.status().locked) await new Promise((resolve) => setTimeout(resolve, 5));
    const watch = '?WATCH={"enable":true,"json":true,"pps":true};\n';
    assertEquals(asked, [watch, watch]);
  } finally {
    await sync.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  }
});
