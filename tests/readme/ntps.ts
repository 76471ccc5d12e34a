// The command `ntps` as the README has it, on virtual time and a network in memory: every name means
// one host, which serves time.
import { FakeWorld } from "../cli/fake_world.ts";

const SERVER = "192.0.2.1";

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
  const world = new FakeWorld();
  const words = args.split(" ");
  for (const word of words) world.names.set(word, [SERVER]);
  const server = await world.serve(SERVER, { refid: "GPS" });
  world.time.after(END_MS, () => world.signal("SIGTERM"));
  const done = await world.run(...words);
  await server.close();
  return done;
}
