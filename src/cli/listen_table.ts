import type { PeerSample } from "../association/events.ts";
import { formatColumn } from "./quantity.ts";
import { addressText, authenticationText, timeText } from "./sample_text.ts";
import { oneLine } from "./say.ts";
import type { Column } from "./table.ts";

/** What is said of each broadcast. Wide enough for most, since a wider cell moves those below. */
export const LISTEN_COLUMNS: readonly Column[] = [
  { title: "time", least: 20 },
  { title: "server", least: 15 },
  { title: "stratum", right: true },
  { title: "reference" },
  { title: "offset", right: true, least: 12 },
  { title: "delay", right: true, least: 10 },
  { title: "auth" },
];

/** A broadcast, a text for each column. */
export function listenRow(sample: PeerSample): string[] {
  const { packet, offset, delay, destinationTimestamp } = sample;
  return [
    timeText(destinationTimestamp),
    addressText(sample),
    `${packet.stratum}`,
    packet.referenceText,
    ...formatColumn([offset], { signed: true }),
    ...formatColumn([delay]),
    authenticationText(sample),
  ].map(oneLine);
}
