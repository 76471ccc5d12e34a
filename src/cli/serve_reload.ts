import type { KeyStore } from "../auth/key_store.ts";
import type { NTPServer } from "../server/ntp_server.ts";
import { accessRules } from "./access_options.ts";
import { optionName } from "./command.ts";
import type { ServeNts } from "./serve_nts.ts";
import type { ServeValues } from "./serve_values.ts";
import { ConfigError } from "./usage_error.ts";

/** Options that can be changed while the server runs; the contents of their files, too. */
const CHANGEABLE: readonly string[] = [
  "allow",
  "limited",
  "requireAuth",
  "kod",
  "deny",
  "rateLimit",
  "keys",
  "keyFormat",
];
/** Options that mean nothing to a server that runs. */
const MEANINGLESS: readonly string[] = ["config", "check"];

/** What a reload needs. */
export interface ReloadParts<V extends ServeValues> {
  readonly server: NTPServer;
  readonly nts: ServeNts | undefined;
  /** What the server was started with. */
  readonly started: V;
  /** Reads the configuration and checks it. */
  readonly reread: () => Promise<V>;
  /** Reads the key file, if there is to be one. */
  readonly loadKeys: (values: V) => Promise<KeyStore | undefined>;
}

/**
 * Changes the server to what the configuration and the files of keys and certificates say now. What
 * is wrong with them changes nothing at all.
 *
 * @param parts what it needs
 * @returns lines that say what became of it
 */
export async function reload<V extends ServeValues>(
  { loadKeys, nts, reread, server, started }: ReloadParts<V>,
): Promise<{ readonly done: boolean; readonly lines: readonly string[] }> {
  try {
    const values = await reread();
    const keys = await loadKeys(values);
    const access = accessRules(values), { rateLimit } = values;
    const undo = await nts?.reload();
    try {
      server.setRules({
        ...(access.length > 0 && { access }),
        ...(rateLimit && { rateLimit }),
        ...(keys && { keys }),
      });
    } catch (error) {
      undo?.();
      throw error;
    }
    const others = changed(started, values);
    const rest = others.length === 0 ? "" : `; to change ${others.join(", ")} start it anew`;
    return { done: true, lines: [`configuration read anew${rest}`] };
  } catch (error) {
    const problems = error instanceof ConfigError
      ? error.problems
      : [error instanceof Error ? error.message : String(error)];
    return { done: false, lines: [...problems, "nothing was changed: it goes on as before"] };
  }
}

/** Options that are not what they were, and cannot be changed. */
function changed(before: object, now: object): string[] {
  const fixed = Object.keys(now).filter((key) => ![...CHANGEABLE, ...MEANINGLESS].includes(key));
  const text = (values: object, key: string) =>
    JSON.stringify((values as Record<string, unknown>)[key]);
  return fixed.filter((key) => text(before, key) !== text(now, key)).map(optionName);
}
