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
  /** Where it was sent to: an address, a group, or everybody on a subnet. */
  readonly destination: Endpoint;
  /** Whose copy this is: the destination, or one of those that the destination stands for. */
  readonly receiver: Endpoint;
  /** How many hops it may take: 64, to groups what the sender has set. */
  readonly hopLimit: number;
}

/** One copy of a datagram under way, which can be used again. */
export class Flight<Socket> implements MemoryDatagram {
  data: Uint8Array = new Uint8Array(0);
  readonly source: Endpoint = new Endpoint("", 0);
  readonly destination: Endpoint = new Endpoint("", 0);
  readonly receiver: Endpoint = new Endpoint("", 0);
  hopLimit = 0;
  sender: Socket | undefined;
  /** The socket that the receiver is, where the destination does not tell it. */
  member: Socket | undefined;
  /** Lets it arrive. One function per object, so that a datagram makes none. */
  readonly arrive: () => void;
  #buffer = new Uint8Array(128);

  /** @param land what to do on arrival */
  constructor(land: (flight: Flight<Socket>) => void) {
    this.arrive = () => land(this);
  }

  /**
   * Takes a datagram.
   *
   * @param receiver whose copy it is
   * @param member the socket that the receiver is, if the destination does not tell it
   */
  assign(
    data: Uint8Array,
    source: Endpoint,
    destination: Endpoint,
    receiver: Endpoint,
    hopLimit: number,
    sender: Socket,
    member: Socket | undefined,
  ): void {
    if (data.length > this.#buffer.length) this.#buffer = new Uint8Array(data.length);
    this.data = this.#buffer.subarray(0, data.length);
    this.data.set(data);
    this.source.assign(source.rawHostname, source.port);
    this.destination.assign(destination.rawHostname, destination.port);
    this.receiver.assign(receiver.rawHostname, receiver.port);
    this.hopLimit = hopLimit;
    this.sender = sender;
    this.member = member;
  }
}
