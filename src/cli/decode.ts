import { NTPPacket } from "../packet/packet.ts";
import { type Command, command } from "./command.ts";
import { flag } from "./option.ts";
import { packetToJson } from "./packet_json.ts";
import { packetTable } from "./packet_table.ts";
import { decodeHex, encodeHex } from "./std.ts";
import { UsageError } from "./usage_error.ts";
import type { World } from "./world.ts";

const DETAILS = `
HEX is the UDP payload in hexadecimal; spaces, commas, colons, line breaks and
0x do not matter. FILE holds the payload as it is, or as HEX; - is standard
input. What could be HEX is: write ./FILE for a file whose name consists of
hexadecimal digits.

Timestamps are shown in the era from 1968 to 2104.

With --json: an object with the fields of NTPPacket under their names, their
\`…Description\`, and \`bytes\`, the payload in hexadecimal. Durations are seconds;
times are ISO 8601 with nanoseconds, null if not known.

Exit status: 0 it is a packet; 1 it is none, or cannot be read; 2 wrong
arguments.
`;

/** Bytes of hexadecimal text, with or without separators; `undefined` if it is none. */
function fromHex(text: string): Uint8Array | undefined {
  const digits = text.replace(/\b0x|[\s:,]/gi, "");
  return /^([0-9a-f]{2})+$/i.test(digits) ? decodeHex(digits) : undefined;
}

async function readPath(path: string, world: World): Promise<Uint8Array> {
  try {
    return await world.readFile(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") {
      throw new Error(`"${path}" is neither hexadecimal, in pairs of digits, nor a file`);
    }
    throw new Error(`cannot read "${path}": ${code === "EISDIR" ? "it is a folder" : message}`);
  }
}

async function bytesOf(operands: readonly string[], world: World): Promise<Uint8Array> {
  const given = fromHex(operands.join(" "));
  if (given !== undefined) return given;
  const [path, ...others] = operands;
  if (others.length > 0) {
    throw new UsageError(`"${operands.join(" ")}" is not hexadecimal, and only one FILE is read`);
  }
  const content = await readPath(path!, world);
  // No packet consists of printable characters alone.
  if (content.length === 0 || content.some((byte) => byte < 32 && !isSpace(byte) || byte > 126)) {
    return content;
  }
  const bytes = fromHex(new TextDecoder().decode(content));
  if (bytes === undefined) {
    throw new Error(`"${path}" holds text that is not hexadecimal, in pairs of digits`);
  }
  return bytes;
}

/** Tab, line feed, carriage return. */
function isSpace(byte: number): boolean {
  return byte === 9 || byte === 10 || byte === 13;
}

/** `ntps decode`. */
export const decode: Command = command({
  summary: "Show a packet field by field",
  operands: "HEX…|FILE|-",
  operandCount: [1, Infinity],
  details: DETAILS,
  options: {
    json: flag({ help: "print JSON instead of a table" }),
  },
  async run(values, operands, world) {
    const bytes = await bytesOf(operands, world);
    const packet = NTPPacket.decode(bytes);
    world.stdout.write(
      values.json
        ? `${JSON.stringify({ ...packetToJson(packet), bytes: encodeHex(bytes) }, null, 2)}\n`
        : packetTable(packet, world.stdout),
    );
    return 0;
  },
});
