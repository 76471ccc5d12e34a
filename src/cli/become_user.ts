import process from "node:process";
import { UsageError } from "./usage_error.ts";

/** What of a process it takes to become another user. */
export interface UserCalls {
  getuid?(): number;
  getgid?(): number;
  setuid?(uid: number): void;
  setgid?(gid: number): void;
  setgroups?(groups: number[]): void;
}

/** Where users and groups are looked up. */
const USERS = "/etc/passwd", GROUPS = "/etc/group", OWN_STATUS = "/proc/self/status";

/** A user and group, by name or number. */
export interface UserName {
  readonly user: string;
  readonly group: string | undefined;
}

/**
 * Reads `NAME`, `NAME:GROUP` or `UID:GID`.
 *
 * @throws {UsageError} if it is none of these
 */
export function readUser(given: string, name: string): UserName {
  const [, user, group] = /^([\w.-]+)(?::([\w.-]+))?$/.exec(given) ?? [];
  if (user === undefined) throw new UsageError(`${name} is USER or USER:GROUP, not "${given}"`);
  if (/^\d+$/.test(user) && group === undefined) {
    throw new UsageError(`${name} ${given}: of a number nobody knows the group; say ${given}:GID`);
  }
  return { user, group };
}

/** Numbers of a line of `/etc/passwd` or `/etc/group` that begins with a name. */
async function numbersOf(
  name: string,
  path: string,
  readFile: (path: string) => Promise<Uint8Array>,
): Promise<[own: number, group: number]> {
  const text = new TextDecoder().decode(await readFile(path));
  const line = text.split("\n").find((line) => line.startsWith(`${name}:`));
  if (line === undefined) throw new Error(`--user: ${path} has no ${name}`);
  const [, , own, group] = line.split(":");
  return [Number(own), Number(group)];
}

/**
 * Gives the rights of root up for good, all groups included.
 *
 * @param named who to become
 * @param readFile reads files, for names
 * @param calls of the process
 * @throws {Error} with the remedy, if it cannot be done, or not wholly: go no further then
 */
export async function becomeUser(
  named: UserName,
  readFile: (path: string) => Promise<Uint8Array>,
  calls: UserCalls = process,
): Promise<void> {
  const { setgid, setuid } = calls;
  if (calls.getuid === undefined || setuid === undefined || setgid === undefined) {
    throw new Error("--user: this system has no users of that kind");
  }
  if (calls.getuid() !== 0) throw new Error("--user is for root, who starts it and gives that up");
  const isNumber = /^\d+$/;
  let uid: number, gid: number | undefined;
  if (isNumber.test(named.user)) uid = Number(named.user);
  else [uid, gid] = await numbersOf(named.user, USERS, readFile);
  if (named.group !== undefined) {
    [gid] = isNumber.test(named.group)
      ? [Number(named.group)]
      : await numbersOf(named.group, GROUPS, readFile);
  }
  if (!(uid > 0) || !(Number(gid) > 0)) {
    throw new Error("--user names root, or no user: it is to give root's rights up");
  }
  if (calls.setgroups !== undefined) calls.setgroups.call(calls, [gid!]);
  else await checkGroups(gid!, readFile);
  setgid.call(calls, gid!);
  setuid.call(calls, uid);
  let isBack = false;
  try {
    setuid.call(calls, 0);
    isBack = true;
  } catch {
    // As it should be.
  }
  if (isBack || calls.getuid() !== uid || calls.getgid?.() !== gid) {
    throw new Error("--user: root's rights could not be given up");
  }
}

/** Deno cannot leave groups, so there must be none that are worth anything. */
async function checkGroups(
  gid: number,
  readFile: (path: string) => Promise<Uint8Array>,
): Promise<void> {
  const text = new TextDecoder().decode(await readFile(OWN_STATUS));
  const groups = (/^Groups:(.*)$/m.exec(text)?.[1] ?? "?").trim().split(/\s+/).filter(Boolean);
  const others = groups.filter((group) => Number(group) !== gid);
  if (others.length === 0) return;
  throw new Error(
    `--user: this runtime cannot leave the groups ${others.join(", ")}; ` +
      "start it by setpriv --clear-groups, or as a service of systemd with a user of its own",
  );
}
