import type { KeyFileFormat } from "../auth/key_secret.ts";
import { AccessList } from "../server/access.ts";
import type { RateLimitOptions } from "../server/rate_limit_options.ts";
import { parseRefid } from "../server/system_variables.ts";
import type { TransportName } from "../transport/bind_udp.ts";
import { type AccessOptions, accessRules } from "./access_options.ts";
import type { MulticastTarget } from "./broadcast_options.ts";
import type { Group } from "./group_options.ts";
import type { Host } from "./host.ts";
import { checkKeyFormat } from "./key_options.ts";
import type { Refclock } from "./refclock_spec.ts";
import { checkGroups } from "./serve_listen.ts";
import { asUsage, UsageError } from "./usage_error.ts";

/** Values of the options. */
export interface ServeValues extends AccessOptions<readonly string[]> {
  readonly address: readonly string[];
  readonly refid: string | undefined;
  readonly stratum: number | undefined;
  readonly refclock: readonly Refclock[];
  readonly maxHoldover: number | undefined;
  readonly keys: string | undefined;
  readonly keyFormat: KeyFileFormat | undefined;
  readonly transport: TransportName;
  readonly workers: number;
  readonly rateLimit: RateLimitOptions | undefined;
  readonly broadcast: readonly string[];
  readonly multicast: readonly MulticastTarget[];
  readonly broadcastInterval: number | undefined;
  readonly group: readonly Group[];
  readonly interface: readonly string[];
  readonly peer: readonly Host[];
  readonly passive: boolean;
  readonly unauthenticated: boolean;
  readonly interleaved: boolean;
  readonly key: number | undefined;
  readonly page: boolean;
}

/** Options that mean nothing by themselves: what one needs, whether it is there, what that is. */
function needs(
  given: ServeValues,
): (readonly [wanted: boolean, there: boolean, message: string])[] {
  const { limited, requireAuth, rateLimit, keys, broadcast, multicast, group, peer } = given;
  const broadcasts = broadcast.length + multicast.length > 0;
  const hasRefclock = given.refclock.length > 0;
  return [
    [
      given.maxHoldover !== undefined,
      hasRefclock,
      "--max-holdover is for --refclock, of which there is none",
    ],
    [
      given.stratum !== undefined,
      !hasRefclock,
      "--stratum does not go with --refclock: say --refclock SPEC,stratum=N, one less",
    ],
    [
      given.refid !== undefined,
      !hasRefclock,
      "--refid does not go with --refclock: say --refclock SPEC,refid=ID",
    ],
    [
      limited.length > 0,
      rateLimit !== undefined,
      "--limited needs --rate-limit, alone or with a LIMIT",
    ],
    [
      requireAuth.length > 0,
      keys !== undefined,
      "--require-auth needs --keys: without, nobody there could be answered",
    ],
    [
      given.key !== undefined,
      broadcasts || peer.length > 0,
      "--key is for --broadcast, --multicast and --peer, of which there is none",
    ],
    [
      given.interleaved,
      broadcasts || peer.length > 0,
      "--interleaved is for --broadcast, --multicast and --peer, of which there is none",
    ],
    [given.key !== undefined, keys !== undefined, "--key needs --keys: the file that has the key"],
    [
      given.broadcastInterval !== undefined,
      broadcasts,
      "--broadcast-interval is for --broadcast and --multicast, of which there is none",
    ],
    [
      given.interface.length > 0,
      multicast.length + group.length > 0,
      "--interface is for --multicast and --group, of which there is none",
    ],
    [
      given.workers > 0,
      multicast.length + group.length === 0,
      "--workers does not go with --group and --multicast: each of them would hear the group",
    ],
    [
      given.workers > 0,
      given.transport === "auto" || given.transport === "native",
      "--workers have native sockets: leave out --transport, or say native",
    ],
    [
      given.unauthenticated,
      given.passive,
      "--unauthenticated is for --passive, which is not there",
    ],
    [
      given.passive,
      keys !== undefined || given.unauthenticated,
      "--passive needs --keys, or --unauthenticated where you trust everybody who can reach you",
    ],
  ];
}

/**
 * Checks that the options make sense together.
 *
 * @throws {UsageError} if they do not
 */
export function checkServeValues(given: ServeValues): void {
  for (const [wanted, there, message] of needs(given)) {
    if (wanted && !there) throw new UsageError(message);
  }
  const { refid } = given;
  checkKeyFormat("--keys", given.keys, given.keyFormat);
  if (refid !== undefined) asUsage(() => parseRefid(refid), "--refid: ");
  asUsage(() => new AccessList(accessRules(given)));
  checkGroups(given);
}
