import { type KeySpec, keySpecsOf } from "../../auth/key_specs.ts";
import type { KeySource } from "../request_mac.ts";
import { bindUdp, type TransportName, udpAdapter } from "../../transport/bind_udp.ts";
import type { ListenOptions, WorkersOptions } from "../ntp_server_options.ts";

/** Most workers of one socket. */
const MAX_WORKERS = 64;

/** What may be given for sockets that are native where that is possible. */
const OWN_BINDERS: readonly unknown[] = [
  undefined,
  bindUdp,
  udpAdapter("auto"),
  udpAdapter("native"),
];

/** What is wanted, checked. */
export interface WorkersSettings {
  /** 1 or more. */
  readonly count: number;
  /** URL of a module, if the workers have a clock of their own. */
  readonly clockModule: string | undefined;
}

/**
 * Checks what was said of workers.
 *
 * @returns `undefined` if there are to be none
 * @throws {TypeError} if it has the wrong type
 * @throws {RangeError} if a value is out of range
 */
export function workersSettings(
  workers: number | WorkersOptions | undefined,
): WorkersSettings | undefined {
  if (workers === undefined) return undefined;
  const isObject = typeof workers === "object" && workers !== null;
  const { count, clockModule }: Partial<WorkersOptions> = isObject ? workers : { count: workers };
  if (typeof count !== "number") {
    throw new TypeError(`workers is a number, or an object with count, not ${String(workers)}`);
  }
  if (!Number.isInteger(count) || count < 0 || count > MAX_WORKERS) {
    throw new RangeError(`workers is a whole number from 0 to ${MAX_WORKERS}, not ${count}`);
  }
  const url = clockModule === undefined ? undefined : urlOf(clockModule);
  return count === 0 ? undefined : { count, clockModule: url };
}

function urlOf(clockModule: unknown): string {
  if (clockModule instanceof URL) return clockModule.href;
  if (typeof clockModule !== "string") {
    throw new TypeError(`workers.clockModule is a URL, not ${String(clockModule)}`);
  }
  try {
    return new URL(clockModule).href;
  } catch {
    throw new RangeError(
      `workers.clockModule is a whole URL, such as new URL("./clock.ts", import.meta.url), not ` +
        JSON.stringify(clockModule),
    );
  }
}

/**
 * Refuses what workers cannot have: functions cannot go to another thread, and of several sockets
 * each one hears a group.
 *
 * @param server what the server was given
 * @param listen where and how it is to listen
 * @returns the keys as they can be posted
 * @throws {TypeError} naming the option and the remedy
 */
export function checkWorkable(
  server: {
    readonly decide: unknown;
    readonly bind: unknown;
    readonly transport: TransportName;
    readonly nts: unknown;
    readonly ntpv5: unknown;
    readonly keys: KeySource | undefined;
  },
  listen: ListenOptions,
): readonly KeySpec[] | undefined {
  const refuse = (name: string, why: string): never => {
    throw new TypeError(`workers do not go with ${name}: ${why}`);
  };
  if (server.decide !== undefined) {
    refuse("decide", "a function cannot go to another thread; listen without workers");
  }
  if (server.nts !== undefined) {
    refuse("nts", "what tells good cookies lives in this thread; listen without workers");
  }
  if (server.ntpv5 !== undefined) {
    refuse("ntpv5", "it answers in this thread; listen without workers");
  }
  if (!OWN_BINDERS.includes(server.bind)) {
    refuse("bind", "they have native sockets of their own; leave out bind, or workers");
  }
  const { transport } = server;
  if (transport !== "auto" && transport !== "native") {
    refuse(`transport "${transport}"`, 'their sockets are native; say "native" or "auto"');
  }
  if ((listen.groups?.length ?? 0) > 0 || listen.multicast === true) {
    refuse(
      "groups and multicast",
      "each worker would answer what is sent to a group; listen without workers",
    );
  }
  if (server.keys === undefined) return undefined;
  return keySpecsOf(server.keys) ??
    refuse("these keys", "only SymmetricKeys, or a KeyStore of them, can go to another thread");
}
