/**
 * Kiss codes: what a server says in the reference identifier of a packet with stratum 0
 * (RFC 5905 §7.4).
 */
const MEANINGS: ReadonlyMap<string, string> = new Map([
  ["ACST", "the association belongs to a unicast server"],
  ["AUTH", "server authentication failed"],
  ["AUTO", "Autokey sequence failed"],
  ["BCST", "the association belongs to a broadcast server"],
  ["CRYP", "cryptographic authentication or identification failed"],
  ["DENY", "access denied by the remote server"],
  ["DROP", "lost peer in symmetric mode"],
  ["INIT", "the association has not yet synchronised for the first time"],
  ["MCST", "the association belongs to a dynamically discovered server"],
  ["NKEY", "no key found"],
  ["NTSN", "the NTS cookie could not be used (RFC 8915 §5.7)"],
  ["RATE", "rate exceeded: the server asks to be asked less often"],
  ["RMOT", "alteration of the association from a remote host"],
  ["RSTR", "access denied by local policy"],
  ["STEP", "a step change of the system time, not yet resynchronised"],
]);

/**
 * What a kiss code means, for people; `undefined` for one that nobody registered.
 *
 * @param code up to four characters, such as `"RATE"`
 *
 * @example A known code
 * ```ts
 * import { describeKissCode } from "@ntps/ntps/packet";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(describeKissCode("DENY"), "access denied by the remote server");
 * ```
 */
export function describeKissCode(code: string): string | undefined {
  return MEANINGS.get(code);
}
