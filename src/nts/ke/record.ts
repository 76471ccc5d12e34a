/** Types of records in a key exchange (RFC 8915 §4.1 and §7.6). */
export const RECORD = {
  /** The last one of a message. */
  endOfMessage: 0,
  /** Protocols to use the keys for. */
  nextProtocol: 1,
  /** Why the server refuses. */
  error: 2,
  /** What the server wants to be known. */
  warning: 3,
  /** AEAD algorithms. */
  aead: 4,
  /** A cookie for NTPv4. */
  cookie: 5,
  /** Which NTP server to ask. */
  server: 6,
  /** Which port to ask it at. */
  port: 7,
  /**
   * Without a content, from both sides: keys for AES-128-GCM-SIV are exported as RFC 8915 §5.1 says.
   * chrony invented it in 4.6.1, whose predecessors exported them under the identifier of
   * AES-SIV-CMAC-256, as later ones still do with whoever does not send it.
   */
  compliantExporter: 1024,
} as const;

/** Identifier of NTPv4 among the protocols (RFC 8915 §7.7). */
export const NTPV4 = 0;

/** Codes of error records (RFC 8915 §4.1.3). */
export const KE_ERROR = { unrecognizedCritical: 0, badRequest: 1, internal: 2 } as const;

/** A code of an error record that we send. */
export type KeErrorCode = typeof KE_ERROR[keyof typeof KE_ERROR];

/** Octets before the body of a record. */
export const RECORD_HEADER_LENGTH = 4;

/** A record of a key exchange (RFC 8915 §4). */
export interface KeRecord {
  /** Whether a receiver that does not know the type must refuse the message. */
  readonly critical: boolean;
  /** One of {@linkcode RECORD}, or any other number up to 32767. */
  readonly type: number;
  /** Content, up to 65535 octets. */
  readonly body: Uint8Array;
}

/** A record whose body is a list of 16-bit numbers. */
export function numbersRecord(
  critical: boolean,
  type: number,
  numbers: readonly number[],
): KeRecord {
  const body = new Uint8Array(2 * numbers.length);
  numbers.forEach((number, at) => {
    body[2 * at] = number >>> 8;
    body[2 * at + 1] = number;
  });
  return { critical, type, body };
}

/**
 * The 16-bit numbers of a record.
 *
 * @returns undefined if its length is odd
 */
export function numbersOf({ body }: KeRecord): number[] | undefined {
  if (body.length % 2 !== 0) return undefined;
  const numbers: number[] = [];
  for (let at = 0; at < body.length; at += 2) numbers.push((body[at]! << 8) | body[at + 1]!);
  return numbers;
}

/** A record whose body is ASCII text. */
export function textRecord(critical: boolean, type: number, text: string): KeRecord {
  return { critical, type, body: new TextEncoder().encode(text) };
}

/**
 * A message: records, and the one that says that they are all.
 *
 * @param records without the end of the message
 */
export function encodeMessage(records: readonly KeRecord[]): Uint8Array {
  const end: KeRecord = { critical: true, type: RECORD.endOfMessage, body: new Uint8Array(0) };
  const all = [...records, end];
  const length = all.reduce((sum, { body }) => sum + RECORD_HEADER_LENGTH + body.length, 0);
  const message = new Uint8Array(length);
  let at = 0;
  for (const { critical, type, body } of all) {
    message[at] = (type >>> 8) | (critical ? 0x80 : 0);
    message[at + 1] = type;
    message[at + 2] = body.length >>> 8;
    message[at + 3] = body.length;
    message.set(body, at + RECORD_HEADER_LENGTH);
    at += RECORD_HEADER_LENGTH + body.length;
  }
  return message;
}
