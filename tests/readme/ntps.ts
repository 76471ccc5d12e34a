// The command `ntps` as the README has it, on virtual time and a network in memory: every name means
// one host, which serves time and multicasts it.
import { NTPBroadcaster } from "../../src/association/ntp_broadcaster.ts";
import { parseKeyFile } from "../../src/auth/key_file.ts";
import { NtsResponder } from "../../src/nts/nts_responder.ts";
import { RotatingCookieKeys } from "../../src/nts/rotating_cookie_keys.ts";
import { readToml } from "../../src/cli/toml.ts";
import { FakeReceiver } from "../cli/fake_receiver.ts";
import { FakeWorld } from "../cli/fake_world.ts";
import { FakeSystemTime } from "../steering/fake_system_time.ts";
import { NTS_FILES, ntsInMemory } from "./nts.ts";

const SERVER = "192.0.2.1";

/** A key file, which is there but for the command that makes one; the server knows its keys. */
const KEY_FILE = { path: "ntp.keys", text: "1 AES128 HEX:000102030405060708090a0b0c0d0e0f\n" };

/** A configuration file; the one in the README is checked by itself. */
const CONFIG = "[server]\nrefid = 'GPS'\n";

/** A recording of `ntps monitor`. */
const RECORDING = "time,host,offset,delay,distance,stratum,error\n" +
  "2026-11-24T12:00:00.000Z,ntp1.example.net,0.001,0.02,0.01,2,\n";

/** When somebody asks a command to end that would go on. */
const END_MS = 60_000;

/** What the command did. */
export interface Done {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command with arguments as a shell has them, without quotes. */
export async function runNtps(args: string): Promise<Done> {
  const cookieKeys = new RotatingCookieKeys();
  const world = Object.assign(new FakeWorld(), {
    nts: ntsInMemory(cookieKeys, SERVER),
    makeStatus: () => ({
      listen: ({ hostname = "?", port }: { hostname?: string; port: number }) =>
        Promise.resolve({ hostname, port }),
      close: () => Promise.resolve(),
    }),
  });
  Object.assign(world, { refclocks: new FakeReceiver(world).refclocks });
  const system = new FakeSystemTime(() => world.time.now());
  const steering = { open: () => Promise.resolve({ system, syncOptions: {} }) };
  Object.assign(world, { steering });
  const words = args.split(" ");
  for (const word of words) world.names.set(word, [SERVER]);
  if (words[0] !== "keygen") world.files.set(KEY_FILE.path, KEY_FILE.text);
  world.files.set("ntps.toml", CONFIG);
  world.files.set("day.csv", RECORDING);
  if (words.includes("--config")) await readToml(CONFIG, ""); // virtual time waits for no module
  for (const [path, text] of Object.entries(NTS_FILES)) world.files.set(path, text);
  const keys = parseKeyFile(KEY_FILE.text);
  const server = await world.serve(SERVER, {
    refid: "GPS",
    keys,
    nts: new NtsResponder({ cookieKeys }),
  });
  const broadcaster = new NTPBroadcaster({
    server,
    targets: ["224.0.1.1"],
    interval: 16,
    key: keys.get(1)!,
    timers: world.timers,
  });
  broadcaster.start();
  world.time.after(END_MS, () => world.signal("SIGTERM"));
  const done = await world.run(...words);
  broadcaster.close();
  await server.close();
  return done;
}
