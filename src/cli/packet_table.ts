import { describeLeapIndicator } from "../packet/leap_indicator.ts";
import { describeMode, type Mode, MODE_CLIENT } from "../packet/mode.ts";
import type { NTPPacket } from "../packet/packet.ts";
import { describeReferenceId } from "../packet/reference_id.ts";
import { formatTimestamp } from "../packet/timestamp.ts";
import { describeExtensionField } from "./extension_field.ts";
import { formatSeconds } from "./quantity.ts";
import { encodeHex } from "./std.ts";
import { table } from "./table.ts";
import type { Output } from "./world.ts";

/** Where the field begins, its name, its value, and what that means. */
type Row = readonly [at: string, name: string, value: string, meaning: string];

/** What clients write who tell nothing of themselves. */
const UNTOLD_PRECISION = 32;

function describeStratum(stratum: number, mode: Mode): string {
  if (stratum === 0) return mode === MODE_CLIENT ? "not told" : "unspecified, or a kiss-o'-death";
  if (stratum === 1) return "primary: on a reference clock";
  if (stratum < 16) return "secondary: follows a server";
  return stratum === 16 ? "not synchronised" : "reserved";
}

function describePrecision(precision: number): string {
  return precision === UNTOLD_PRECISION ? "not told" : formatSeconds(2 ** precision);
}

function timestampRow(at: number, name: string, timestamp: bigint): Row {
  const digits = timestamp.toString(16).padStart(16, "0");
  const meaning = timestamp === 0n ? "not known" : formatTimestamp(timestamp);
  return [`${at}`, name, `${digits.slice(0, 8)}.${digits.slice(8)}`, meaning];
}

/** Bytes as rows of 16, the first with the given beginnings. */
function bytesRows(at: number, name: string, bytes: Uint8Array, meaning: string): Row[] {
  const rows: Row[] = [];
  for (let i = 0; i < bytes.length; i += 16) {
    const hex = encodeHex(bytes.subarray(i, i + 16)).replace(/.{8}(?=.)/g, "$& ");
    rows.push(i === 0 ? [`${at}`, name, hex, meaning] : [`${at + i}`, "", hex, ""]);
  }
  return rows;
}

function headerRows(packet: NTPPacket): Row[] {
  const { leapIndicator, version, mode, stratum, poll, precision } = packet;
  const { rootDelay, rootDispersion, referenceId } = packet;
  const transmit = timestampRow(40, "transmit timestamp", packet.transmitTimestamp);
  return [
    ["0", "leap indicator", `${leapIndicator}`, describeLeapIndicator(leapIndicator)],
    ["0", "version", `${version}`, ""],
    ["0", "mode", `${mode}`, describeMode(mode)],
    ["1", "stratum", `${stratum}`, describeStratum(stratum, mode)],
    ["2", "poll", `${poll}`, formatSeconds(2 ** poll)],
    ["3", "precision", `${precision}`, describePrecision(precision)],
    ["4", "root delay", `${rootDelay}`, formatSeconds(rootDelay)],
    ["8", "root dispersion", `${rootDispersion}`, formatSeconds(rootDispersion)],
    ["12", "reference identifier", packet.referenceText, describeReferenceId(referenceId, stratum)],
    timestampRow(16, "reference timestamp", packet.referenceTimestamp),
    timestampRow(24, "origin timestamp", packet.originTimestamp),
    timestampRow(32, "receive timestamp", packet.receiveTimestamp),
    mode === MODE_CLIENT
      ? [transmit[0], transmit[1], transmit[2], `${transmit[3]} (or random: clients may)`]
      : transmit,
  ];
}

function trailerRows({ extensionFields, mac }: NTPPacket): Row[] {
  const rows: Row[] = [];
  let at = 48;
  for (const { type, value } of extensionFields) {
    const code = `0x${type.toString(16).padStart(4, "0")}`;
    rows.push([`${at}`, "extension field", code, describeExtensionField(type) ?? "unregistered"]);
    rows.push(...bytesRows(at + 4, "  value", value, `${value.length} bytes`));
    at += 4 + value.length;
  }
  if (mac !== undefined) {
    const meaning = mac.digest.length === 0 ? "crypto-NAK: authentication failed" : "";
    rows.push([`${at}`, "MAC: key identifier", `${mac.keyId}`, meaning]);
    rows.push(...bytesRows(at + 4, "  digest", mac.digest, `${mac.digest.length} bytes`));
  }
  return rows;
}

/** A packet, field by field, for people. */
export function packetTable(packet: NTPPacket, output: Output): string {
  const columns = [
    { title: "byte", right: true },
    { title: "field" },
    { title: "value" },
    { title: "meaning" },
  ];
  return table(columns, [...headerRows(packet), ...trailerRows(packet)], output);
}
