/** Who hears what is sent to more than one: the members of groups, and the sockets of a subnet. */
export class Audiences<Socket> {
  /** In the order in which they came, so that a simulation runs the same each time. */
  readonly #members = new Map<string, Set<Socket>>();

  /** Lets a socket hear what is sent to an address. */
  add(address: string, socket: Socket): void {
    const members = this.#members.get(address);
    if (members === undefined) this.#members.set(address, new Set([socket]));
    else members.add(socket);
  }

  /** Lets it hear that no longer. */
  remove(address: string, socket: Socket): void {
    const members = this.#members.get(address);
    members?.delete(socket);
    if (members?.size === 0) this.#members.delete(address);
  }

  /** Lets it hear none any longer. */
  removeAll(socket: Socket): void {
    for (const address of [...this.#members.keys()]) this.remove(address, socket);
  }

  /** Whether a socket hears what is sent to an address. */
  has(address: string, socket: Socket): boolean {
    return this.#members.get(address)?.has(socket) === true;
  }

  /** Who hears now what is sent to an address. */
  of(address: string): Socket[] {
    return [...this.#members.get(address) ?? []];
  }
}
