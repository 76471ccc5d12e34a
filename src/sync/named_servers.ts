import type { SymmetricKey } from "../auth/symmetric_key.ts";
import type { NtsSessions, NtsSource } from "../nts/nts_source.ts";
import type { Version } from "../packet/packet.ts";
import type { SourcePreference } from "./selection.ts";
import { referenceIdFromAddress } from "../packet/reference_id.ts";
import { Endpoint } from "../transport/endpoint.ts";
import { type Candidate, Candidates } from "./candidates.ts";
import { ServerPoller } from "./server_poller.ts";
import type { SyncInput, SyncSink } from "./sync_input.ts";

/** A server or a pool, once checked. */
export interface CheckedServerOptions {
  readonly kind: "server" | "pool";
  readonly hostname: string;
  readonly port: number;
  readonly key: SymmetricKey | undefined;
  readonly nts: true | NtsSessions | NtsSource | undefined;
  readonly ntsPort: number | undefined;
  readonly version: Version;
  readonly family: 4 | 6 | undefined;
  readonly iburst: boolean;
  readonly interleaved: boolean;
  readonly minPoll: number;
  readonly maxPoll: number;
  readonly maxSources: number;
  readonly preference: SourcePreference;
}

/** Polls without an answer after which another address of the name is tried. */
const PATIENCE = 8;
/** Samples in a row as a falseticker after which a pool gives a server up. */
const TOLERANCE = 8;
/** Seconds between two look-ups of the name: the least, and the most. */
const LEAST_WAIT = 4, MOST_WAIT = 1024;
/** Seconds until a look-up that replaces a server: not more often, whatever the servers do. */
const REPLACE_WAIT = 64;
/** Addresses that are remembered as bad. */
const MAX_BANNED = 64;

/** A server that is asked, and what makes it bad. */
interface Asked {
  readonly poller: ServerPoller;
  readonly endClaim: () => void;
  /** Address of the server of key exchange, of a pool. */
  readonly exchangedWith: string | undefined;
  /** Samples in a row as a falseticker. */
  lies: number;
}

/**
 * The servers that a name stands for: one address of it, or as many as are wanted of a pool. One that
 * dies is replaced by an address that was not asked before; the name is looked up again for that.
 */
export class NamedServers implements SyncInput {
  readonly #options: CheckedServerOptions;
  readonly #asked = new Map<string, Asked>();
  readonly #banned = new Set<string>();
  #sink: SyncSink | undefined;
  #candidates: Candidates | undefined;
  #endExpectation = (): void => {};
  #cancel = (): void => {};
  #wait = LEAST_WAIT;
  #isClosed = false;
  /** Whether a look-up is under way, or is to come. */
  #isLooking = false;

  /**
   * Makes an input that does nothing yet.
   *
   * @param options checked
   */
  constructor(options: CheckedServerOptions) {
    this.#options = options;
  }

