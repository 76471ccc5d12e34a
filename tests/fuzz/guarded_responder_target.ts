import { encodeHex } from "@std/encoding/hex";
import type { SymmetricKey } from "../../src/auth/symmetric_key.ts";
import {
  HEADER_LENGTH,
  modeOf,
  ORIGIN_TIMESTAMP_AT,
  TRANSMIT_TIMESTAMP_AT,
  versionOf,
} from "../../src/packet/header.ts";
import { MODE_CLIENT, MODE_RESERVED, MODE_SERVER } from "../../src/packet/mode.ts";
import { NTPPacket } from "../../src/packet/packet.ts";
import { NTPPacketError } from "../../src/packet/packet_error.ts";
import { AccessList } from "../../src/server/access.ts";
import { Admission } from "../../src/server/admission.ts";
import type { Decision } from "../../src/server/decision.ts";
import { DROP_REASONS } from "../../src/server/drop_reason.ts";
import { KissBudget } from "../../src/server/kiss_budget.ts";
import { RateLimiter } from "../../src/server/rate_limiter.ts";
import { MAX_REPLY_LENGTH, Responder } from "../../src/server/responder.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";
import { KEYS, seal } from "./keys.ts";
import { mixOf, same, type Target } from "./target.ts";

/** What the rules say of each client, in turn. */
const ACTIONS = ["allow", "limited", "require-auth", "kod", "deny"] as const;
const CLIENTS = [
  new Endpoint("192.0.2.1", 40000), // its key is good from here
  new Endpoint("192.0.2.130", 40000),
  new Endpoint("2001:db8::3", 123),
  new Endpoint("::ffff:192.0.2.194", 65535),
  new Endpoint("192.0.2.230", 0),
];
const RULES = [
  "192.0.2.0/25",
  "192.0.2.128/26",
  "2001:db8::/33",
  "192.0.2.192/27",
  "192.0.2.224/27",
]
  .map((prefix, i) => ({ prefix, action: ACTIONS[i]! }));
const BURST = 2, POLL = 6;
/** Longer than any bucket takes to fill: what was sent before is forgotten. */
const STEP_SECONDS = 4096;
/** Packets before the limiter is made anew: its times wrap after 2^20 s. */
const FRESH_EVERY = 128;

function fail(): never {
  throw new Error("hook");
}

/** Kinds of what a hook may do, good and bad. */
const HOOKS: readonly (() => unknown)[] = [
  () => undefined,
  () => undefined,
  () => ({ action: "serve", reason: "" }),
  () => ({ action: "drop", reason: "" }),
  () => ({ action: "kiss", reason: "", kissCode: "RSTR" }),
  () => ({ action: "adjust", reason: "", adjust: (reply: Uint8Array) => void (reply[1] = 9) }),
  () => ({ action: "adjust", reason: "", adjust: () => fail() }),
  () => ({ action: "kiss", reason: "", kissCode: "FAR TOO LONG" }),
  () => ({ action: "deny", reason: "" }),
  () => null,
  () => fail(),
];
/** What comes of each of these: a stratum, or a reason for silence. */
const HOOK_OUTCOMES = [2, 2, 2, "hook", "RSTR", 9, "hook", "hook", "hook", "hook", "hook"] as const;

/**
 * `Responder.respond` with keys, access rules, a rate limit and a hook: against a second reading of
 * what the rules of each mean, made with the decoder.
 */
export class GuardedResponderTarget implements Target {
  readonly name = "guarded-responder";
  passed = 0;
  readonly #arrival = new Uint32Array(2);
  readonly #reply = new Uint8Array(MAX_REPLY_LENGTH);
  readonly #inPlace = new Uint8Array(1 << 16);
  #responder = makeResponder();
  #packets = 0;

  prefers(packet: Uint8Array): boolean {
    return packet.length >= HEADER_LENGTH + 20 && modeOf(packet[0]!) === MODE_CLIENT;
  }

