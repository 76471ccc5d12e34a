import { Endpoint } from "./endpoint.ts";

/**
 * A datagram on its way through a {@linkcode MemoryNetwork}. Borrowed: the object is used again
 * when it has arrived.
 */
export interface MemoryDatagram {
  /** The payload. A path may write to it: then the datagram is forged. */
  readonly data: Uint8Array;
  /** Who sent it. */
  readonly source: Endpoint;
  /** Who is to have it. */
  readonly destination: Endpoint;
}

/** One copy of a datagram under way, which can be used again. */
export class Flight<Sender> implements MemoryDatagram {
  data: Uint8Array = new Uint8Array(0);
  readonly source: Endpoint = new Endpoint("", 0);
  readonly destination: Endpoint = new Endpoint("", 0);
  sender: Sender | undefined;
  /** Lets it arrive. One function per object, so that a datagram makes none. */
  readonly arrive: () => void;
  #buffer = new Uint8Array(128);

  /** @param land what to do on arrival */
  constructor(land: (flight: Flight<Sender>) => void) {
    this.arrive = () => land(this);
  }

  /** Takes a copy of a datagram. */
  assign(data: Uint8Array, source: Endpoint, destination: Endpoint, sender: Sender): void {
    if (data.length > this.#buffer.length) this.#buffer = new Uint8Array(data.length);
    this.data = this.#buffer.subarray(0, data.length);
    this.data.set(data);
    this.source.assign(source.rawHostname, source.port);
    this.destination.assign(destination.rawHostname, destination.port);
    this.sender = sender;
  }
}
