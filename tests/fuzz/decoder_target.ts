import { HEADER_LENGTH, modeOf } from "../../src/packet/header.ts";
import { MODE_CONTROL } from "../../src/packet/mode.ts";
import { NTPPacket } from "../../src/packet/packet.ts";
import { NTPPacketError } from "../../src/packet/packet_error.ts";
import { describeReferenceId } from "../../src/packet/reference_id.ts";
import { formatTimestamp } from "../../src/packet/timestamp.ts";
import { isOneLine, mixOf, same, type Target } from "./target.ts";

/** `NTPPacket.decode`: a packet that encodes to the same bytes, or an error that says where. */
export class DecoderTarget implements Target {
  readonly name = "decoder";
  passed = 0;

  prefers(packet: Uint8Array): boolean {
    return packet.length >= HEADER_LENGTH && modeOf(packet[0]!) < MODE_CONTROL;
  }

  check(buffer: Uint8Array, length: number): string | undefined {
    const bytes = buffer.subarray(0, length);
    let packet: NTPPacket;
    try {
      packet = NTPPacket.decode(bytes);
    } catch (error) {
      if (!(error instanceof NTPPacketError)) throw error;
      const { byteOffset } = error;
      const inside = Number.isInteger(byteOffset) && byteOffset >= 0 && byteOffset <= length;
      return inside ? undefined : `error at byte ${byteOffset} of ${length}`;
    }
    this.passed++;
    if (packet.byteLength !== length) return `byteLength ${packet.byteLength} of ${length}`;
    const encoded = packet.encode();
    if (encoded.length !== length) return `${encoded.length} bytes encoded`;
    if (!same(encoded, bytes, length)) return "encoded to other bytes";
    return mixOf(bytes, length) % 8 === 0 ? describe(packet) : undefined;
  }
}

/** What people are shown: one line of text each, nothing that a terminal obeys. */
function describe(packet: NTPPacket): string | undefined {
  const texts = [
    packet.referenceText,
    packet.kissCode ?? "none",
    describeReferenceId(packet.referenceId, packet.stratum),
    formatTimestamp(packet.transmitTimestamp),
  ];
  const unfit = texts.find((text) => !isOneLine(text));
  return unfit === undefined ? undefined : `text with control characters: ${JSON.stringify(unfit)}`;
}
