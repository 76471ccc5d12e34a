// Requests with NTS for the load generator: `nts_requests.mjs HOSTNAME PORT CA AEAD COUNT FILE`. Every
// exchange of keys gives eight cookies, and every request has one of its own. Says what it has made as
// JSON.

import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { establishNts } from "../src/nts/ke/establish_nts.ts";
import { openReply, protectRequest } from "../src/nts/request_protection.ts";
import { systemRandom } from "../src/nts/random_pool.ts";
import { createSocket } from "node:dgram";
import { HEADER_BYTES, writeRequestHeader } from "./lib/request_header.mjs";

const [hostname, port, ca, aead, count, file] = process.argv.slice(2);
/** The port of time is told by the key exchange, or 123. */
const TIMEOUT_MS = 1000;

/**
 * Asks once, as a client would: a load must not be made of requests that are refused.
 *
 * @param {Uint8Array} request
 * @param {import("../src/nts/nts_keys.ts").NtsEstablishment} session
 */
function check(request, session) {
  const socket = createSocket("udp4");
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("no reply to a request")), TIMEOUT_MS);
    socket.on("error", reject);
    socket.on("message", (data) => {
      clearTimeout(timer);
      if (openReply(request, session, data)) resolve(undefined);
      else reject(new Error(`a reply of ${data.length} bytes is not authentic`));
    });
    socket.send(request, session.port, hostname);
  }).finally(() => socket.close());
}

const requests = [];
while (requests.length < Number(count)) {
  const session = await establishNts(hostname, {
    port: Number(port),
    ca: readFileSync(ca, "utf8"),
    aeads: [Number(aead)],
  });
  for (const cookie of session.cookies) {
    const header = new Uint8Array(HEADER_BYTES);
    writeRequestHeader(header, requests.length);
    const request = protectRequest(header, session, cookie, 1, systemRandom);
    if (requests.length === 0) await check(request, session);
    requests.push(request);
  }
}
const bytes = requests[0]?.length ?? 0;
if (requests.some(({ length }) => length !== bytes)) {
  throw new Error("cookies of different lengths");
}
writeFileSync(file ?? "", Buffer.concat(requests), { mode: 0o600 });
console.log(JSON.stringify({ bytes }));
