import type { PeerSample } from "../association/events.ts";
import { NTPPeer, type NTPPeerOptions } from "../association/ntp_peer.ts";
import type { Clock } from "../clock/clock.ts";
import { NTPError } from "../packet/error.ts";
import { referenceIdFromAddress } from "../packet/reference_id.ts";
import { addSeconds, timestampDifference } from "../packet/timestamp.ts";
import { preferenceOf } from "./preference.ts";
import type { SourcePreference } from "./selection.ts";
import type { SyncChannel, SyncInput, SyncSink } from "./sync_input.ts";

/** Options of {@linkcode peerInput}. */
export interface SyncPeerOptions
  extends Omit<NTPPeerOptions, "timers" | "random" | "signal" | "resolve">, SourcePreference {}

/**
 * The same moments by another clock.
 *
 * @param sample an exchange whose times are of `from`, not long ago
 * @param from the clock it was made with
 * @param to the clock wanted
 */
function convert(sample: PeerSample, from: Clock, to: Clock): PeerSample {
  const ahead = timestampDifference(from.now(), to.now());
  const moved = (timestamp: bigint): bigint => addSeconds(timestamp, -ahead);
  return {
    ...sample,
    requestTimestamp: moved(sample.requestTimestamp),
    destinationTimestamp: moved(sample.destinationTimestamp),
    offset: sample.offset + ahead,
  };
}

/** Feeds a clock with what a symmetric association measures. */
class PeerInput implements SyncInput {
  readonly #options: SyncPeerOptions;
  #peer: NTPPeer | undefined;
  #channel: SyncChannel | undefined;

  constructor(options: SyncPeerOptions) {
    this.#options = options;
  }

  start(sink: SyncSink): void {
    const { endpoint, port = 123 } = this.#options;
    const { server, onSample, onChange, onError } = this.#options;
    const { timers, random, resolve, signal } = sink;
    const preference = preferenceOf(this.#options);
    const open = (hostname: string): SyncChannel => {
      const referenceId = referenceIdFromAddress(hostname.split("%")[0]!);
      sink.problem(this, endpoint, undefined);
      return sink.open({ kind: "peer", name: endpoint, hostname, port, preference, referenceId });
    };
    const peer = this.#peer = new NTPPeer({
      ...this.#options,
      ...{ timers, random, resolve, signal },
      onSample: (sample) => {
        onSample?.(sample);
        this.#channel ??= open(sample.hostname);
        const { pollInterval, reach } = peer.statistics()!;
        this.#channel.take(convert(sample, server.clock, sink.clock), pollInterval);
        this.#channel.polled(reach, Math.log2(pollInterval));
      },
      onChange: (state, remote) => {
        onChange?.(state, remote);
        this.#channel ??= open(remote.hostname);
        const { pollInterval, reach } = peer.statistics()!;
        if (state !== "reachable") this.#channel.polled(0, Math.log2(pollInterval));
        else this.#channel.polled(reach, Math.log2(pollInterval));
      },
      onError: (error) => {
        onError?.(error);
        if (this.#channel === undefined) sink.problem(this, endpoint, error);
        else if (error instanceof NTPError && error.code !== "kiss-of-death") {
          this.#channel.faulty(error);
        } else this.#channel.failed(error);
      },
    });
    peer.start().catch((error) => sink.problem(this, endpoint, error));
  }

  close(): void {
    this.#peer?.close();
    this.#channel?.close();
  }
}

/**
 * A symmetric peer as a source of time. Its server tells the time of the clock that is kept right
 * here, so that the two peers hold each other up.
 *
 * @param options as of `NTPPeer`, and how to treat it
 * @throws {TypeError} if an option has the wrong type
 * @throws {RangeError} if an option is out of range
 *
 * @example Two servers with the same three sources, that are peers
 * ```ts
 * import { NTPServer, NTPSync, peerInput } from "@ntps/ntps";
 *
 * const source = new NTPServer({ refid: "GPS", stratum: 1 });
 * const { port } = await source.listen({ hostname: "127.0.0.1", port: 0 });
 *
 * const sync = await NTPSync.start({ servers: [{ hostname: "127.0.0.1", port }] });
 * const server = new NTPServer({ clock: sync.clock });
 * await server.listen({ hostname: "127.0.0.1", port: 0 });
 * sync.add(peerInput({ server, endpoint: "127.0.0.1", port: 12301 }));
 * await sync.close();
 * await server.close();
 * await source.close();
 * ```
 */
export function peerInput(options: SyncPeerOptions): SyncInput {
  new NTPPeer(options).close(); // refuses wrong options here rather than later
  return new PeerInput(options);
}