  shape(buffer: Uint8Array, length: number, chance: number): void {
    if (chance & 0x300) seal(buffer, length, chance);
  }

  check(buffer: Uint8Array, length: number): string | undefined {
    if (++this.#packets % FRESH_EVERY === 0) this.#responder = makeResponder();
    const mix = mixOf(buffer, length);
    const i = mix % CLIENTS.length;
    this.#arrival[0] = (this.#packets % FRESH_EVERY) * STEP_SECONDS;
    this.#arrival[1] = mix;
    const request = buffer.slice(0, length);
    let isAnswered = false;
    // Twice within the limit, twice above.
    for (let turn = 0; turn < 2 * BURST; turn++) {
      const expected = expectedOf(request, i, turn, HOOK_OUTCOMES[hookOf(request)]!);
      const fault = this.#ask(request, CLIENTS[i]!, expected, turn % 2 === 1);
      if (fault !== undefined) return `turn ${turn}: ${fault}`;
      isAnswered ||= expected.silence === undefined;
    }
    if (isAnswered) this.passed++;
    return undefined;
  }

  #ask(request: Uint8Array, client: Endpoint, expected: Outcome, inPlace: boolean) {
    const { length } = request;
    const bytes = inPlace ? this.#inPlace : request, into = inPlace ? bytes : this.#reply;
    if (inPlace) bytes.set(request);
    const result = this.#responder.respond(bytes, length, client, this.#arrival, into);
    if (result < 0) {
      const reason = DROP_REASONS[-result - 1];
      return reason === expected.silence ? undefined : `${reason}, not ${describe(expected)}`;
    }
    if (expected.silence !== undefined) return `a reply, not ${expected.silence}`;
    if (result > length) return `a reply of ${result} bytes to a request of ${length}`;
    return faultOf(request, into.slice(0, result), expected);
  }
}

function makeResponder(): Responder {
  const random = (into: Uint8Array) => into.forEach((_, i) => into[i] = 89 * i + 7);
  const limit = { interval: 2 ** POLL, burst: BURST, leak: 0, capacity: 1024, random };
  return new Responder({
    clock: { read: (into) => void into.fill(7) },
    variables: () => ({
      leapIndicator: 0,
      stratum: 2,
      precision: -23,
      rootDelay: 0,
      rootDispersion: 0,
      referenceId: 0xc0000201,
      referenceTimestamp: 1n,
    }),
    admission: new Admission(new AccessList(RULES), new RateLimiter(limit), new KissBudget(random)),
    keys: KEYS,
    decide: ({ bytes }) => HOOKS[hookOf(bytes)]!() as Decision | undefined,
    onError: () => fail(),
  });
}

/** Which hook a request meets. */
function hookOf(request: Uint8Array): number {
  return (mixOf(request, request.length) >>> 8) % HOOKS.length;
}

/** What is to come of a request: silence, or a reply. */
interface Outcome {
  readonly silence?: string;
  readonly isCryptoNak?: boolean;
  /** Stratum of an answer. */
  readonly stratum?: number;
  readonly kissCode?: string;
  /** Key of the reply's MAC, and the length of its digest. */
  readonly key?: SymmetricKey;
  readonly digestLength?: number;
}

function describe({ silence, isCryptoNak, kissCode, stratum }: Outcome): string {
  return silence ?? (isCryptoNak ? "crypto-NAK" : kissCode ?? `stratum ${stratum}`);
}

