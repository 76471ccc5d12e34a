import {
  firstByte,
  HEADER_LENGTH,
  modeOf,
  ORIGIN_TIMESTAMP_AT,
  readTimestamp,
  RECEIVE_TIMESTAMP_AT,
  REFERENCE_ID_AT,
  REFERENCE_TIMESTAMP_AT,
  ROOT_DELAY_AT,
  ROOT_DISPERSION_AT,
  STRATUM_AT,
  TRANSMIT_TIMESTAMP_AT,
  versionOf,
  writeTimestamp,
  writeWord,
} from "../packet/header.ts";
import { referenceIdFromText } from "../packet/reference_id.ts";
import { shortFromSeconds } from "../packet/short_format.ts";
import { addSeconds } from "../packet/timestamp.ts";
import type { Decision } from "../server/decision.ts";
import { NTPServer } from "../server/ntp_server.ts";
import type { NTPServerOptions } from "../server/ntp_server_options.ts";
import type { UdpTransport } from "../transport/udp_transport.ts";
import { checkFault, type Fault } from "./fault.ts";
import { isWithin } from "./link.ts";
import { sineOfTurns } from "./portable_math.ts";
import type { RandomStream } from "./random_stream.ts";
import type { SimulatedNode } from "./simulated_node.ts";

/** Options of a {@linkcode ScriptedServer}, besides those of its node. */
export interface ScriptedServerOptions
  extends Omit<NTPServerOptions, "clock" | "bind" | "decide" | "onError"> {
  /** What is wrong with it, and when. Default: nothing ever. */
  faults?: readonly Fault[];
  /** Port that it listens at. Default 123. */
  port?: number;
}

/** Reference identifier of a server that smears, where the fault does not say: 254.0.0.0. */
const SMEARED = 0xfe000000;
/** Where the timestamps stand that the server's clock tells. */
const TIMES_AT = [REFERENCE_TIMESTAMP_AT, RECEIVE_TIMESTAMP_AT, TRANSMIT_TIMESTAMP_AT];

/**
 * A server that does what its script says: an `NTPServer` on a node of a simulation, whose replies
 * are made wrong at times. {@linkcode Simulation.addServer} makes them.
 *
 * @example A server that is right for an hour and then half a second fast
 * ```ts
 * import { query } from "@ntps/ntps";
 * import { Simulation } from "@ntps/ntps/testing";
 * import { assert } from "@std/assert";
 *
 * const simulation = new Simulation({ seed: 1 });
 * await simulation.addServer({
 *   name: "a.example",
 *   faults: [{ kind: "offset", seconds: 0.5, from: 3600 }],
 * });
 * const { world } = simulation.addNode({ name: "client" });
 * const ask = () => simulation.runUntil(query("a.example", world));
 * assert(Math.abs((await ask()).offset) < 1e-6);
 * await simulation.run(3600);
 * assert(Math.abs((await ask()).offset - 0.5) < 1e-6);
 * ```
 */
export class ScriptedServer {
  /** Where it runs; its clock is the server's. */
  readonly node: SimulatedNode;
  /** The server itself. */
  readonly server: NTPServer;
  /** What is wrong with it, and when. May be changed at any time, through `add` and `clear`. */
  get faults(): readonly Fault[] {
    return this.#faults;
  }
  readonly #faults: Fault[] = [];
  readonly #random: RandomStream;
  readonly #elapsed: () => number;
  readonly #port: number;

  /**
   * Makes a server; it does nothing before {@linkcode ScriptedServer.listen}.
   *
   * @param node where it runs
   * @param options see {@linkcode ScriptedServerOptions}
   * @param random its own stream
   * @param elapsed tells true time, in seconds since the start
   * @throws {TypeError} if an option has the wrong type
   * @throws {RangeError} if an option is out of range
   */
  constructor(
    node: SimulatedNode,
    options: ScriptedServerOptions,
    random: RandomStream,
    elapsed: () => number,
  ) {
    const { faults = [], port = 123, ...serverOptions } = options;
    for (const fault of faults) this.add(fault);
    this.node = node;
    this.#random = random;
    this.#elapsed = elapsed;
    this.#port = port;
    this.server = new NTPServer({
      ...serverOptions,
      clock: node.clock,
      bind: async (bindOptions) => this.#tampering(await node.bind(bindOptions)),
      decide: () => this.#decide(),
    });
  }

