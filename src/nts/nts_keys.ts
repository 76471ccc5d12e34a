/**
 * The keys that client and server share in a session of Network Time Security (RFC 8915 §5.1), both
 * of the length that the algorithm has. They are secret: nothing shows them.
 */
export interface NtsKeys {
  /** Identifier of the AEAD algorithm: 15, 16, 17 or 30 (RFC 5297, RFC 8452). */
  readonly aead: number;
  /** Key of what the client sends to the server. */
  readonly c2s: Uint8Array;
  /** Key of what the server sends to the client. */
  readonly s2c: Uint8Array;
}

/** What a client has after a key exchange (RFC 8915 §4). */
export interface NtsEstablishment extends NtsKeys {
  /** Cookies, each to be sent once; servers give eight of them. */
  readonly cookies: readonly Uint8Array[];
  /** The NTP server to ask: name or IP address; the one of the key exchange, if it named none. */
  readonly hostname: string;
  /** The NTP server's port. */
  readonly port: number;
}
