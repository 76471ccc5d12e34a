// A certificate authority for tests: certificates by Node's own crypto and a few lines of DER (X.690),
// since `openssl` is not everywhere and a certificate in a file would expire.

import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { isIP } from "node:net";

/** @typedef {{ cert: string, key: string }} Identity certificate (and chain) and private key, in PEM */

/** Tags. */
const BOOLEAN = 1, INTEGER = 2, BITS = 3, OCTETS = 4, OID = 6, UTF8 = 12, TIME = 24;
const SEQUENCE = 0x30, SET = 0x31;

/**
 * A value with its tag and length.
 *
 * @param {number} tag
 * @param {...Uint8Array} content
 */
function der(tag, ...content) {
  const body = Buffer.concat(content);
  const { length } = body;
  const size = length < 128
    ? [length]
    : length < 256
    ? [0x81, length]
    : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
}

/** @param {string} text dotted numbers */
function oid(text) {
  const [first, second, ...rest] = text.split(".").map(Number);
  const bytes = [40 * first + second];
  for (const number of rest) {
    const groups = [number & 127];
    for (let left = number >> 7; left > 0; left >>= 7) groups.unshift((left & 127) | 128);
    bytes.push(...groups);
  }
  return der(OID, Buffer.from(bytes));
}

/** @param {string} commonName */
function name(commonName) {
  return der(
    SEQUENCE,
    der(SET, der(SEQUENCE, oid("2.5.4.3"), der(UTF8, Buffer.from(commonName)))),
  );
}

/** @param {Date} date */
function time(date) {
  return der(TIME, Buffer.from(`${date.toISOString().replace(/[-:T]|\..*/g, "")}Z`));
}

/**
 * @param {string} id
 * @param {boolean} critical
 * @param {Uint8Array} value
 */
function extension(id, critical, value) {
  const flag = critical ? [der(BOOLEAN, Buffer.from([255]))] : [];
  return der(SEQUENCE, oid(id), ...flag, der(OCTETS, value));
}

/** @param {string} host name or IP address */
function alternativeName(host) {
  const family = isIP(host);
  if (family === 0) return der(0x82, Buffer.from(host));
  if (family === 4) return der(0x87, Buffer.from(host.split(".").map(Number)));
  const [head, tail] = host.split("::").map((part) => part.split(":").filter(Boolean));
  const gap = tail ? Array(8 - head.length - tail.length).fill("0") : [];
  const groups = [...head, ...gap, ...(tail ?? [])].map((group) => parseInt(group, 16));
  return der(0x87, Buffer.from(groups.flatMap((group) => [group >> 8, group & 255])));
}

/**
 * @param {string} label
 * @param {Uint8Array} bytes
 */
function pem(label, bytes) {
  const lines = Buffer.from(bytes).toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

const ECDSA_WITH_SHA256 = der(SEQUENCE, oid("1.2.840.10045.4.3.2"));
const DAY = 86_400_000;

/** Signs certificates, all with keys on P-256. */
export class Authority {
  #name;
  #keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  /** Its own certificate, in PEM. */
  cert;

  /** @param {string} [commonName] */
  constructor(commonName = "Authority of the tests") {
    this.#name = commonName;
    this.cert = this.#certificate(commonName, this.#keys.publicKey, -DAY, 3650 * DAY, [
      extension("2.5.29.19", true, der(SEQUENCE, der(BOOLEAN, Buffer.from([255])))),
      extension("2.5.29.15", true, der(BITS, Buffer.from([1, 0x06]))), // signs certificates and CRLs
      extension("2.5.29.14", false, der(OCTETS, this.#keyId())),
    ]);
  }

  #keyId() {
    const key = this.#keys.publicKey.export({ type: "spki", format: "der" });
    return createHash("sha256").update(key).digest().subarray(0, 20);
  }

  /**
   * A certificate for a server.
   *
   * @param {string[]} hosts names and IP addresses
   * @param {{ fromDays?: number, toDays?: number }} [validity] from when until when, from now on
   * @returns {Identity}
   */
  issue(hosts, { fromDays = -1, toDays = 365 } = {}) {
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const cert = this.#certificate(hosts[0], publicKey, fromDays * DAY, toDays * DAY, [
      extension("2.5.29.19", true, der(SEQUENCE)),
      extension("2.5.29.15", true, der(BITS, Buffer.from([7, 0x80]))), // signs in handshakes
      extension("2.5.29.37", false, der(SEQUENCE, oid("1.3.6.1.5.5.7.3.1"))), // of a server
      extension("2.5.29.17", false, der(SEQUENCE, ...hosts.map(alternativeName))),
      extension("2.5.29.35", false, der(SEQUENCE, der(0x80, this.#keyId()))),
    ]);
    return { cert, key: privateKey.export({ type: "pkcs8", format: "pem" }).toString() };
  }

  /**
   * @param {string} subject
   * @param {import("node:crypto").KeyObject} publicKey
   * @param {number} from milliseconds from now
   * @param {number} to milliseconds from now
   * @param {Uint8Array[]} extensions
   */
  #certificate(subject, publicKey, from, to, extensions) {
    const serial = randomBytes(16);
    serial[0] = 1 | (serial[0] & 0x7f); // positive, and no zeros in front
    const content = der(
      SEQUENCE,
      der(0xa0, der(INTEGER, Buffer.from([2]))), // version 3
      der(INTEGER, serial),
      ECDSA_WITH_SHA256,
      name(this.#name),
      der(SEQUENCE, time(new Date(Date.now() + from)), time(new Date(Date.now() + to))),
      name(subject),
      publicKey.export({ type: "spki", format: "der" }),
      der(0xa3, der(SEQUENCE, ...extensions)),
    );
    const signature = sign("sha256", content, this.#keys.privateKey);
    const bits = der(BITS, Buffer.from([0]), signature);
    return pem("CERTIFICATE", der(SEQUENCE, content, ECDSA_WITH_SHA256, bits));
  }
}