function expectedOf(
  request: Uint8Array,
  client: number,
  turn: number,
  hooked: number | string,
): Outcome {
  const { length } = request;
  if (length < HEADER_LENGTH) return { silence: "short" };
  const version = versionOf(request[0]!), mode = modeOf(request[0]!);
  if (version < 1 || version > 4) return { silence: "version" };
  const isOld = mode === MODE_RESERVED && version === 1 && CLIENTS[client]!.port !== 123;
  if (mode !== MODE_CLIENT && !isOld) return { silence: "mode" };

  const action = ACTIONS[client]!;
  if (action === "deny" || (action === "kod" && turn > 0)) return { silence: "access" };
  if (action === "limited" && turn > BURST) return { silence: "rate" };
  const kissCode = action === "kod" ? "DENY" : turn === BURST && action === "limited" ? "RATE" : "";

  let packet: NTPPacket;
  try {
    packet = NTPPacket.decode(request);
  } catch (error) {
    if (!(error instanceof NTPPacketError)) throw error;
    return { silence: "malformed" };
  }
  const { mac } = packet;
  let signer: Outcome = {};
  if (mac !== undefined) {
    const digestLength = mac.digest.length;
    const checksum = mac.digest.subarray(digestLength === 68 ? 4 : 0);
    const isMsSntp = version === 3 && (digestLength === 16 || digestLength === 68) &&
      checksum.every((byte) => byte === 0);
    if (digestLength === 0 || isMsSntp) return { silence: "authentication" };
    const key = KEYS.get(mac.keyId);
    const isAllowed = mac.keyId !== 5 || client === 0;
    if (key === undefined || !isAllowed || !isRight(request, key, mac.digest, version)) {
      return { isCryptoNak: true };
    }
    signer = { key, digestLength };
  } else if (action === "require-auth" && kissCode === "") {
    return { silence: "authentication" };
  }
  if (kissCode !== "") return { kissCode, ...signer };
  if (typeof hooked === "number") return { stratum: hooked, ...signer };
  return hooked === "hook" ? { silence: hooked } : { kissCode: hooked, ...signer };
}

/** Whether a digest has a length that its key has, and is what the key signs with. */
function isRight(request: Uint8Array, key: SymmetricKey, digest: Uint8Array, version: number) {
  const { length } = digest;
  const full = { MD5: 16, SHA1: 20, AES128: 16 }[key.type as string] ?? 64;
  if (length !== full && !(full > 20 && length === 20)) return false;
  if (version === 4 && length > 20) return false;
  const message = request.subarray(0, request.length - 4 - length);
  // Version 1 has the whole digest, of which others may be the beginning.
  return encodeHex(key.sign(message, 1).subarray(0, length)) === encodeHex(digest);
}

function faultOf(request: Uint8Array, reply: Uint8Array, expected: Outcome): string | undefined {
  if (modeOf(reply[0]!) !== MODE_SERVER) return `a reply of mode ${modeOf(reply[0]!)}`;
  if (versionOf(reply[0]!) !== versionOf(request[0]!)) return "a reply of another version";
  const origin = reply.subarray(ORIGIN_TIMESTAMP_AT);
  if (!same(origin, request.subarray(TRANSMIT_TIMESTAMP_AT), 8)) return "another origin";
  const { leapIndicator, stratum, kissCode, poll, mac, version } = NTPPacket.decode(reply);
  if (expected.isCryptoNak) {
    const isOne = reply.length === 52 && mac!.keyId === 0 && stratum === 2;
    return isOne ? undefined : `${reply.length} bytes instead of a crypto-NAK`;
  }
  if (expected.kissCode !== kissCode) return `kiss ${kissCode}, not ${describe(expected)}`;
  if (expected.kissCode === undefined && stratum !== expected.stratum) return `stratum ${stratum}`;
  if (expected.kissCode !== undefined && leapIndicator !== 3) return "a kiss that is synchronised";
  if (poll < (kissCode === "RATE" ? POLL : 4) || poll > 17) return `poll ${poll}`;
  const { key, digestLength = 0 } = expected;
  if (mac?.keyId !== key?.id || (mac?.digest.length ?? 0) !== digestLength) return "another MAC";
  return key === undefined || isRight(reply, key, mac!.digest, version) ? undefined : "a wrong MAC";
}
