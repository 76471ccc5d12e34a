// What servers and load need for requests with NTS: certificates, and requests that were made with the
// cookies of the server that they are for.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Authority } from "../../tests/nts/ke/authority.mjs";
import { run } from "../../tools/child.mjs";
import { runArguments } from "../../tools/launch.mjs";
import { runtimes } from "../../tools/runtimes.mjs";

/** The algorithms that are measured: that which everybody has, and the one made for speed. */
export const AEADS = [15, 30];
/** Requests outstanding: fewer than without NTS, since the kernel counts larger buffers for them. */
export const NTS_WINDOW = 64;
const PROGRAM = fileURLToPath(new URL("../nts_requests.mjs", import.meta.url));

/** @typedef {{ cert: string, key: string }} NtsFiles paths of certificate and key of a server */

/** @type {{ folder: string, authority: Authority, ca: string } | undefined} */
let made;
let files = 0;

function authority() {
  if (made === undefined) {
    const folder = mkdtempSync(join(tmpdir(), "ntps-bench-"));
    process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
    const authority = new Authority();
    const ca = join(folder, "ca.pem");
    writeFileSync(ca, authority.cert);
    made = { folder, authority, ca };
  }
  return made;
}

/**
 * Certificate and key of a server.
 *
 * @param {import("./path.mjs").Path} path where it listens
 * @returns {NtsFiles}
 */
export function issueFiles(path) {
  const { folder, authority: issuer } = authority();
  const identity = issuer.issue([path.hostname]);
  const name = join(folder, String(files++));
  const written = { cert: `${name}.cert.pem`, key: `${name}.key.pem` };
  writeFileSync(written.cert, identity.cert);
  writeFileSync(written.key, identity.key, { mode: 0o600 });
  return written;
}

/**
 * Makes requests for a server that runs.
 *
 * @param {import("./path.mjs").Path} path
 * @param {number} aead
 * @returns {Promise<{ file: string, bytes: number } | string>} or why there are none
 */
export async function makeRequests(path, aead) {
  const { folder, ca } = authority();
  const file = join(folder, `${files++}.requests`);
  const { node } = await runtimes(["node"]);
  const args = [path.hostname, String(path.kePort), ca, String(aead), String(NTS_WINDOW), file];
  const [program, ...rest] = path.atClient([
    node.path,
    ...runArguments("node", PROGRAM, args, true),
  ]);
  const { code, stdout, output } = await run(program, rest, { timeoutMs: 20_000 });
  if (code !== 0) return /^\w*Error.*/m.exec(output)?.[0] ?? output.trim();
  return { file, ...JSON.parse(stdout) };
}
