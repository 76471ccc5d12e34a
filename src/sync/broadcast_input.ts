import type { PeerSample, PeerState } from "../association/events.ts";
import {
  NTPBroadcastClient,
  type NTPBroadcastClientOptions,
} from "../association/ntp_broadcast_client.ts";
import { NTPPacket } from "../packet/packet.ts";
import { referenceIdFromAddress } from "../packet/reference_id.ts";
import { Endpoint } from "../transport/endpoint.ts";
import { preferenceOf } from "./preference.ts";
import type { SourcePreference } from "./selection.ts";
import type { SyncChannel, SyncInput, SyncSink } from "./sync_input.ts";

/** Options of {@linkcode broadcastInput}. */
export interface SyncBroadcastOptions
  extends
    Omit<NTPBroadcastClientOptions, "timers" | "random" | "signal" | "clock">,
    SourcePreference {}

const NAME = "broadcast";

/** One server that broadcasts, and how it is heard. */
interface Heard {
  readonly channel: SyncChannel;
  reach: number;
  poll: number;
}

/** Feeds a clock with what is broadcast. */
class BroadcastInput implements SyncInput {
  readonly #options: SyncBroadcastOptions;
  readonly #heard = new Map<string, Heard>();
  #client: NTPBroadcastClient | undefined;
  #sink: SyncSink | undefined;

  constructor(options: SyncBroadcastOptions) {
    this.#options = options;
  }

  start(sink: SyncSink): void {
    this.#sink = sink;
    const { bind = sink.bind, onSample, onChange, onError } = this.#options;
    const { clock, timers, random, signal } = sink;
    this.#client = new NTPBroadcastClient({
      ...this.#options,
      ...{ bind, clock, timers, random, signal },
      onSample: (sample) => {
        onSample?.(sample);
        this.#take(sample);
      },
      onChange: (state, server) => {
        onChange?.(state, server);
        this.#change(state, server);
      },
      onError: (error) => {
        onError?.(error);
        sink.problem(this, NAME, error);
      },
    });
    this.#client.listen().catch((error) => sink.problem(this, NAME, error));
  }

  async close(): Promise<void> {
    for (const { channel } of this.#heard.values()) channel.close();
    this.#heard.clear();
    await this.#client?.close();
  }

  #take(sample: PeerSample): void {
    const { hostname, port } = sample, sink = this.#sink!;
    const name = `${new Endpoint(hostname, port)}`;
    let heard = this.#heard.get(name);
    if (heard === undefined) {
      const preference = preferenceOf(this.#options);
      const referenceId = referenceIdFromAddress(hostname.split("%")[0]!);
      sink.problem(this, NAME, undefined);
      heard = {
        channel: sink.open({
          kind: "broadcast",
          ...{ name: hostname, hostname, port, preference, referenceId },
        }),
        reach: 0,
        poll: 0,
      };
      this.#heard.set(name, heard);
    }
    // Nobody is asked: a broadcast that came counts, one that did not is noticed after eight.
    heard.reach = ((heard.reach << 1) | 1) & 0xff;
    heard.poll = Math.min(17, Math.max(0, sample.packet.poll));
    // As if we had asked: it was received and answered in one moment.
    const { packet } = sample;
    const asked = new NTPPacket({ ...packet, receiveTimestamp: packet.transmitTimestamp });
    heard.channel.take({ ...sample, packet: asked }, 2 ** heard.poll);
    heard.channel.polled(heard.reach, heard.poll);
  }

  #change(state: PeerState, server: { hostname: string; port: number }): void {
    const name = `${new Endpoint(server.hostname, server.port)}`, heard = this.#heard.get(name);
    if (heard === undefined || state === "reachable" || state === "waiting") return;
    heard.reach = 0;
    heard.channel.polled(0, heard.poll);
    if (state !== "stopped") return;
    heard.channel.close();
    this.#heard.delete(name);
  }
}

/**
 * What servers broadcast, as sources of time: each server that is heard and believed is one.
 *
 * @param options as of `NTPBroadcastClient`, and how to treat the servers
 * @throws {TypeError} if an option has the wrong type
 * @throws {RangeError} if an option is out of range
 *
 * @example Following the group of NTP
 * ```ts
 * import { broadcastInput, SymmetricKey } from "@ntps/ntps";
 *
 * const key = new SymmetricKey({ id: 1, type: "AES128", secret: new Uint8Array(16) });
 * const input = broadcastInput({ groups: ["224.0.1.1"], keys: [key] }); // for sync.add(input)
 * ```
 */
export function broadcastInput(options: SyncBroadcastOptions): SyncInput {
  new NTPBroadcastClient(options); // refuses wrong options here rather than later
  return new BroadcastInput(options);
}
