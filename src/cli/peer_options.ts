import { type Host, readHost } from "./host.ts";
import { flag, type Option, whole } from "./option.ts";

/** How the help says what peers are. */
export const PEER_HELP: string = `
Peers are servers that ask each other for the time, from the port that they
serve at. --peer asks, again and again; --passive takes those who ask, for as
long as they do. How far their clocks are off is told in the log; the clock of
this computer is not set by it.
`.trim();

/** Options that say who is a peer. */
export interface PeerOptions {
  readonly peer: Option<readonly Host[]>;
  readonly passive: Option<boolean>;
  readonly unauthenticated: Option<boolean>;
  readonly interleaved: Option<boolean>;
}

/** The options that say who is a peer. */
export const PEER_OPTIONS: PeerOptions = {
  peer: {
    value: "HOST",
    repeatable: true,
    initial: [],
    help: "be a symmetric active peer of this server; may be given more than once",
    read: (given) => given.map(readHost),
  },
  passive: flag({ help: "be a symmetric passive peer of those who have a key of --keys" }),
  unauthenticated: flag({ help: "with --passive: of those without a key, too" }),
  interleaved: flag({
    help: "tell each --peer, and in broadcasts, when the packet before left (RFC 9769)",
  }),
};

/** The option that says which key signs what is not asked for. */
export const signingKey: Option<number | undefined> = whole({
  value: "ID",
  least: 1,
  most: 0xffffffff,
  initial: undefined,
  help: "sign broadcasts, and packets to each --peer, with this key of --keys",
});
