import { SystemCallError } from "../linux.ts";
import { Bpf, type XdpMode } from "./bpf.ts";
import { redirectProgram, type RedirectRule } from "./redirect_program.ts";
import type { XdpSystemCalls } from "./xdp_system_calls.ts";
import { XskSocket } from "./xsk_socket.ts";

/** Most receive queues that are served: each takes 4 MiB. */
const MAX_QUEUES = 16;

/** What a driver says that cannot run such a program, for its own reasons. */
const NOT_IN_DRIVER = new Set(["EINVAL", "EOPNOTSUPP", "ENODEV", "ENOMEM", "E2BIG", "ERANGE"]);

/** Where to attach, and what to take there. */
export interface XdpTarget {
  readonly interfaceIndex: number;
  readonly rule: RedirectRule;
  /** Whether the driver may write into our memory, if it can. */
  readonly zeroCopy: boolean;
  /** Where the program runs. Default: in the driver, or else in front of the stack. */
  readonly mode: XdpMode | undefined;
  /** As `process.arch` says it. */
  readonly architecture: string;
}

/**
 * A program on an interface, and a socket for each of its receive queues. All of it hangs on
 * descriptors, so it is gone with the process, however that ends.
 */
export class XdpAttachment {
  readonly sockets: readonly XskSocket[];
  readonly mode: XdpMode;
  readonly #calls: XdpSystemCalls;
  readonly #bpf: Bpf;
  readonly #map: number;
  readonly #link: number;
  #program: number;
  #rule: string;
  #isClosed = false;

  /** @throws {SystemCallError} what failed */
  constructor(calls: XdpSystemCalls, target: XdpTarget) {
    this.#calls = calls;
    this.#bpf = new Bpf(calls, target.architecture);
    const opened: { close(): void }[] = [];
    const keep = (fd: number): number => {
      opened.push({ close: () => void calls.close(fd) });
      return fd;
    };
    try {
      this.#map = keep(this.#bpf.createSocketMap(MAX_QUEUES));
      this.#program = keep(this.#bpf.load(redirectProgram(target.rule, this.#map)));
      this.sockets = openQueues(calls, target, opened);
      for (const { queue, fd } of this.sockets) this.#bpf.setSocket(this.#map, queue, fd);
      [this.#link, this.mode] = this.#attach(target);
    } catch (error) {
      for (const one of opened.reverse()) one.close();
      throw error;
    }
    this.#rule = keyOf(target.rule);
  }

  /**
   * Takes something else from now on, without missing a frame.
   *
   * @returns whether it was something else
   * @throws {SystemCallError} what failed: nothing has changed then
   */
  take(rule: RedirectRule): boolean {
    const key = keyOf(rule);
    if (this.#isClosed || key === this.#rule) return false;
    const program = this.#bpf.load(redirectProgram(rule, this.#map));
    try {
      this.#bpf.replace(this.#link, program);
    } catch (error) {
      this.#calls.close(program);
      throw error;
    }
    this.#calls.close(this.#program);
    this.#program = program;
    this.#rule = key;
    return true;
  }

  /** Gives everything back. The rings of the sockets must not be touched any more. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#calls.close(this.#link); // first of all: then every frame goes on as if nothing had been
    this.#calls.close(this.#program);
    this.#calls.close(this.#map);
    for (const socket of this.sockets) socket.close();
  }

  #attach({ mode, interfaceIndex }: XdpTarget): [number, XdpMode] {
    if (mode !== "generic") {
      try {
        return [this.#bpf.attach(this.#program, interfaceIndex, "driver"), "driver"];
      } catch (error) {
        const { code } = error as SystemCallError;
        if (mode === "driver" || !NOT_IN_DRIVER.has(code)) throw error;
      }
    }
    return [this.#bpf.attach(this.#program, interfaceIndex, "generic"), "generic"];
  }
}

/** A socket for each queue there is: the kernel tells which is one too many. */
function openQueues(
  calls: XdpSystemCalls,
  { interfaceIndex, zeroCopy }: XdpTarget,
  opened: { close(): void }[],
): XskSocket[] {
  const sockets: XskSocket[] = [];
  for (let queue = 0; queue < MAX_QUEUES; queue++) {
    try {
      sockets.push(new XskSocket(calls, interfaceIndex, queue, zeroCopy));
    } catch (error) {
      const isNone = error instanceof SystemCallError && error.message === "bind EINVAL";
      if (queue > 0 && isNone) break;
      throw error;
    }
    opened.push(sockets[queue]!);
  }
  return sockets;
}

function keyOf({ port, addresses, broadcasts, mac }: RedirectRule): string {
  return [port, addresses, broadcasts, mac].join(" ");
}
