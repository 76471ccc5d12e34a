import { encodeHex } from "@std/encoding/hex";
import { ClientTarget } from "./client_target.ts";
import { DecoderTarget } from "./decoder_target.ts";
import { GpsdTarget } from "./gpsd_target.ts";
import { GuardedResponderTarget } from "./guarded_responder_target.ts";
import { CLIENT_KEY } from "./keys.ts";
import { KeyExchangeTarget } from "./key_exchange_target.ts";
import { Mutator } from "./mutator.ts";
import { NmeaTarget } from "./nmea_target.ts";
import { NtsClientTarget } from "./nts_client_target.ts";
import { NtsServerTarget } from "./nts_server_target.ts";
import { Random } from "./random.ts";
import { Ntpv5Target } from "./ntpv5_target.ts";
import { ResponderTarget } from "./responder_target.ts";
import { ShmTarget } from "./shm_target.ts";
import { SockTarget } from "./sock_target.ts";
import { mixOf, type Target } from "./target.ts";

/** What can be fuzzed. */
export const TARGETS: Readonly<Record<string, () => Target>> = {
  decoder: () => new DecoderTarget(),
  responder: () => new ResponderTarget(),
  "guarded-responder": () => new GuardedResponderTarget(),
  client: () => new ClientTarget(),
  "keyed-client": () => new ClientTarget(CLIENT_KEY),
  "key-exchange": () => new KeyExchangeTarget(),
  "nts-server": () => new NtsServerTarget(),
  "nts-client": () => new NtsClientTarget(),
  ntpv5: () => new Ntpv5Target(),
  nmea: () => new NmeaTarget(),
  gpsd: () => new GpsdTarget(),
  shm: () => new ShmTarget(),
  sock: () => new SockTarget(),
};

/** Packets between two looks at the clock. */
const CHUNK = 4096;
/** Findings that are kept; one fault may show millions of times. */
const MAX_FINDINGS = 20;

/** A packet that did something it must not. */
export interface Finding {
  /** Target it was passed to. */
  readonly target: string;
  /** What does not hold, or the error with its stack. */
  readonly what: string;
  /** The packet. */
  readonly hex: string;
}

/** What came of a run. */
export interface Outcome {
  /** Packets passed in. */
  readonly packets: number;
  /** How many got through: were decoded, answered, accepted. */
  readonly passed: number;
  /** How many packets did what they must not. */
  readonly failures: number;
  /** The first of them, each fault once. */
  readonly findings: readonly Finding[];
  /** How long it took. */
  readonly seconds: number;
}

/**
 * Passes a packet to a target.
 *
 * @returns what does not hold; `undefined` when all is well
 */
function faultOf(target: Target, buffer: Uint8Array, length: number): string | undefined {
  try {
    return target.check(buffer, length);
  } catch (error) {
    return `threw ${traceOf(target, buffer, length) ?? String(error)}`;
  }
}

/** Has it thrown once more, with a stack. */
function traceOf(target: Target, buffer: Uint8Array, length: number): string | undefined {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = 30;
  try {
    target.check(buffer, length);
  } catch (error) {
    // The stacks of some runtimes begin with the message, those of others do not have it.
    if (error instanceof Error) return `${error.name}: ${error.message}\n${error.stack}`;
  } finally {
    Error.stackTraceLimit = before;
  }
  return undefined;
}

/**
 * Fuzzes a target: the corpus as it is, then what the mutator makes of it. Depends on target, corpus,
 * seed and count alone, on every runtime.
 *
 * @param target what to pass packets to
 * @param corpus what the mutator begins with, unless the target has its own
 * @param seed 32 bits
 * @param count packets to pass in
 * @param onProgress told now and then how many have been
 */
export function fuzz(
  target: Target,
  corpus: readonly Uint8Array[],
  seed: number,
  count: number,
  onProgress: (packets: number) => void = () => {},
): Outcome {
  const name = new TextEncoder().encode(target.name);
  const random = new Random(seed, mixOf(name, name.length));
  const seeds = target.corpus ?? corpus;
  const preferred = seeds.filter((packet) => target.prefers(packet));
  const mutator = new Mutator(seeds, preferred, random);
  const findings: Finding[] = [];
  let failures = 0;
  const traces = Error.stackTraceLimit;
  Error.stackTraceLimit = 0; // half the time would go into stacks that nobody reads
  const start = performance.now();
  for (let packets = 0; packets < count; packets++) {
    if (packets % CHUNK === 0) onProgress(packets);
    if (packets < seeds.length) {
      mutator.take(seeds[packets]!);
    } else {
      mutator.next();
      target.shape?.(mutator.buffer, mutator.length, random.word());
    }
    const { buffer, length } = mutator;
    const what = faultOf(target, buffer, length);
    if (what === undefined) continue;
    failures++;
    if (findings.length < MAX_FINDINGS && !findings.some((finding) => finding.what === what)) {
      findings.push({ target: target.name, what, hex: encodeHex(buffer.subarray(0, length)) });
    }
  }
  const seconds = (performance.now() - start) / 1000;
  Error.stackTraceLimit = traces;
  return { packets: count, passed: target.passed, failures, findings, seconds };
}

/**
 * Passes one packet to every target, as it is.
 *
 * @param packet a packet, such as that of a finding
 */
export function replay(packet: Uint8Array): Finding[] {
  const buffer = new Uint8Array(1 << 16);
  buffer.set(packet);
  return Object.entries(TARGETS).flatMap(([name, make]) => {
    const what = faultOf(make(), buffer, packet.length);
    return what === undefined ? [] : [{ target: name, what, hex: encodeHex(packet) }];
  });
}
