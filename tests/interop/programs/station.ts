// All modes of ours, as peers meet them. Argument: a `Station` as JSON. Says `ready`, each sample of an
// association together with what has been done with that peer so far, and each change and error, as
// JSON lines, until its input ends; then the statistics of everything.

import process from "node:process";
import {
  addSeconds,
  type BindUdp,
  bindUdp,
  type BroadcastTarget,
  FunctionClock,
  NTPBroadcastClient,
  NTPBroadcaster,
  NTPManycastClient,
  NTPPassivePeers,
  NTPPeer,
  NTPServer,
  parseKeyFile,
  type PeerSample,
  SystemClock,
} from "../../../mod.ts";

interface Station {
  /** How far our clock is ahead of the machine's, in seconds. */
  ahead: number;
  /** Which sockets: the runtime's own, whose limits the suite knows, unless this says otherwise. */
  transport?: "auto" | "portable";
  /** Text of a key file; `key` below is an identifier in it. */
  keys: string;
  /** Where it serves, and the multicast groups that it is in, on all of `networkInterfaces`. */
  server?: { hostname: string; groups: string[]; networkInterfaces: string[] };
  /** Where it serves besides. */
  linkLocal?: string[];
  /** Symmetric active associations. */
  peers?: {
    endpoint: string;
    key?: number;
    minPoll: number;
    maxPoll: number;
    interleaved?: boolean;
  }[];
  /** Whom to take as a passive peer. */
  passive?: { minPoll: number; maxPoll: number; maxPeers: number; allowUnauthenticated: boolean };
  /** What to broadcast. */
  broadcasters?: {
    targets: BroadcastTarget[];
    interval: number;
    key?: number;
    interleaved?: boolean;
  }[];
  /** What broadcasts to hear. */
  listeners?: {
    /** The kind of its samples. */
    name: string;
    port: number;
    groups: string[];
    networkInterfaces: string[];
    allowUnauthenticated: boolean;
  }[];
  /** What to look for by manycast. */
  manycast?: { group: string; networkInterface: string; minPoll: number; key?: number }[];
}

const say = (line: unknown) => console.log(JSON.stringify(line));
const told = (error: Error) => say({ error: `${error}` });

const station: Station = JSON.parse(process.argv[2] ?? "{}");
const { peers = [], broadcasters = [], listeners = [], manycast = [], passive } = station;
const keys = parseKeyFile(station.keys);
const system = new SystemClock();
const clock = new FunctionClock(() => addSeconds(system.now(), station.ahead), {
  precision: system.precision,
  state: () => ({ rootDispersion: 0.0001 }),
});

/** The key of an identifier, as options have it. */
function keyOf(id: number | undefined) {
  return id === undefined ? {} : { key: keys.get(id)! };
}

/** What is told of the associations of one kind. */
function eventsOf(kind: string, statistics: () => readonly { hostname: string }[]) {
  return {
    onSample({ hostname, offset, delay, authentication, packet }: PeerSample) {
      const { mode, stratum } = packet;
      const done = statistics().find((one) => one.hostname === hostname);
      say({ kind, hostname, offset, delay, authentication, mode, stratum, ...done });
    },
    onChange: (state: string, { hostname }: { hostname: string }) => say({ kind, hostname, state }),
    onError: (error: Error) => say({ kind, error: `${error}` }),
  };
}

const { transport = "portable" } = station;
const bind: BindUdp = (options) => bindUdp({ ...options, transport });
const server = new NTPServer({ clock, stratum: 1, refid: "GPS", keys, transport, onError: told });
if (station.server) {
  const { linkLocal = [] } = station;
  const reuseAddress = linkLocal.length > 0;
  await server.listen({ ...station.server, multicast: true, reuseAddress });
  for (const hostname of linkLocal) await server.listen({ hostname, reuseAddress });
}

const activePeers = peers.map(({ key, ...options }) => {
  const { endpoint } = options;
  const events = eventsOf("active", () => [{ hostname: endpoint, ...peer.statistics() }]);
  const peer: NTPPeer = new NTPPeer({ server, ...options, ...keyOf(key), ...events });
  return peer;
});
const passivePeers: NTPPassivePeers | undefined = passive && new NTPPassivePeers({
  server,
  ...passive,
  ...eventsOf("passive", () => passivePeers!.statistics()),
});
const ourBroadcasters = broadcasters.map(({ key, ...options }) => {
  const onWarning = (warning: string) => say({ warning });
  return new NTPBroadcaster({ server, ...options, ...keyOf(key), onWarning, onError: told });
});
const broadcastClients = listeners.map(({ name, ...options }) => {
  const events = eventsOf(name, () => {
    const { ignored, servers } = client.statistics();
    return servers.map((one) => ({ ...one, ignored }));
  });
  const volley = { samples: 8, intervalMs: 500 };
  const client: NTPBroadcastClient = new NTPBroadcastClient({
    ...options,
    bind,
    clock,
    keys,
    volley,
    ...events,
  });
  return client;
});
const manycastClients = manycast.map(({ key, ...options }) => {
  const events = eventsOf("manycast", () => client.statistics());
  const client: NTPManycastClient = new NTPManycastClient({
    ...options,
    bind,
    clock,
    ...keyOf(key),
    ...events,
  });
  return client;
});

passivePeers?.start();
for (const one of activePeers) await one.start();
for (const one of broadcastClients) await one.listen();
for (const one of manycastClients) await one.start();
for (const one of ourBroadcasters) one.start();
say({ ready: server.addresses });

process.stdin.resume();
process.stdin.on("end", async () => {
  say({
    server: server.statistics(),
    refused: passivePeers?.refused,
    broadcasters: ourBroadcasters.map((one) => one.statistics()),
    listeners: broadcastClients.map((one) => one.statistics()),
  });
  for (const one of [...activePeers, ...ourBroadcasters]) one.close();
  passivePeers?.close();
  await Promise.all([...broadcastClients, ...manycastClients].map((one) => one.close()));
  await server.close();
});
