import * as ours from "../ours.mjs";

/**
 * Sends a server requests with right and with forged MACs, and sees to it that only the right ones get
 * an authenticated reply.
 *
 * @param {ours.Runtime} runtime
 * @param {import("../namespaces.mjs").Namespace} namespace
 * @param {{ hostname: string, keys: string, others: string }} server its keys, and some that it does not
 * have: texts of key files
 */
export async function sendForgedRequests(runtime, namespace, server) {
  const argument = { ...server, port: 123 };
  /** @type {{ type: string, request: string, reply: string }[]} */
  const replies = await ours.run(runtime, namespace, "forged_requests.ts", argument);
  if (replies.length < 40) throw new Error(`only ${replies.length} were sent`);
  /** @type {Record<string, number>} */
  const counts = {};
  for (const { type, request, reply } of replies) {
    if (!expectedReplies(request).includes(reply)) throw new Error(`${type}, ${request}: ${reply}`);
    counts[reply] = (counts[reply] ?? 0) + 1;
  }
  return { note: Object.entries(counts).map(([reply, count]) => `${count} ${reply}`).join(", ") };
}

/** @param {string} request */
function expectedReplies(request) {
  if (request === "right") return ["authenticated"];
  return request === "MAC left out" ? ["plain"] : ["none", "crypto-NAK"];
}
