// What multicast and broadcast do on a machine with two wires, from va to vb and from wa to wb. Prints
// what it saw as JSON; multicast_wire_test.ts, which makes that machine, says what it must be.
import { execFileSync } from "node:child_process";
import process from "node:process";
import { udpAdapter, type UdpAdapterName } from "../../src/transport/bind_udp.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";
import type { UdpTransport } from "../../src/transport/udp_transport.ts";
import { Inbox } from "./inbox.ts";

const bind = udpAdapter(process.argv[2] as UdpAdapterName);
const inbox = new Inbox(), senderInbox = new Inbox();
const bound = { multicast: true, hostname: "::" };
const receiver = await bind(inbox.options(bound));
const sender = await bind(senderInbox.options(bound));

/** What a call throws: code and message, or nothing. */
function thrown(body: () => void): string {
  try {
    body();
    return "";
  } catch (error) {
    return `${(error as { code?: string }).code}: ${(error as Error).message}`;
  }
}

let round = 0;

/** Whether a datagram arrives. One that is expected is waited for, another given a moment. */
async function heard(hostname: string, expected: boolean, from: UdpTransport = sender) {
  const byte = ++round;
  const hasCome = () => inbox.firstBytes.includes(byte);
  from.send(Uint8Array.of(byte), new Endpoint(hostname, receiver.port));
  if (expected) await inbox.until(hasCome);
  else await new Promise((resolve) => setTimeout(resolve, 50));
  return hasCome();
}

/** Datagrams that have left va with a hop limit of 7, as a filter of the kernel counts them. */
function leftWithSeven(): number {
  const text = execFileSync("tc", ["-s", "class", "show", "dev", "va"], { encoding: "utf8" });
  return Number(/class htb 1:7 [^]*?Sent \d+ bytes (\d+) pkt/.exec(text)![1]);
}

const seen: Record<string, unknown> = { kind: sender.kind };

seen["join without route"] = thrown(() => receiver.joinGroup("224.0.1.1"));
sender.send(new Uint8Array(1), new Endpoint("224.0.1.1", receiver.port));
await senderInbox.until(() => senderInbox.errors.length > 0);
const [error] = senderInbox.errors;
seen["send without route"] = `${(error as { code?: string }).code}: ${error!.message}`;

for (const group of ["224.0.1.1", "ff02::101", "ff05::101"]) {
  receiver.joinGroup(group, "vb");
  const wires: Record<string, boolean> = {};
  sender.configureMulticast({ networkInterface: "wa", loopback: false });
  wires["wa"] = await heard(group, false);
  sender.configureMulticast({ networkInterface: "va" });
  wires["va"] = await heard(group, true);
  receiver.leaveGroup(group, "vb");
  wires["va, left"] = await heard(group, false);
  receiver.joinGroup(group, "va");
  wires["to itself, without loopback"] = await heard(group, false);
  sender.configureMulticast({ loopback: true });
  wires["to itself"] = await heard(group, true);
  receiver.leaveGroup(group, "va");
  seen[group] = wires;
}

receiver.joinGroup("ff02::101", "wb");
seen["scope"] = [await heard("ff02::101%va", false), await heard("ff02::101%wa", true)];

execFileSync("ip", ["route", "add", "224.0.0.0/4", "dev", "va"]);
seen["join by the route"] = thrown(() => receiver.joinGroup("224.0.1.1"));
seen["by the route"] = await heard("224.0.1.1", true);
receiver.leaveGroup("224.0.1.1");
receiver.joinGroup("224.0.1.1", "vb");
seen["joined twice"] = thrown(() => receiver.joinGroup("224.0.1.1", "10.2.0.1"));
seen["joined both ways"] = thrown(() => receiver.joinGroup("224.0.1.1"));

// An interface that goes and comes back takes the membership with it: one joins again.
execFileSync("sh", ["-ec", process.argv[3]!]);
receiver.joinGroup("224.0.1.1", "vb");
sender.configureMulticast({ networkInterface: "va" });
seen["interface that came back"] = await heard("224.0.1.1", true);

sender.allowBroadcast();
seen["broadcast"] = await heard("10.1.0.255", true);

receiver.joinGroup("ff05::101", "vb");
const ipv6HopLimit = process.argv[4] === "IPv6";
const limited = await bind(senderInbox.options(bound));
const left: number[] = [];
for (const hopLimit of [8, 7]) {
  const family = ipv6HopLimit ? {} : { family: 4 as const };
  limited.configureMulticast({ hopLimit, networkInterface: "va", ...family });
  for (const group of ipv6HopLimit ? ["224.0.1.1", "ff05::101"] : ["224.0.1.1"]) {
    const before = leftWithSeven();
    await heard(group, true, limited);
    left.push(leftWithSeven() - before);
  }
}
seen["left with a hop limit of 7"] = left;

console.log(JSON.stringify(seen));
await Promise.all([receiver, sender, limited].map((transport) => transport.close()));
