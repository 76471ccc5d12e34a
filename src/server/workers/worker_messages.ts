import type { KeySpec } from "../../auth/key_specs.ts";
import type { NativeSocket } from "../../transport/native/socket_options.ts";
import type { AccessRule } from "../access.ts";
import type { AdmissionTables } from "../admission.ts";
import type { RateLimitOptions } from "../rate_limit_options.ts";

/** Who is answered and how: what a worker may be told anew while it runs. */
export interface WorkerRules {
  readonly access: readonly AccessRule[] | undefined;
  readonly rateLimit: RateLimitOptions | undefined;
  /** Memory of the limits, shared by all. */
  readonly tables: AdmissionTables;
  /** What the keys are made of. */
  readonly keys: readonly KeySpec[] | undefined;
}

/** Of a memory of replies that all workers share. */
export interface InterleavedSetup {
  readonly memory: SharedArrayBuffer;
  readonly secret: number;
  /** Whether it is used also where the kernel does not stamp what is sent. */
  readonly isForced: boolean;
}

/** All that a worker is told when it starts. */
export interface WorkerSetup {
  /** The socket that it serves, which stays the main thread's, and its local address. */
  readonly socket: NativeSocket;
  readonly hostname: string;
  readonly rules: WorkerRules;
  /** URL of a module whose clock tells the time, instead of the page's. */
  readonly clockModule: string | undefined;
  /** Whether the server's clock is the system's itself, which every thread can read. */
  readonly isSystemTime: boolean;
  /** Memory of when replies left, for interleaved mode; `undefined`: all is basic mode. */
  readonly interleaved: InterleavedSetup | undefined;
  /** The clock page. */
  readonly page: SharedArrayBuffer;
  /** What it counts in. */
  readonly counts: Float64Array;
  /** Where it puts what is for associations. */
  readonly ring: SharedArrayBuffer;
  /** By what it is steered. */
  readonly control: SharedArrayBuffer;
  /** How many messages had been posted before this one. */
  readonly posted: number;
}

/** What the main thread posts to a worker: the setup first of all. */
export type ToWorker =
  | { readonly type: "setup"; readonly setup: WorkerSetup }
  | { readonly type: "rules"; readonly rules: WorkerRules };

/** What a worker posts. */
export type FromWorker =
  /** It serves. */
  | { readonly type: "ready" }
  /** There is something in the ring. */
  | { readonly type: "routed" }
  /** Something failed, and it goes on. */
  | { readonly type: "error"; readonly code: string | undefined; readonly message: string }
  /** It cannot go on: a failed start, or the end of a worker that failed. */
  | { readonly type: "failed"; readonly code: string | undefined; readonly message: string }
  /** It has ended, as it was told to, and touches the socket no more. */
  | { readonly type: "ended" };
