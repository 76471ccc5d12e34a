import { generateKey } from "../auth/generate_key.ts";
import { keyTypeNamed } from "../auth/key_type_name.ts";
import type { KeyFileFormat } from "../auth/key_secret.ts";
import { KEY_TYPES, type KeyType } from "../auth/symmetric_key.ts";
import { type Command, command } from "./command.ts";
import { KEY_FILE_FORMATS, loadKeys } from "./key_options.ts";
import { choice, flag, whole } from "./option.ts";
import { say } from "./say.ts";
import { UsageError } from "./usage_error.ts";

const DETAILS = `
TYPE is ${KEY_TYPES.join(", ")}.

FILE gets mode 600: who can read it can forge packets. Without FILE, or with -,
the keys go to standard output, from where they can be added to a file:
  ntps keygen --id 2 >> /etc/ntps/keys

Server and client need the same line of the same file. Copy it safely (scp), and
name it to both:
  ntps     ntps serve --keys /etc/ntps/keys
           ntps query --key 1:/etc/ntps/keys HOST
  chronyd  keyfile /etc/ntps/keys
           server HOST key 1          on the client
  ntpd     keys /etc/ntps/keys
           trustedkey 1
           server HOST key 1          on the client
Servers still answer clients that use no key; see ntps serve --require-auth.

chronyd reads keys of all types. For ntpd, keys for AES need --format ntpd; it
has no AES256, which NTPsec has, and knows ids up to 65535 only.

Exit status: 0 the keys are written; 1 they could not be; 2 wrong arguments.
`;

/** Greatest identifier, and the greatest that ntpd knows. */
const MAX_ID = 0xffffffff, MAX_NTPD_ID = 65535;
/** The most keys at once: fewer than anybody could copy by mistake. */
const MAX_COUNT = 1000;

/** A type or an identifier in the place of FILE, as other programs have it, is a mistake. */
function checkPath(path: string): void {
  const option = keyTypeNamed(path) !== undefined
    ? "--type"
    : /^\d+$/.test(path)
    ? "--id"
    : undefined;
  if (option === undefined) return;
  throw new UsageError(`write ${option} ${path}, or ./${path} for a file of that name`);
}

/** `ntps keygen`. */
export const keygen: Command = command({
  summary: "Make keys for the authentication of servers and clients",
  operands: "[FILE]",
  operandCount: [0, 1],
  details: DETAILS,
  options: {
    type: choice<KeyType>({
      letter: "t",
      value: "TYPE",
      choices: KEY_TYPES,
      find: keyTypeNamed,
      initial: "AES128",
      help: "type of the keys",
    }),
    id: whole({
      value: "N",
      least: 1,
      most: MAX_ID,
      initial: 1,
      help: "identifier of the key, or of the first one",
    }),
    count: whole({
      letter: "n",
      value: "N",
      least: 1,
      most: MAX_COUNT,
      initial: 1,
      help: "how many keys, with ids one after the other",
    }),
    format: choice<KeyFileFormat>({
      value: "FORMAT",
      choices: KEY_FILE_FORMATS,
      initial: "chrony",
      help: "chrony or ntpd: whose name AES gets; ntps reads either",
    }),
    force: flag({ letter: "f", help: "replace FILE if it is there" }),
  },
  async run({ type, id, count, format, force }, [path = "-"], world) {
    const last = id + count - 1, most = format === "ntpd" ? MAX_NTPD_ID : MAX_ID;
    if (last > most) {
      const whose = format === "ntpd" ? " for ntpd" : "";
      throw new UsageError(`ids go up to ${most}${whose}, and the last one would be ${last}`);
    }
    if (force && path === "-") throw new UsageError("--force needs a FILE");
    checkPath(path);
    const random = world.queryOptions?.random;
    const lines = Array.from({ length: count }, (_, i) => {
      const options = { id: id + i, format, ...(random !== undefined && { random }) };
      return `${generateKey(type, options).line}\n`;
    });
    if (path === "-") {
      world.stdout.write(lines.join(""));
      return 0;
    }
    await world.writeSecretFile(path, lines.join(""), { overwrite: force });
    const keys = count === 1 ? `key ${id}` : `keys ${id} to ${last}`;
    say(world.stdout, `wrote ${keys} (${type}) to ${path}`);
    // Some file systems know no modes: that is told, as of any key file.
    await loadKeys(path, undefined, "ntps keygen", world);
    return 0;
  },
});
