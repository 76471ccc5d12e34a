import * as ours from "../ours.mjs";

/** What programs/forgery.ts can do to a packet. */
export const forgeries = [
  "receive timestamp changed",
  "key identifier changed",
  "first byte of the digest changed",
  "last byte of the digest changed",
  "MAC cut",
  "MAC left out",
  "crypto-NAK",
];

/**
 * Starts programs/forging_relay.ts.
 *
 * @param {ours.Runtime} runtime
 * @param {import("../namespaces.mjs").Namespace} namespace
 * @param {object} argument
 * @returns {Promise<{ relayed(index: number): number, stop(): Promise<void> }>} `relayed`: how many
 * replies went that way
 */
export async function startRelay(runtime, namespace, argument) {
  const child = ours.start(runtime, namespace, "forging_relay.ts", argument, { seconds: 240 });
  try {
    await child.wrote(/"ready"/, 30);
  } catch (error) {
    await child.stop();
    throw new Error(`${error}\n${child.output.slice(-4000)}`);
  }
  return {
    relayed: (index) => child.stdout.split(`{"relayed":${index}}`).length - 1,
    stop: () => child.stop(),
  };
}
