import type { Timers } from "../clock/timers.ts";
import { type DeviceCalls, deviceError, openDeviceCalls } from "../reference/device_calls.ts";
import {
  AF_UNIX,
  checkSockPath,
  MSG_DONTWAIT,
  SOCK_DGRAM,
  sockAddress,
} from "../reference/sock_address.ts";

/** What systemd says of itself to its services (sd_notify(3), sd_watchdog_enabled(3)). */
export interface ServiceEnvironment {
  /** `NOTIFY_SOCKET`: where it listens. */
  readonly socket: string | undefined;
  /** `WATCHDOG_USEC`: how long a service may be silent, in microseconds. */
  readonly watchdog: string | undefined;
}

/** What has started this process, and wants to know how it is. */
export interface ServiceManager {
  /** How often it wants to hear that all is well, in milliseconds; undefined: not at all. */
  readonly watchdogMs: number | undefined;
  /** Tells it something, such as `READY=1`. A word that is lost costs a restart at most. */
  tell(state: string): void;
  /** Tells it nothing more. */
  close(): void;
}

/**
 * The service manager, if there is one.
 *
 * @param environment what it says of itself
 * @param open opens the system's calls
 * @throws {NTPError} `unsupported`, if there is one that cannot be told anything: it would wait in vain
 */
export async function openServiceManager(
  { socket, watchdog }: ServiceEnvironment,
  open: () => Promise<DeviceCalls> = openDeviceCalls,
): Promise<ServiceManager | undefined> {
  if (!socket) return undefined;
  checkSockPath(socket);
  const calls = await open();
  const descriptor = calls.socket(AF_UNIX, SOCK_DGRAM, 0);
  if (descriptor < 0) throw deviceError("socket", calls.errno());
  const address = sockAddress(socket);
  // A name that begins with @ is abstract: a zero stands for that, and no zero at the end.
  const isAbstract = socket.startsWith("@");
  if (isAbstract) address[2] = 0;
  const length = address.length - (isAbstract ? 1 : 0);
  const microseconds = Number(watchdog);
  return {
    // Twice in the time that it waits, as it recommends.
    watchdogMs: microseconds > 0 ? microseconds / 2000 : undefined,
    tell(state) {
      const bytes = new TextEncoder().encode(state) as Uint8Array<ArrayBuffer>;
      calls.sendto(
        descriptor,
        calls.pointer(bytes.buffer),
        BigInt(bytes.length),
        MSG_DONTWAIT,
        calls.pointer(address.buffer),
        length,
      );
    },
    close: () => void calls.close(descriptor),
  };
}

/**
 * Tells the service manager that the service is ready, and as often as it wants that it is well: for as
 * long as the timers of this process run.
 *
 * @param manager who is told; undefined: nobody
 * @param timers how to wait
 * @returns what tells it that the service ends
 */
export function tellServiceManager(
  manager: ServiceManager | undefined,
  timers: Timers,
): () => void {
  if (manager === undefined) return () => {};
  const { watchdogMs } = manager;
  let cancel = () => {};
  const wait = (milliseconds: number) => {
    cancel = timers.after(milliseconds, () => {
      manager.tell("WATCHDOG=1");
      wait(milliseconds);
    });
  };
  manager.tell("READY=1");
  if (watchdogMs !== undefined) wait(watchdogMs);
  return () => {
    cancel();
    manager.tell("STOPPING=1");
    manager.close();
  };
}
