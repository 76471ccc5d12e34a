// The keys that peers and our side share in the auth suite: the same secrets, each in the words of the
// peer's key file, which our side reads too.

const types = ["MD5", "SHA1", "SHA256", "SHA384", "SHA512", "AES128", "AES256"];

/** ntpd's and NTPsec's names, where they are others. */
const namesOfNtpd = { AES128: "AES128CMAC", AES256: "AES-256" };

/** Not among the keys of the other side. */
export const unknownId = 9;

/** @typedef {{ id: number, type: string, line: string }} Key */

/**
 * The keys of every type that a peer has.
 *
 * @param {string} peer chrony, ntp or ntpsec
 * @param {number} [seed] another one gives other secrets
 * @returns {Key[]}
 */
export function keysOf(peer, seed = 0) {
  return types.filter((type) => peer !== "ntp" || type !== "AES256").map((type, i) => {
    const id = i + 1;
    const length = type === "AES128" ? 16 : type === "AES256" ? 32 : 20;
    const hex = Array.from(
      { length },
      (_, at) => ((at * 37 + id * 17 + seed * 101) & 255).toString(16).padStart(2, "0"),
    ).join("");
    // As `generateKey()` writes keys of digests: all read that line in the same way.
    if (type === "MD5") return { id, type, line: `${id} ${type} twenty-characters_${seed}A` };
    const name = namesOfNtpd[/** @type {keyof typeof namesOfNtpd} */ (type)] ?? type;
    const line = peer === "chrony" ? `${id} ${type} HEX:${hex}` : `${id} ${name} ${hex}`;
    return { id, type, line };
  });
}

/**
 * A key with another identifier.
 *
 * @param {Key} key
 * @param {number} id
 * @returns {Key}
 */
export function renumbered(key, id) {
  return { ...key, id, line: key.line.replace(/^\d+/, String(id)) };
}

/** @param {Key[]} keys */
export function textOf(keys) {
  return keys.map(({ line }) => `${line}\n`).join("");
}

/**
 * What a peer's configuration says of its keys.
 *
 * @param {string} peer
 * @param {string} file
 * @param {Key[]} keys
 * @returns {string[]}
 */
export function settingsOf(peer, file, keys) {
  return peer === "chrony"
    ? [`keyfile ${file}`]
    : [`keys ${file}`, `trustedkey ${keys.map(({ id }) => id).join(" ")}`];
}