  start(sink: SyncSink): void {
    this.#sink = sink;
    this.#candidates = new Candidates(this.#options, sink);
    this.#endExpectation = this.#options.preference.noSelect
      ? () => {}
      : sink.expect(this.#options.maxSources);
    void this.#lookUp();
  }

  burst(): void {
    for (const { poller } of this.#asked.values()) poller.burst();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel();
    this.#endExpectation();
    for (const address of [...this.#asked.keys()]) this.#end(address);
    this.#sink?.problem(this, this.#options.hostname, undefined);
  }

  async #lookUp(): Promise<void> {
    const sink = this.#sink!, { hostname, maxSources } = this.#options;
    this.#isLooking = true;
    try {
      const asked = [...this.#asked.values()];
      const wanted = maxSources - asked.filter((one) => !this.#isBad(one)).length;
      const inUse = new Set(asked.flatMap(({ exchangedWith: address }) => address ?? []));
      const found = await this.#candidates!.find(wanted, inUse);
      if (this.#isClosed) return;
      this.#replaceBad(found);
      this.#fill(found);
      const isShort = this.#asked.size === 0;
      const error = isShort ? new Error(`No address of ${hostname} can be asked`) : undefined;
      // What a server said that sent us away tells more.
      if (!isShort || this.#banned.size === 0) sink.problem(this, hostname, error);
    } catch (error) {
      if (this.#isClosed) return;
      sink.problem(this, hostname, error as Error);
    }
    this.#isLooking = false;
    this.#endExpectation();
    if (this.#asked.size < this.#options.maxSources) this.#lookUpAfter(this.#backOff());
  }

  #backOff(): number {
    const wait = this.#wait;
    this.#wait = Math.min(MOST_WAIT, 2 * wait);
    return wait;
  }

  #lookUpAfter(seconds: number): void {
    if (this.#isLooking || this.#isClosed) return;
    this.#isLooking = true;
    this.#cancel = this.#sink!.timers.after(seconds * 1000, () => void this.#lookUp());
  }

  /** Whether a server is worth less than one that nothing is known of. */
  #isBad({ poller, lies }: Asked): boolean {
    return poller.unanswered > PATIENCE || (this.#options.kind === "pool" && lies > TOLERANCE);
  }

  /** Gives bad servers up, as many as there are others for. */
  #replaceBad(found: readonly Candidate[]): void {
    let fresh = found.filter(({ address }) => this.#mayAsk(address)).length;
    for (const [address, asked] of this.#asked) {
      if (fresh === 0 || !this.#isBad(asked)) continue;
      fresh--;
      this.#ban(address);
      this.#end(address);
    }
  }

  #mayAsk(address: string): boolean {
    if (this.#asked.has(address) || this.#banned.has(address)) return false;
    return this.#options.kind !== "pool" || !this.#sink!.ownAddresses.has(address);
  }

  /** Asks as many addresses as are wanted. */
  #fill(found: readonly Candidate[]): void {
    for (const candidate of found) {
      if (this.#asked.size >= this.#options.maxSources) return;
      if (this.#mayAsk(candidate.address)) this.#begin(candidate);
    }
  }

  #begin({ address, exchangedWith, nts, port }: Candidate): void {
    const sink = this.#sink!, { kind, hostname: name, preference } = this.#options;
    const remote = new Endpoint(address, port);
    const release = kind === "pool" ? () => this.#lose(address) : undefined;
    const endClaim = sink.claim(`${remote}`, release);
    if (endClaim === undefined) return;
    const referenceId = referenceIdFromAddress(remote.hostname.split("%")[0]!);
    const channel = sink.open({ kind, name, hostname: address, port, preference, referenceId });
    const poller = new ServerPoller(
      {
        ...this.#options,
        nts,
        remote,
        onPoll: () => this.#judge(address),
        onDenied: (error) => {
          sink.problem(this, name, error);
          this.#lose(address);
        },
      },
      sink,
      channel,
    );
    this.#asked.set(address, { poller, endClaim, exchangedWith, lies: 0 });
    poller.start();
  }

  #judge(address: string): void {
    const asked = this.#asked.get(address);
    if (asked === undefined) return;
    const { channel, unanswered } = asked.poller;
    asked.lies = channel.state !== "falseticker"
      ? 0
      : unanswered === 0
      ? asked.lies + 1
      : asked.lies;
    if (this.#isBad(asked)) this.#lookUpAfter(REPLACE_WAIT);
  }

  /** Does without an address from now on. */
  #lose(address: string): void {
    this.#ban(address);
    this.#end(address);
    this.#lookUpAfter(this.#backOff());
  }

  #ban(address: string): void {
    this.#banned.add(address);
    if (this.#banned.size > MAX_BANNED) this.#banned.delete(this.#banned.values().next().value!);
  }

  #end(address: string): void {
    const asked = this.#asked.get(address);
    this.#asked.delete(address);
    asked?.poller.close();
    asked?.endClaim();
  }
}