  /** Starts to listen at the node's address. */
  async listen(): Promise<void> {
    await this.server.listen({ hostname: this.node.address, port: this.#port });
  }

  /**
   * Makes one more thing wrong.
   *
   * @param fault what, and when
   * @returns a function that makes it right again
   * @throws {TypeError} if it is no fault
   * @throws {RangeError} if something of it is out of range
   */
  add(fault: Fault): () => void {
    checkFault(fault);
    this.#faults.push(fault);
    return () => {
      const index = this.#faults.indexOf(fault);
      if (index >= 0) this.#faults.splice(index, 1);
    };
  }

  /** Makes everything right. */
  clear(): void {
    this.#faults.length = 0;
  }

  /** How far the time that it tells is ahead of true time, in seconds; without `noise`. */
  get offset(): number {
    return this.node.offset + this.#faultOffset(this.#elapsed());
  }

  /** Stops listening. */
  close(): Promise<void> {
    return this.server.close();
  }

  #decide(): Decision | undefined {
    const now = this.#elapsed(), random = this.#random;
    let isFaulty = false;
    for (const fault of this.#faults) {
      if (!isWithin(now, fault) && fault.kind !== "smear") continue;
      isFaulty = true;
      if (fault.kind !== "silent" && fault.kind !== "kiss") continue;
      if (fault.probability !== undefined && !random.chance(fault.probability)) continue;
      if (fault.kind === "silent") return { action: "drop", reason: "scripted" };
      return { action: "kiss", reason: "scripted", kissCode: fault.code };
    }
    if (!isFaulty) return undefined;
    return { action: "adjust", reason: "scripted", adjust: (reply) => this.#spoil(reply, now) };
  }

  /** Makes the header of a reply wrong; a MAC is made afterwards. */
  #spoil(reply: Uint8Array, now: number): void {
    let offset = this.#faultOffset(now);
    for (const fault of this.#faults) {
      if (!isWithin(now, fault)) continue;
      if (fault.kind === "noise") offset += fault.seconds * (2 * this.#random.uniform() - 1);
      else spoilHeader(reply, fault);
    }
    if (offset !== 0) {
      for (const at of TIMES_AT) {
        writeTimestamp(reply, at, addSeconds(readTimestamp(reply, at), offset));
      }
    }
  }

  #faultOffset(now: number): number {
    let offset = 0;
    for (const fault of this.#faults) {
      const { from = 0, until = Infinity } = fault;
      if (fault.kind === "smear") {
        if (now < from) continue;
        const share = until === Infinity ? 0 : Math.min(1, (now - from) / (until - from));
        offset += fault.seconds * share;
        continue;
      }
      if (!isWithin(now, fault)) continue;
      if (fault.kind === "offset") offset += fault.seconds;
      else if (fault.kind === "drift") offset += fault.rate * (now - from);
      else if (fault.kind === "oscillation") {
        offset += fault.amplitude * sineOfTurns((now - from) / fault.period);
      }
    }
    return offset;
  }

  /** The server's socket, but for what becomes of its replies on the way out. */
  #tampering(transport: UdpTransport): UdpTransport {
    const send = transport.send.bind(transport);
    transport.send = (data, to) => {
      const now = this.#elapsed();
      let reply: Uint8Array | undefined = data;
      for (const fault of this.#faults) {
        if (!isWithin(now, fault) || (fault.kind !== "mac" && fault.kind !== "tamper")) continue;
        reply = fault.kind === "mac" ? withWrongMac(reply) : fault.tamper(reply.slice());
        if (reply === undefined) return "sent"; // as the server sees it
      }
      return send(reply, to);
    };
    return transport;
  }
}

function spoilHeader(reply: Uint8Array, fault: Fault): void {
  const version = versionOf(reply[0]!), mode = modeOf(reply[0]!);
  switch (fault.kind) {
    case "leap":
      reply[0] = firstByte(fault.leapIndicator, version, mode);
      break;
    case "stratum":
      reply[STRATUM_AT] = fault.stratum;
      break;
    case "unsynchronized":
      reply[0] = firstByte(3, version, mode);
      reply[STRATUM_AT] = 0;
      writeWord(reply, REFERENCE_ID_AT, referenceIdFromText("INIT"));
      break;
    case "root":
      if (fault.rootDelay !== undefined) {
        writeWord(reply, ROOT_DELAY_AT, shortFromSeconds(fault.rootDelay));
      }
      if (fault.rootDispersion !== undefined) {
        writeWord(reply, ROOT_DISPERSION_AT, shortFromSeconds(fault.rootDispersion));
      }
      break;
    case "reference":
      writeWord(reply, REFERENCE_ID_AT, fault.referenceId);
      break;
    case "smear":
      writeWord(reply, REFERENCE_ID_AT, fault.referenceId ?? SMEARED);
      break;
    case "origin":
      reply[ORIGIN_TIMESTAMP_AT + 7]! ^= 1;
  }
}

/** A copy whose last bit is wrong, if there is anything behind the header. */
function withWrongMac(reply: Uint8Array): Uint8Array {
  if (reply.length <= HEADER_LENGTH) return reply;
  const wrong = reply.slice();
  wrong[wrong.length - 1]! ^= 1;
  return wrong;
}
