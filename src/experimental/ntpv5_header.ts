/**
 * The header of NTPv5 as it lies on the wire (draft-ietf-ntp-ntpv5, "Message Format"): 48 bytes, as
 * before. First byte, stratum, poll, precision, root delay and root dispersion, and the receive and
 * transmit timestamps stand where they always did; these are the others.
 */

/** Offset of the timescale. */
export const TIMESCALE_AT = 12;
/** Offset of the era. */
export const ERA_AT = 13;
/** Offset of the flags, two bytes. */
export const FLAGS_AT = 14;
/** Offset of the server cookie, eight bytes. */
export const SERVER_COOKIE_AT = 16;
/** Offset of the client cookie, eight bytes. */
export const CLIENT_COOKIE_AT = 24;

/** Flag of a server that has the time. */
export const FLAG_SYNCHRONIZED = 1;
/** Flag of interleaved mode, asked for or answered in. */
export const FLAG_INTERLEAVED = 2;
/** Flag of a server that could not authenticate the request. */
export const FLAG_AUTHENTICATION_NAK = 4;

/** Version of the packets. */
export const NTPV5 = 5;

/** Timescale UTC. */
export const UTC = 0;
/** Timescale UTC, smeared around leap seconds. */
export const SMEARED_UTC = 3;
