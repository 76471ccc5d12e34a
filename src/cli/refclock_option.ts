import { duration, type Option } from "./option.ts";
import { readRefclock, type Refclock } from "./refclock_spec.ts";

/** How the help says what the value of the option is. */
export const REFCLOCK_HELP: string = `
SPEC is a reference clock, KIND[:WHERE][,OPTION[=VALUE]…]:

  gpsd[:HOST[:PORT]]  a receiver by gpsd, of this computer if no HOST is named;
                      device=PATH, if gpsd has several
  nmea:PATH           a receiver on a serial line that sends NMEA 0183;
                      baud=9600 sets its speed
  nmea:HOST[:PORT]    the same by TCP; the port is 10110 if nothing else is said
  pps[:PATH]          pulses, of /dev/pps0 if no PATH is named: they tell when a
                      second begins, another clock or server must tell which
                      one it is; edge=clear
  phc[:PATH]          a clock of a network card or virtual machine, /dev/ptp0 if
                      no PATH is named; utc-offset=0 if it does not keep TAI
  shm[:UNIT]          shared memory that another program writes, unit 0 to 255
  sock:PATH           a socket that other programs send samples to

All have offset=TIME, added to what the clock tells; delay=TIME, round trip to
what it takes its time from; max-error=TIME; refid=ID, one to four characters;
stratum=N, of the clock itself; poll=N, log2 of the seconds that make a sample;
patience=TIME, for which it may be silent; prefer, require, trust, noselect.
These are seconds, or have a unit: 120ms, 5us, -35ns. pps, phc, shm, sock and
baud are for Linux, through foreign functions.
`.trim();

/** How the help says what happens when they fall silent. */
export const HOLDOVER_HELP: string = `
When all are lost, the clock goes on by itself (holdover) and says how wrong it
may have become: for as long as --max-holdover allows, and at most until that is
3 s. Then it is not synchronised, until one comes back.
`.trim();

/** The options that say what the reference is. */
export const REFCLOCK_OPTIONS: {
  readonly refclock: Option<readonly Refclock[]>;
  readonly maxHoldover: Option<number | undefined>;
} = {
  refclock: {
    value: "SPEC",
    repeatable: true,
    initial: [],
    help: "take the time from this reference clock; may be given more than once",
    read: (given, name) => given.map((one) => readRefclock(one, name)),
  },
  maxHoldover: duration({
    positive: true,
    initial: undefined,
    initialText: "as long as the error allows",
    help: "how long to serve time when no source is left",
  }),
};
