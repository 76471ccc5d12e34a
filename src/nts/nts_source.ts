/** Where the server of a key exchange says that the time is to be had. */
export interface NtsServerAddress {
  /** Name or IP address. */
  readonly hostname: string;
  /** Port. */
  readonly port: number;
}

/**
 * What an arrived datagram is to a request with NTS: `"authentic"`; `"refused"`, an answer that the
 * cookie is not good (NTSN), which anybody could have sent; `"unauthentic"`, anything else.
 */
export type NtsVerdict = "authentic" | "refused" | "unauthentic";

/** A request with NTS, and what it takes to know its reply. */
export interface NtsRequest {
  /** The request: what is to be sent. */
  readonly bytes: Uint8Array;
  /**
   * Looks at a datagram that may be the reply, and gives its cookies to the session. Never throws.
   *
   * @param data the datagram; borrowed
   */
  receive(data: Uint8Array): NtsVerdict;
}

/**
 * What a client has of NTS: keys and cookies for one server. An `NtsSession` is one.
 */
export interface NtsSource {
  /**
   * Waits until a request can be made: exchanges keys if that is needed and may be done now.
   *
   * @param signal ends the wait
   * @returns the server to ask
   * @throws {NTPError} what the key exchange threw, when there are no old keys and cookies to go on with
   */
  ready(signal?: AbortSignal): Promise<NtsServerAddress>;
  /** Whether {@linkcode NtsSource.ready} would have to wait. */
  readonly isWanting: boolean;
  /**
   * Makes a request of a plain one; takes a cookie.
   *
   * @param header a request of version 4, 48 bytes
   * @throws {NTPError} `authentication` when there is no cookie: wait for {@linkcode NtsSource.ready}
   */
  protect(header: Uint8Array): NtsRequest;
}

/** Which server of key exchange a session is with. */
export interface NtsTarget {
  /** Its port, 1 to 65535. Default 4460. */
  port?: number;
  /** Ask only addresses of this family, 4 or 6. Default both. */
  family?: 4 | 6;
  /** Ask this address, whatever the name stands for; the certificate is still for the name. */
  address?: string;
}

/** What makes sessions of NTS, each with keys of its own. An `NtsClient` is one. */
export interface NtsSessions {
  /**
   * Makes a session; keys are exchanged when it is first used.
   *
   * @param hostname the key exchange server: name or IP address
   * @param target port, and which address of that name
   */
  session(hostname: string, target?: NtsTarget): NtsSource;
}
